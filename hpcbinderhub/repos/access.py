"""Who may read a repository: everybody, or the one user whose credential opens it.

A repository is tried as anybody first. Only where that is refused is the user's own credential
shown, and what is then read is that user's alone. Each launch asks anew, so that a right that was
taken away at the forge is gone here with the next one. What no forge has knows its own readers.
"""

from __future__ import annotations

from ..credentials.hosts import host_of
from ..credentials.store import Credentials
from .command import Closed
from .repositories import Repositories
from .spec import RepoSpec


class Access:
    """Opens repositories for users."""

    def __init__(self, repositories: Repositories, credentials: Credentials):
        self._repositories = repositories
        self._credentials = credentials

    async def open(self, spec: RepoSpec, user: str) -> tuple[str, str | None]:
        """The commit that the ref stands for, and who alone may read it; None for everybody."""
        place = self._repositories.place_of(spec.repo_url)
        if place:
            return await place.open(spec, user)
        try:
            return await self._repositories.resolve(spec), None
        except Closed as closed:
            if not self._credentials.offered:
                raise
            await self._expect_credential(spec.repo_url, user, closed)
        try:
            return await self._repositories.resolve(spec, user), user
        except Closed as closed:
            raise _again(
                closed,
                f"Your credential for {host_of(spec.repo_url)} was refused, or may not read it. "
                "Enter another one on the page “Yours”.",
            ) from closed

    async def _expect_credential(self, url: str, user: str, closed: Closed) -> None:
        """Tell a user without a credential for this address where to enter one."""
        host = host_of(url)
        if not self._credentials.may_send(url):
            way_in = "use its https address: no credential is sent without TLS."
        elif host not in {kept.host for kept in await self._credentials.of_user(user)}:
            way_in = f"enter a token for {host} on the page “Yours”."
        else:
            return
        raise _again(closed, f"Check the address. If you may read it, {way_in}")


def _again(closed: Closed, advice: str) -> Closed:
    return Closed(closed.message, advice, detail=closed.detail)
