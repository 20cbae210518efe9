"""Writes to a registry: blobs, manifests, and their removal.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

from ...errors import UserError
from .client import INDEXES, MANIFESTS, Descriptor, Registry, RegistrySilent

SAID = 600
"""So much of a registry's own words is shown."""
NO_DELETION = (400, 404, 405)


class KeepsAll(UserError):
    """The registry removes nothing."""


class Writer(Registry):
    """A registry that takes images from us."""

    # Registries differ in whether removing needs a right of its own; unknown ones are not given.
    _rights = "pull,push,delete"

    def digest(self, repository: str, version: str) -> str | None:
        """The digest of what is there by this name; None if nothing is."""
        url = f"{self._url}{repository}/manifests/{version}"
        headers = {"Accept": ", ".join((*MANIFESTS, *INDEXES))}
        with self._ask("GET", repository, url, headers) as answer:
            if answer.status_code == 404:
                return None
            self._allowed(answer, repository)
            return f"sha256:{hashlib.sha256(answer.content).hexdigest()}"

    def put_blob(self, repository: str, blob: Descriptor, path: Path) -> None:
        """Have a file there, unless it is there."""
        url = f"{self._url}{repository}/blobs/"
        with self._ask("HEAD", repository, url + blob.digest, {}) as answer:
            if answer.ok:
                return
        with self._ask("POST", repository, f"{url}uploads/", {}, b"") as answer:
            self._allowed(answer, repository)
            target = self._for_digest(answer, blob.digest)
        headers = {"Content-Type": "application/octet-stream"}
        with (
            path.open("rb") as file,
            self._ask("PUT", repository, target, headers, file) as answer,
        ):
            self._allowed(answer, repository)

    def put_manifest(self, repository: str, version: str, manifest: bytes, kind: str) -> str:
        """Name what was put there before; its digest."""
        url = f"{self._url}{repository}/manifests/{version}"
        with self._ask("PUT", repository, url, {"Content-Type": kind}, manifest) as answer:
            self._allowed(answer, repository)
        return f"sha256:{hashlib.sha256(manifest).hexdigest()}"

    def delete(self, repository: str, digest: str) -> None:
        """Remove a manifest, with all its names. KeepsAll if this registry removes none."""
        url = f"{self._url}{repository}/manifests/{digest}"
        with self._ask("DELETE", repository, url, {}) as answer:
            # One that was there a moment ago and is not known is what some say instead of "no".
            if answer.status_code == 404 and self.digest(repository, digest) is None:
                return
            if answer.status_code in NO_DELETION:
                raise KeepsAll(
                    f"The registry {self._host} does not let images be removed.",
                    "Have it allow this, or remove old images there yourself.",
                    detail=answer.text[:SAID],
                )
            self._allowed(answer, repository)

    def _for_digest(self, answer: requests.Response, digest: str) -> str:
        """Where an upload goes: on the same host, since it is sent with our login."""
        target = urljoin(answer.url, answer.headers.get("Location", ""))
        if urlsplit(target)[:2] != urlsplit(self._url)[:2]:
            raise UserError(
                f"The registry {self._host} takes uploads at another address, {target[:200]}.",
                "Have it give out the address that is in c.Site.image_registry.",
            )
        return f"{target}{'&' if '?' in target else '?'}digest={digest}"

    def _allowed(self, answer: requests.Response, repository: str) -> None:
        """What will not be otherwise the next time is told from what may pass."""
        status = answer.status_code
        if status in (408, 429) or status >= 500:
            raise RegistrySilent(self._host, f"{status} {answer.text[:SAID]}")
        if not answer.ok:
            raise UserError(
                f"The registry {self._host} does not take images into {repository} ({status}).",
                "Tell your help desk: the site's login to its registry may be missing or too weak.",
                detail=answer.text[:SAID],
                status=503,
            )
