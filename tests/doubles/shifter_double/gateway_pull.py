"""What the gateway's workers do: fetch an image, or take in a ready squashfs (contract 4)."""

import hashlib
import json
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .gateway_config import GatewayConfig, Remote
from .gateway_records import Record, Records
from .metadata import ImageMetadata, format_metadata

log = logging.getLogger("imagegwd")

Logins = Mapping[str, str]


class PullError(Exception):
    """Why a pull failed. It goes to the log only: the record just says FAILURE."""


class Worker:
    """Brings images into imageDir and moves their records along."""

    def __init__(self, config: GatewayConfig, records: Records) -> None:
        self._config, self._records = config, records

    def pull(self, record: Record, logins: Logins) -> None:
        """Fetch from a registry through skopeo and umoci: the contract's `use_external` way."""
        self._guarded(record, lambda work: self._pull(record, logins, work))

    def take_in(self, record: Record, source: Path, user: str) -> None:
        """Import a squashfs that somebody else made (doimport)."""
        self._guarded(record, lambda work: self._take_in(record, source, user))

    def _guarded(self, record: Record, job: Callable[[Path], None]) -> None:
        self._config.expand.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=self._config.expand))
        try:
            job(work)
            self._records.finish(record, self._config.expiration_seconds)
        except (PullError, OSError, subprocess.SubprocessError, ValueError) as error:
            log.error("%s %s: %s", record.itype, record.tag[0], error)
            self._records.fail(record)
        finally:
            _remove(work)

    def _pull(self, record: Record, logins: Logins, work: Path) -> None:
        def step(status: str, message: str) -> None:
            self._records.advance(record, status, message)

        step("PULLING", "PULLING")
        located = self._config.locate(record.tag[0])
        if located is None:
            raise PullError("no such location")
        location, remote, repository = located
        step("PULLING", "Inspecting Image")
        source = Source(remote, repository, logins.get(location))
        record.id = source.digest()
        if not source.private:
            # Contract 4: the ACL is only kept when the registry needed credentials.
            record.userACL, record.groupACL = [], []
        step("PULLING", "Pulling layers")
        source.copy(work / "oci")
        step("PULLING", "Extracting image")
        _run("umoci", "raw", "unpack", "--rootless", "--image", f"{work}/oci:image", work / "root")
        step("EXAMINATION", "Examining image")
        meta = _metadata(_image_config(work / "oci"), record)
        step("CONVERSION", "Converting image")
        options = self._config.converter_options
        squashed = work / "image.squashfs"
        _run("mksquashfs", work / "root", squashed, *options, "-all-root", "-no-progress")
        step("TRANSFER", "Transferring image")
        self._place(record, squashed, meta)

    def _take_in(self, record: Record, source: Path, user: str) -> None:
        self._records.advance(record, "HASHING", "HASHING")
        with source.open("rb") as stream:
            if stream.read(4) != b"hsqs":
                raise PullError(f"{source} is no squashfs")
            stream.seek(0)
            # Contract 4: the real one asks `fasthash`; any 64 hex digits of the content serve.
            record.id = hashlib.file_digest(stream, "sha256").hexdigest()
        self._records.advance(record, "TRANSFER", "Transferring image")
        self._place(record, source, ImageMetadata(user=user))

    def _place(self, record: Record, squashed: Path, meta: ImageMetadata) -> None:
        """Put the pair into imageDir; the .meta comes last, since shifter looks for it first."""
        images = self._config.image_dir(record.system)
        images.mkdir(parents=True, exist_ok=True)
        target = images / f"{record.id}.squashfs"
        fresh = images / f".{record.id}.new"
        shutil.copyfile(squashed, fresh)
        # Root's and 0600 on a real site; here the user herself has to read them.
        fresh.chmod(0o644)
        os.replace(fresh, target)
        fresh.write_text(format_metadata(meta))
        fresh.chmod(0o644)
        os.replace(fresh, images / f"{record.id}.meta")


class Source:
    """One image at a registry, reached anonymously first and with a login if that is refused."""

    def __init__(self, remote: Remote, repository: str, login: str | None) -> None:
        self._name = f"docker://{remote.host}/{repository}"
        self._tls = "true" if remote.tls else "false"
        self._login = login
        self.private = False

    def digest(self) -> str:
        """The digest of the manifest as the registry serves it (contract 1)."""
        words = ("inspect", "--no-tags", f"--tls-verify={self._tls}", "--format", "{{.Digest}}")
        try:
            answer = self._skopeo(*words, self._name)
        except PullError:
            if self._login is None:
                raise
            answer = self._skopeo(*words, "--creds", self._login, self._name)
            self.private = True
        return answer.strip().removeprefix("sha256:")

    def copy(self, target: Path) -> None:
        login = ("--src-creds", self._login) if self.private and self._login else ()
        verify = f"--src-tls-verify={self._tls}"
        self._skopeo("copy", "--quiet", verify, *login, self._name, f"oci:{target}:image")

    @staticmethod
    def _skopeo(*words: str) -> str:
        return _run("skopeo", "--insecure-policy", *words)


def _image_config(oci: Path) -> dict[str, Any]:
    text = _run("skopeo", "inspect", "--config", f"oci:{oci}:image")
    config: dict[str, Any] = json.loads(text).get("config") or {}
    return config


def _metadata(config: Mapping[str, Any], record: Record) -> ImageMetadata:
    record.ENV = config.get("Env") or []
    record.ENTRY = _words(config.get("Entrypoint"))
    record.WORKDIR = config.get("WorkingDir") or ""
    pairs = (entry.partition("=") for entry in record.ENV)
    return ImageMetadata(
        entry=tuple(record.ENTRY),
        cmd=tuple(_words(config.get("Cmd"))),
        workdir=record.WORKDIR,
        env={name: value for name, _, value in pairs},
        user_acl=tuple(record.userACL),
        group_acl=tuple(record.groupACL),
    )


def _words(value: Sequence[str] | str | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _run(*words: object) -> str:
    if shutil.which(str(words[0])) is None:
        raise PullError(f"{words[0]} is not installed")
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PullError(f"{words[0]}: {done.stderr.strip()}")
    return done.stdout


def _remove(tree: Path) -> None:
    # Unpacked images have directories that even their owner may not write to.
    for directory, _, _ in os.walk(tree):
        os.chmod(directory, 0o700)
    shutil.rmtree(tree)
