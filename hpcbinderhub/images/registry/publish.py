"""An artefact as an image in the site's registry, for engines that only pull: one layer with the
artefact's very tree, so that all engines run the same files; with its bill, and signed.

Runs as a process of its own, which `store.publishing` starts: an image is a gigabyte to be read,
packed and sent. The order comes on standard input, which stays open for as long as it is wanted.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from ...builds.processes import at_end_of
from ...errors import UserError
from ..as_layer import add_tree
from ..bills import cyclonedx
from ..bills.annotations import PREFIX, annotations_of
from ..bills.model import Bill
from ..oci import Layout
from ..signing import Signer, signed_text, signer_of
from .client import MANIFESTS, Descriptor, RegistrySilent
from .reference import Reference, parse
from .writer import Writer

MANIFEST = MANIFESTS[0]
SIGNED_TEXT = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
NO_CONFIG = "application/vnd.oci.empty.v1+json"
NICE = 10
PIECE = 1 << 20


class Door(BaseModel):
    """A registry and how to get in; all files are of the account that runs this."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    repository: str
    """With the registry's host."""
    auth_file: str = ""
    ca_file: str = ""
    plain_http: bool = False

    def at(self, artefact: str) -> Reference:
        """Where an artefact's image is: under its SHA-256."""
        return parse(f"{self.repository.rstrip('/')}:{artefact}")

    def open(self) -> Writer:
        """The registry."""
        return Writer(
            self.at("latest").host,
            Path(self.auth_file) if self.auth_file else None,
            https=not self.plain_http,
            ca_bundle=self.ca_file,
        )


class Order(BaseModel):
    """What is to be published."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    door: Door
    artefact: str
    file: Path
    scratch: Path
    """A folder for what is packed and not yet sent."""
    repo_url: str
    commit: str
    made: float
    bill: Bill | None = None
    signing_key: str = ""


class Outcome(BaseModel):
    """What became of it: the manifest's digest, or why there is none."""

    digest: str = ""
    message: str = ""
    advice: str = ""
    detail: str = ""
    may_pass: bool = False
    """Whether trying again may help by itself."""


def tag(digest: str, ending: str) -> str:
    """What belongs to an image has a tag of its own, by cosign's convention."""
    return f"{digest.replace(':', '-')}.{ending}"


SIGNATURE_ENDING, BILL_ENDING = "sig", "sbom"


def publish(order: Order) -> str:
    """The digest of the image's manifest. Its own tag is the last to appear."""
    signer = signer_of(order.signing_key)
    _check(order.file, order.artefact)
    registry, where = order.door.open(), order.door.at(order.artefact)
    with tempfile.TemporaryDirectory(dir=order.scratch) as folder:
        bundle = _Bundle(Path(folder), registry, where)
        layout = Layout(Path(folder, "layout"))
        annotations = _annotations(order)
        _record, architecture = add_tree(layout, order.file)
        created = cyclonedx.moment(order.made)
        config = {"Labels": annotations}
        manifest = layout.finish(order.artefact, architecture, created, config, annotations)
        digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
        said = json.loads(manifest)
        for blob in (said["config"], *said["layers"]):
            what = Descriptor(blob["digest"], blob["size"])
            registry.put_blob(where.repository, what, layout.blob(what.digest))
        if order.bill:
            bundle.put(tag(digest, BILL_ENDING), _bill(bundle, order, digest, len(manifest)))
        if signer:
            bundle.put(tag(digest, SIGNATURE_ENDING), _signature(bundle, digest, signer))
        return registry.put_manifest(where.repository, where.version, manifest, MANIFEST)


def withdraw(door: Door, artefact: str) -> None:
    """Remove an artefact's image and what belongs to it; what is gone is no error."""
    registry, where = door.open(), door.at(artefact)
    digest = registry.digest(where.repository, where.version)
    if digest is None:
        return
    # The image itself is the last to go: the others are found by it.
    for ending in (SIGNATURE_ENDING, BILL_ENDING):
        beside = registry.digest(where.repository, tag(digest, ending))
        if beside is not None:
            registry.delete(where.repository, beside)
    registry.delete(where.repository, digest)


class _Bundle:
    """What is small and goes beside the image."""

    def __init__(self, folder: Path, registry: Writer, where: Reference):
        self._folder = folder
        self._registry = registry
        self.repository = f"{where.host}/{where.repository}"
        self._name = where.repository

    def blob(self, kind: str, data: bytes) -> dict[str, Any]:
        """Put a blob there; its descriptor."""
        what = Descriptor(f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))
        path = self._folder / "blob"
        path.write_bytes(data)
        self._registry.put_blob(self._name, what, path)
        return {"mediaType": kind, "digest": what.digest, "size": what.size}

    def put(self, name: str, manifest: Mapping[str, Any]) -> None:
        """Name what was put there."""
        text = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, **manifest}).encode()
        self._registry.put_manifest(self._name, name, text, MANIFEST)


def _annotations(order: Order) -> dict[str, str]:
    """What the image says of itself; the signature over it covers the bill, by its digest."""
    ours = {f"{PREFIX}artefact": f"sha256:{order.artefact}"}
    if order.bill is None:
        return ours | {
            "org.opencontainers.image.source": order.repo_url,
            "org.opencontainers.image.revision": order.commit,
        }
    digest = hashlib.sha256(_bill_text(order)).hexdigest()
    return ours | annotations_of(order.bill) | {f"{PREFIX}bill": f"sha256:{digest}"}


def _bill_text(order: Order) -> bytes:
    assert order.bill is not None
    return json.dumps(cyclonedx.document(order.bill, order.artefact)).encode()


def _bill(bundle: _Bundle, order: Order, digest: str, size: int) -> dict[str, Any]:
    """The bill, for those who look for it by its tag, and by what it says that it belongs to."""
    return {
        "artifactType": cyclonedx.MEDIA_TYPE,
        "config": bundle.blob(NO_CONFIG, b"{}"),
        "layers": [bundle.blob(cyclonedx.MEDIA_TYPE, _bill_text(order))],
        "subject": {"mediaType": MANIFEST, "digest": digest, "size": size},
    }


def _signature(bundle: _Bundle, digest: str, signer: Signer) -> dict[str, Any]:
    text = signed_text(bundle.repository, digest)
    layer = bundle.blob(SIGNED_TEXT, text)
    config = {
        "architecture": "",
        "os": "",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    return {
        "config": bundle.blob(
            "application/vnd.oci.image.config.v1+json", json.dumps(config).encode()
        ),
        "layers": [{**layer, "annotations": {SIGNATURE: signer.of_text(text)}}],
    }


def _check(file: Path, artefact: str) -> None:
    """That the file is still the one that was built, before anybody vouches for it."""
    try:
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(
            "The image's file cannot be read.",
            "Launch again; if it goes on, tell your help desk.",
            detail=str(error),
            status=503,
        ) from error
    if found != artefact:
        raise UserError(
            "The image's file is not the one that was built.",
            "Tell your help desk: somebody or something has changed the artefact store.",
            detail=f"{file} has the SHA-256 {found}",
            status=503,
        )


def _carried_out(order: Order) -> Outcome:
    try:
        return Outcome(digest=publish(order))
    except UserError as error:
        return Outcome(**error.as_dict(), may_pass=isinstance(error, RegistrySilent))


def main() -> None:
    """Publish what standard input asks for; standard output gets what became of it."""
    os.nice(NICE)
    order = Order.model_validate_json(sys.stdin.buffer.readline())
    at_end_of(sys.stdin.fileno(), lambda: os._exit(3))
    print(_carried_out(order).model_dump_json())


if __name__ == "__main__":
    main()
