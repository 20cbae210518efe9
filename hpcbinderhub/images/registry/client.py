"""Reads images from a registry: what they consist of, and their blobs.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import requests

from ...errors import UserError
from .reference import DEFAULT_HOST, DIGEST, Reference

MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
LAYERS = re.compile(
    r"application/vnd\.(oci\.image\.layer\.v1\.tar(\+(gzip|zstd))?"
    r"|docker\.image\.rootfs\.diff\.tar(\.(gzip|zstd))?)"
)
MOST_LAYERS = 256
LARGEST_MANIFEST = 4 << 20
PIECE = 1 << 18
"""As much is asked for once more where a connection broke."""
TIMEOUT = (15, 60)
UPLOAD_TIMEOUT = (15, 600)
"""A registry may look at all of what it got before it answers."""
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
"""Linux's names, where OCI has others."""


@dataclass(frozen=True)
class Descriptor:
    """A blob: how it is called, and how many bytes it has."""

    digest: str
    size: int


@dataclass(frozen=True)
class Image:
    """An image for one kind of machine."""

    name: str
    """With the digest of its manifest."""
    layers: tuple[Descriptor, ...]
    """From the lowest up."""


class Registry:
    """One registry, with whatever it wants to see before it answers."""

    _rights = "pull"
    """What its token service is asked for."""

    def __init__(
        self,
        host: str,
        authfile: Path | None = None,
        *,
        https: bool = True,
        ca_bundle: str = "",
    ):
        self._host = host
        self._https = https
        address = "registry-1.docker.io" if host == DEFAULT_HOST else host
        self._url = f"{'https' if https else 'http'}://{address}/v2/"
        self._login = _login(authfile, host) if authfile else None
        self._tokens: dict[str, str] = {}
        self._session = requests.Session()
        # What the account's own files say about hosts is not meant for us.
        self._session.auth = _no_login
        self._verify: str | bool = ca_bundle or True

    def image(self, reference: Reference) -> Image:
        """What an image consists of."""
        manifest, digest = self._manifest(reference.repository, reference.version)
        if manifest.get("mediaType") in INDEXES or "manifests" in manifest:
            manifest, digest = self._manifest(reference.repository, _for_here(manifest))
        layers = tuple(_layer(said) for said in manifest.get("layers", ()))
        if "config" not in manifest or not 0 < len(layers) <= MOST_LAYERS:
            raise UserError(f"{reference} is no image that can be converted.", "Look at its name.")
        name = f"{reference.host}/{reference.repository}@{digest}"
        return Image(name, layers)

    def blob(self, repository: str, blob: Descriptor, offset: int = 0) -> Iterator[bytes]:
        """The bytes of a blob from an offset on. Whoever reads them checks them."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        with self._get(repository, f"blobs/{blob.digest}", headers) as answer:
            skipped = offset if answer.status_code == 200 else 0
            for piece in answer.iter_content(PIECE):
                if skipped < len(piece):
                    yield piece[skipped:]
                skipped = max(0, skipped - len(piece))

    def _manifest(self, repository: str, version: str) -> tuple[dict[str, Any], str]:
        accept = {"Accept": ", ".join((*MANIFESTS, *INDEXES))}
        with self._get(repository, f"manifests/{version}", accept) as answer:
            text = b"".join(_limited(answer.iter_content(PIECE)))
        digest = f"sha256:{hashlib.sha256(text).hexdigest()}"
        _checked(text, version if DIGEST.fullmatch(version) else digest)
        return _object(text), digest

    def _get(self, repository: str, path: str, headers: dict[str, str]) -> requests.Response:
        headers = {"Accept-Encoding": "identity", **headers}
        answer = self._ask("GET", repository, f"{self._url}{repository}/{path}", headers)
        if answer.status_code in (401, 403, 404):
            raise UserError(
                f"The registry {self._host} has no {repository} {path}, or not for us.",
                "Look at the image's name, and whether it may be read without a login.",
            )
        self._check(answer)
        return answer

    def _ask(
        self,
        method: str,
        repository: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | IO[bytes] | None = None,
    ) -> requests.Response:
        """An answer, whatever it says; asked again with a login if the registry wants one."""
        try:
            answer = self._send(method, repository, url, headers, body)
            if answer.status_code == 401:
                self._log_in(repository, answer.headers.get("WWW-Authenticate", ""))
                answer.close()
                if body is not None and not isinstance(body, bytes):
                    body.seek(0)
                answer = self._send(method, repository, url, headers, body)
        except requests.RequestException as error:
            raise RegistrySilent(self._host, str(error)) from error
        return answer

    def _check(self, answer: requests.Response) -> None:
        try:
            answer.raise_for_status()
        except requests.RequestException as error:
            raise RegistrySilent(self._host, str(error)) from error

    def _send(
        self,
        method: str,
        repository: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | IO[bytes] | None,
    ) -> requests.Response:
        token = self._tokens.get(repository)
        # A redirect to another host, as large registries answer, is followed without the token.
        given = {**headers, "Authorization": token} if token else headers
        timeout = TIMEOUT if body is None else UPLOAD_TIMEOUT
        # Said each time: what a session says gives way to the environment's REQUESTS_CA_BUNDLE.
        more = {"verify": self._verify, "stream": True, "timeout": timeout}
        return self._session.request(method, url, headers=given, data=body, **more)  # type: ignore[arg-type]

    def _log_in(self, repository: str, challenge: str) -> None:
        """Get what the registry asks for: https://distribution.github.io/distribution/spec/auth/token/"""
        scheme, _, rest = challenge.partition(" ")
        said = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        realm = said.get("realm", "")
        if self._https and not realm.startswith("https://"):
            realm = ""  # A login goes over no line that others can read.
        if scheme.lower() == "bearer" and realm:
            scope = f"repository:{repository}:{self._rights}"
            asked = {"scope": scope, "service": said.get("service", "")}
            answer = self._session.get(
                realm,
                params=asked,
                headers={"Authorization": self._login} if self._login else {},
                verify=self._verify,
                timeout=TIMEOUT,
            )
            if answer.ok:
                given = answer.json()
                token = given.get("token") or given.get("access_token")
                self._tokens[repository] = f"Bearer {token}"
        elif scheme.lower() == "basic" and self._login:
            self._tokens[repository] = self._login


