"""The site's key, and the signatures beside artefacts."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest

from hpcbinderhub.app import main
from hpcbinderhub.errors import UserError
from hpcbinderhub.images.signing import signer_of, write_beside


@pytest.fixture
def key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "key.pem"
    assert main(["signing-key", str(path)]) == 0
    assert capsys.readouterr().out == f"c.Site.image_signing_key = '{path}'\n"
    assert path.stat().st_mode & 0o777 == 0o600
    return path


@pytest.fixture
def signed(tmp_path: Path, key: Path) -> Path:
    """An artefact and its signature, which is over its digest alone."""
    content = bytes(range(256)) * 100
    digest = hashlib.sha256(content).hexdigest()
    path = tmp_path / f"{digest}.squashfs"
    path.write_bytes(content)
    path.chmod(0o640)
    signer = signer_of(str(key))
    assert signer
    write_beside(path, signer.of_file(digest))
    return path


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What `images verify` says, and how it ends."""
    code = main(["images", "verify", *map(str, arguments)])
    out, error = capsys.readouterr()
    return f"[{code}] {out}{error}"


def test_a_signed_file(signed: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "[0]" in said(capsys, signed, "--key", f"{key}.pub")
    assert signed.with_suffix(".sig").stat().st_mode & 0o777 == 0o640


def test_openssl_takes_the_signature_as_one_over_the_file(signed: Path, key: Path) -> None:
    signature = signed.with_suffix(".bin")
    signature.write_bytes(base64.b64decode(signed.with_suffix(".sig").read_text()))
    command = ["openssl", "dgst", "-sha256", "-verify", f"{key}.pub", "-signature"]
    done = subprocess.run([*command, str(signature), str(signed)], capture_output=True, text=True)
    assert done.stdout == "Verified OK\n", done.stderr


def test_what_is_not_as_it_was(
    signed: Path, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["signing-key", f"{tmp_path}/other"])
    assert "is not by this key" in said(capsys, signed, "--key", f"{tmp_path}/other.pub")
    signature = signed.with_suffix(".sig").read_text()
    signed.with_suffix(".sig").write_text("no signature")
    assert "is not by this key" in said(capsys, signed, "--key", f"{key}.pub")
    signed.with_suffix(".sig").unlink()
    assert "is not signed" in said(capsys, signed, "--key", f"{key}.pub")
    signed.with_suffix(".sig").write_text(signature)
    signed.write_bytes(signed.read_bytes()[:-1])
    assert "has changed" in said(capsys, signed, "--key", f"{key}.pub")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        ("openssl ecparam -name prime256v1 -genkey -noout", ""),
        ("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", ""),
        ("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384", "another kind"),
        ("openssl genpkey -algorithm ed25519", "another kind"),
        (
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes128 -pass pass:x",
            "without a password",
        ),
        ("echo -----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----", "without a password"),
    ],
)
def test_keys_from_elsewhere(make: str, why: str, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(subprocess.run(make.split(), check=True, capture_output=True).stdout)
    key.chmod(0o600)
    if why:
        with pytest.raises(UserError, match=why):
            signer_of(str(key))
    else:
        assert signer_of(str(key))


def test_a_key_that_others_can_read_or_nobody(key: Path, tmp_path: Path) -> None:
    key.chmod(0o640)
    with pytest.raises(UserError, match="open to other accounts"):
        signer_of(str(key))
    with pytest.raises(UserError, match="cannot be read"):
        signer_of(f"{tmp_path}/none")
    assert signer_of("") is None


def test_a_key_is_not_overwritten(key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = key.read_bytes()
    assert main(["signing-key", str(key)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert key.read_bytes() == before
