"""GitHub's and GitLab's own answer to what a ref stands for.

Their APIs know short commits, and say “unchanged” for nothing; but they count. So an answer is
kept with its ETag, and a forge that asks to be left alone is: Git, which does not count, is asked
instead. Gists have no refs to speak of, so Git is asked from the start.
"""

from __future__ import annotations

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol
from urllib.parse import quote, urlsplit

from pydantic import BaseModel

from ..errors import UserError
from .spec import RepoSpec, is_full_commit
from .web import Answer, Question, Web

log = logging.getLogger(__name__)

MAX_KNOWN = 4096
PAUSE_SECONDS = 60.0
"""How long a forge is left alone that says no more than that it is too much."""


class GitLabCommit(BaseModel):
    """The part of GitLab's answer that is read."""

    id: str


class Forge(Protocol):
    """How to ask one forge. `site` is what its repositories' addresses begin with."""

    @property
    def site(self) -> str: ...

    accept: ClassVar[str]

    def question(self, project: str, ref: str) -> str:
        """The address that says what a ref stands for."""

    def commit(self, body: bytes) -> str:
        """The commit in an answer; ValueError if there is none."""


@dataclass(frozen=True)
class GitHub:
    """See `Forge`."""

    site: str = "https://github.com"
    api: str = "https://api.github.com"
    accept: ClassVar[str] = "application/vnd.github.sha"

    def question(self, project: str, ref: str) -> str:
        """See `Forge`."""
        return f"{self.api}/repos/{quote(project)}/commits/{quote(ref, safe='')}"

    def commit(self, body: bytes) -> str:
        """See `Forge`."""
        return body.decode().strip()


@dataclass(frozen=True)
class GitLab:
    """See `Forge`."""

    site: str = "https://gitlab.com"
    api: str = "https://gitlab.com/api/v4"
    accept: ClassVar[str] = "application/json"

    def question(self, project: str, ref: str) -> str:
        """See `Forge`."""
        project, ref = quote(project, safe=""), quote(ref, safe="")
        return f"{self.api}/projects/{project}/repository/commits/{ref}"

    def commit(self, body: bytes) -> str:
        """See `Forge`."""
        return GitLabCommit.model_validate_json(body).id


@dataclass(frozen=True)
class Known:
    """What a forge said, and how to ask whether it still holds."""

    etag: str
    commit: str


class Forges:
    """Asks forges, within what they allow."""

    def __init__(
        self,
        web: Web,
        token_files: Mapping[str, str] | None = None,
        forges: Sequence[Forge] = (GitHub(), GitLab()),
        clock: Callable[[], float] = time.time,
    ):
        self._web = web
        self._forges = forges
        self._tokens = {
            host: Path(file).read_text().strip() for host, file in (token_files or {}).items()
        }
        self._clock = clock
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._quiet_until: dict[str, float] = {}

    async def resolve(self, spec: RepoSpec) -> str | None:
        """The commit that a ref stands for; None where Git has to be asked."""
        for forge in self._forges:
            if spec.repo_url.startswith(f"{forge.site}/"):
                project = spec.repo_url.removeprefix(f"{forge.site}/").removesuffix(".git")
                return await self._ask(forge, forge.question(project, spec.ref))
        return None

    async def _ask(self, forge: Forge, url: str) -> str | None:
        if self._clock() < self._quiet_until.get(forge.site, 0):
            return None
        known = self._known.get(url)
        try:
            answer = await self._web.ask(Question(url, headers=self._headers(forge, known)))
        except UserError as error:
            log.info("Git is asked instead of %s: %s", forge.site, error)
            return None
        self._mind(forge, answer)
        if answer.status == 304 and known:
            return known.commit
        if answer.status != 200:
            return None
        try:
            commit = forge.commit(answer.body)
        except ValueError:
            return None
        if not is_full_commit(commit):
            return None
        self._keep(url, answer.headers.get("ETag", ""), commit)
        return commit

    def _headers(self, forge: Forge, known: Known | None) -> dict[str, str]:
        headers = {"Accept": forge.accept}
        if known:
            headers["If-None-Match"] = known.etag
        token = self._tokens.get(urlsplit(forge.site).netloc)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _keep(self, url: str, etag: str, commit: str) -> None:
        if etag:
            self._known[url] = Known(etag, commit)
            self._known.move_to_end(url)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    def _mind(self, forge: Forge, answer: Answer) -> None:
        """Leave the forge alone as long as it asks for."""
        until = quiet_until(answer, self._clock())
        if until:
            self._quiet_until[forge.site] = until
            log.warning(
                "%s has had enough of us: Git is asked for %.0f s",
                forge.site,
                until - self._clock(),
            )


def quiet_until(answer: Answer, now: float) -> float | None:
    """When a forge may be asked again, if it says that it may not be now."""
    headers = answer.headers
    wait = headers.get("Retry-After", "")
    if answer.status in (403, 429) and re.fullmatch(r"\d{1,6}", wait):
        return now + int(wait)
    left = headers.get("X-RateLimit-Remaining") or headers.get("RateLimit-Remaining")
    reset = headers.get("X-RateLimit-Reset") or headers.get("RateLimit-Reset") or ""
    if left == "0" and re.fullmatch(r"\d{1,12}", reset):
        return float(reset)
    return now + PAUSE_SECONDS if answer.status == 429 else None
