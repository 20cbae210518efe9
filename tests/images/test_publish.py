"""Artefacts as images in a real registry, signed, and judged by programs that are not ours."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from images.bills.bills import bill, python
from images.layers import by_unsquashfs, unpacked
from images.published import get, make_published
from images.registry import running

from hpcbinderhub.errors import UserError
from hpcbinderhub.images.bills import cyclonedx
from hpcbinderhub.images.convert import Place
from hpcbinderhub.images.registry.artefact import Limits, from_registry
from hpcbinderhub.images.registry.client import Registry, RegistrySilent
from hpcbinderhub.images.registry.publish import Door, Order, publish, withdraw
from hpcbinderhub.images.registry.writer import KeepsAll
from hpcbinderhub.images.signing import make_key

HASHED = "$2y$05$abcdefghijklmnopqrstuu2sM.EEHj4jPcCa5rwqJGg1PNBllkZXy"
"""Of "a password", by bcrypt."""
BILL = bill(python("six", "1.17.0"))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("registry"), deletes=True) as host:
        yield host


@pytest.fixture
def key(tmp_path: Path) -> Path:
    make_key(tmp_path / "key")
    return tmp_path / "key"


@pytest.fixture
def order(registry: str, tmp_path: Path, key: Path) -> Order:
    """An artefact to be published in a repository of its own."""
    return order_at(f"{registry}/{tmp_path.name.replace('_', '-')}", tmp_path, key)


def order_at(repository: str, folder: Path, key: Path | str = "") -> Order:
    digest = make_published(folder)
    return Order(
        door=Door(repository=repository, plain_http=True),
        artefact=digest,
        file=folder / f"{digest}.squashfs",
        scratch=folder,
        repo_url="https://example.org/geo/Soundings.git",
        commit="0" * 40,
        made=0.0,
        bill=BILL,
        signing_key=str(key),
    )


def blob(order: Order, descriptor: dict[str, Any]) -> bytes:
    answer = get(order.door.repository, f"blobs/{descriptor['digest']}")
    answer.raise_for_status()
    return answer.content


def test_what_is_pulled_is_what_the_file_holds(order: Order, tmp_path: Path) -> None:
    digest = publish(order)
    where = order.door.at(order.artefact)
    (tmp_path / "store").mkdir()
    *_lines, made = from_registry(
        Registry(where.host, https=False),
        where,
        Place(tmp_path / "store", "here"),
        Limits(1 << 30, tmp_path),
    )
    assert by_unsquashfs(made.path, tmp_path / "back") == by_unsquashfs(  # type: ignore[union-attr]
        order.file, tmp_path / "there"
    )
    said = get(order.door.repository, f"manifests/{order.artefact}")
    assert f"sha256:{hashlib.sha256(said.content).hexdigest()}" == digest
    annotations = said.json()["annotations"]
    assert annotations["hpcbinderhub.artefact"] == f"sha256:{order.artefact}"
    assert annotations["hpcbinderhub.recipe-key"] == BILL.key
    assert annotations["org.opencontainers.image.revision"] == BILL.commit
    config = json.loads(blob(order, said.json()["config"]))
    assert config["config"]["Labels"] == annotations
    assert config["architecture"] == "amd64"
    assert not list(tmp_path.glob("tmp*"))


def test_skopeo_and_umoci_read_the_same_files(order: Order, tmp_path: Path) -> None:
    publish(order)
    source = f"docker://{order.door.repository}:{order.artefact}"
    target = f"oci:{tmp_path}/copied/layout:image"
    command = ["skopeo", "copy", "--quiet", "--src-tls-verify=false", source, target]
    (tmp_path / "copied").mkdir()
    subprocess.run(command, check=True, capture_output=True)
    found = unpacked(tmp_path / "copied")
    assert found
    assert found == by_unsquashfs(order.file, tmp_path / "there")


def test_skopeo_copies_it_with_a_policy_that_wants_our_signature(
    order: Order, tmp_path: Path, key: Path
) -> None:
    publish(order)
    assert "written" in pulled_by_skopeo(order, tmp_path, key)
    make_key(tmp_path / "other")
    assert "cryptographic signature verification failed" in pulled_by_skopeo(
        order, tmp_path, tmp_path / "other"
    )


def pulled_by_skopeo(order: Order, folder: Path, key: Path) -> str:
    """What skopeo says about an image if only this key's images are to be let in."""
    rule = {
        "type": "sigstoreSigned",
        "keyPath": f"{key}.pub",
        "signedIdentity": {"type": "matchRepository"},
    }
    policy = {"default": [{"type": "reject"}], "transports": {"docker": {"": [rule]}}}
    (folder / "policy.json").write_text(json.dumps(policy))
    (folder / "registries.d").mkdir(exist_ok=True)
    (folder / "registries.d" / "all.yaml").write_text(
        "default-docker: {use-sigstore-attachments: true}\n"
    )
    done = subprocess.run(
        ["skopeo", f"--policy={folder}/policy.json", f"--registries.d={folder}/registries.d",
         "copy", "--src-tls-verify=false", "--remove-signatures",
         f"docker://{order.door.repository}:{order.artefact}", f"dir:{folder}/copied"],
        capture_output=True, text=True,
    )  # fmt: skip
    if "sigstore disabled" in done.stderr:
        pytest.skip("Debian's skopeo is built without what checks such signatures")
    return "written" if done.returncode == 0 else done.stderr


