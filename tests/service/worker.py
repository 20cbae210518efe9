"""A worker as a test plays one: over HTTP, with a token."""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import Any

import httpx
from service.running import RunningService

TOKEN = "a worker's token"
TOKENS = {"node": hashlib.sha256(TOKEN.encode()).hexdigest()}
ARTEFACT = b"squash"


class PlayedWorker:
    """Claims, looks at what it gets, and says how it ended."""

    def __init__(self, service: RunningService):
        self._url = f"{service.direct_url}/services/binder/api/worker"
        self._artefacts = service.site.artefacts

    def claim(self) -> dict[str, Any]:
        """The next build."""
        answer = self._call("POST", "claim", {})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def context(self, build: str) -> httpx.Response:
        """What there is to build from, as it is sent."""
        return self._call("GET", f"builds/{build}/context")

    def files(self, build: str) -> dict[str, bytes]:
        """The same, unpacked."""
        with tarfile.open(fileobj=io.BytesIO(self.context(build).content)) as archive:
            members = [member for member in archive if not member.isdir()]
            return {member.name: archive.extractfile(member).read() for member in members}  # type: ignore[union-attr]

    def fail(self, build: str, cause: str) -> None:
        """Say that the build failed."""
        body = {"cause": cause, "message": "It did not work.", "advice": "Mend it."}
        assert self._call("POST", f"builds/{build}/fail", body).status_code == 200

    def finish(self, build: str) -> None:
        """Make an artefact of a few bytes."""
        digest = hashlib.sha256(build.encode()).hexdigest()
        with open(f"{self._artefacts}/{digest}.squashfs", "wb") as file:
            file.write(ARTEFACT)
        body = {"artefact": digest, "size": len(ARTEFACT)}
        assert self._call("POST", f"builds/{build}/finish", body).status_code == 200

    def _call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.request(method, f"{self._url}/{path}", json=body, headers=headers, timeout=60)