class RegistrySilent(UserError):
    """No answer, or half of one: to be asked again."""

    def __init__(self, host: str, detail: str):
        super().__init__(
            f"The registry {host} does not answer.", "Try again in a while.", detail=detail
        )


class Forged(UserError):
    """What came is not what was named."""

    def __init__(self, digest: str):
        super().__init__(
            f"What the registry gave as {digest} is something else.",
            "Tell whoever runs the registry; nothing of it was used.",
        )


def _object(text: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError):
        raise UserError("The image's description cannot be read.", "Build it anew.") from None


def _checked(data: bytes, digest: str) -> bytes:
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise Forged(digest)
    return data


def _limited(pieces: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > LARGEST_MANIFEST:
            raise UserError("The image's description is too long.", "Use another image.")
        yield piece


def _descriptor(said: dict[str, Any]) -> Descriptor:
    digest, size = str(said.get("digest")), said.get("size")
    if not DIGEST.fullmatch(digest) or not isinstance(size, int) or size < 0:
        raise UserError(
            f"The image consists of something that cannot be checked: {digest[:80]}.",
            "Have it built with SHA-256 digests.",
        )
    return Descriptor(digest, size)


def _layer(said: dict[str, Any]) -> Descriptor:
    kind = str(said.get("mediaType"))
    if not LAYERS.fullmatch(kind):
        raise UserError(
            f"The image has a layer of an unknown kind: {kind[:100]}.", "Build it anew."
        )
    return _descriptor(said)


def _for_here(index: dict[str, Any]) -> str:
    """The digest of the image for machines like this one."""
    machine = MACHINES.get(platform.machine(), platform.machine())
    for said in index.get("manifests", ()):
        wanted = said.get("platform", {})
        if (wanted.get("os"), wanted.get("architecture")) == ("linux", machine):
            return _descriptor(said).digest
    raise UserError(f"There is no image for Linux on {machine} under this name.", "Build one.")


def _login(authfile: Path, host: str) -> str | None:
    """What `podman login` and `docker login` keep."""
    names = [host, "https://index.docker.io/v1/"] if host == DEFAULT_HOST else [host]
    try:
        known = json.loads(authfile.read_text()).get("auths", {})
        return next((f"Basic {known[name]['auth']}" for name in names if name in known), None)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UserError(
            f"{authfile} cannot be read as what `podman login` writes.", "", detail=str(error)
        ) from error


def _no_login(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