def test_the_signature_is_where_cosign_looks_and_openssl_takes_it(
    order: Order, tmp_path: Path, key: Path
) -> None:
    digest = publish(order)
    said = get(order.door.repository, f"manifests/{digest.replace(':', '-')}.sig").json()
    (layer,) = said["layers"]
    text = blob(order, layer)
    assert json.loads(text) == {
        "critical": {
            "identity": {"docker-reference": order.door.repository},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": {},
    }
    signature = layer["annotations"]["dev.cosignproject.cosign/signature"]
    assert by_openssl(tmp_path, text, signature, key)
    assert not by_openssl(tmp_path, text.replace(b"sha256:", b"sha256;"), signature, key)


def by_openssl(folder: Path, text: bytes, signature: str, key: Path) -> bool:
    (folder / "text").write_bytes(text)
    (folder / "signature").write_bytes(base64.b64decode(signature))
    command = ["openssl", "dgst", "-sha256", "-verify", f"{key}.pub", "-signature"]
    done = subprocess.run(
        [*command, str(folder / "signature"), str(folder / "text")], capture_output=True
    )
    return done.returncode == 0


def test_the_bill_lies_beside_it_and_the_signature_covers_it(order: Order) -> None:
    digest = publish(order)
    said = get(order.door.repository, f"manifests/{digest.replace(':', '-')}.sbom").json()
    assert said["subject"]["digest"] == digest
    (layer,) = said["layers"]
    assert layer["mediaType"] == said["artifactType"] == cyclonedx.MEDIA_TYPE
    assert json.loads(blob(order, layer)) == cyclonedx.document(BILL, order.artefact)
    image = get(order.door.repository, f"manifests/{order.artefact}").json()
    assert image["annotations"]["hpcbinderhub.bill"] == layer["digest"]


def test_publishing_again_changes_nothing(order: Order) -> None:
    assert publish(order) == publish(order)


def test_without_a_key_and_a_bill_there_is_the_image_alone(registry: str, order: Order) -> None:
    digest = publish(order.model_copy(update={"bill": None, "signing_key": ""}))
    for ending in ("sig", "sbom"):
        assert (
            get(order.door.repository, f"manifests/{digest.replace(':', '-')}.{ending}").status_code
            == 404
        )
    assert get(order.door.repository, f"manifests/{digest}").ok


def test_a_file_that_was_changed_is_not_vouched_for(order: Order) -> None:
    order.file.write_bytes(order.file.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="not the one that was built"):
        publish(order)
    assert get(order.door.repository, f"manifests/{order.artefact}").status_code == 404


def test_what_is_withdrawn_is_gone_with_all_that_belongs_to_it(order: Order) -> None:
    digest = publish(order)
    withdraw(order.door, order.artefact)
    endings = [f"{digest.replace(':', '-')}.{ending}" for ending in ("sig", "sbom")]
    for name in (order.artefact, digest, *endings):
        assert get(order.door.repository, f"manifests/{name}").status_code == 404, name
    withdraw(order.door, order.artefact)


def test_a_registry_that_removes_nothing_says_so(tmp_path: Path) -> None:
    with running(tmp_path / "registry") as host:
        order = order_at(f"{host}/images", tmp_path)
        publish(order)
        with pytest.raises(KeepsAll, match="does not let images be removed"):
            withdraw(order.door, order.artefact)


def test_a_registry_that_wants_a_login_and_has_a_certificate_of_its_own(
    tmp_path: Path, key: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    (tmp_path / "users").write_text(f"hub:{HASHED}\n")
    login = f"auth: {{htpasswd: {{realm: here, path: {tmp_path}/users}}}}"
    with running(
        tmp_path / "registry", login, tls=(tmp_path / "cert.pem", tmp_path / "key.pem")
    ) as host:
        order = order_at(f"{host}/images", tmp_path, key)
        door = {"repository": f"{host}/images", "ca_file": f"{tmp_path}/ca.pem"}
        stranger = order.model_copy(update={"door": Door(**door)})
        with pytest.raises(UserError, match=r"does not take images into images \(401\)") as refused:
            publish(stranger)
        assert not isinstance(refused.value, RegistrySilent)
        shown = base64.b64encode(b"hub:a password").decode()
        (tmp_path / "auth.json").write_text(json.dumps({"auths": {host: {"auth": shown}}}))
        friend = Door(**door, auth_file=f"{tmp_path}/auth.json")
        digest = publish(order.model_copy(update={"door": friend}))
        assert friend.open().digest("images", order.artefact) == digest
        with pytest.raises(RegistrySilent, match="certificate verify failed"):
            publish(order.model_copy(update={"door": Door(repository=f"{host}/images")}))


def test_nobody_there(tmp_path: Path) -> None:
    order = order_at("127.0.0.1:9/images", tmp_path)
    with pytest.raises(RegistrySilent):
        publish(order)
