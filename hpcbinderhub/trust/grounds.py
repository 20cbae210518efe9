"""Whether a repository may be given its user's home: because it is hers, because the site trusts
it, or because she said so."""

from __future__ import annotations

from enum import StrEnum

from ..errors import NotAllowed
from ..site import Site
from .addresses import is_among, own_patterns, plain
from .consents import Consents
from .reach import Reach


class Ground(StrEnum):
    """Why a repository is trusted."""

    OWN = "own"
    SITE = "site"
    CONSENT = "consent"


class Trust:
    """Who trusts what, at one site."""

    def __init__(self, site: Site, consents: Consents):
        self._site = site
        self._consents = consents

    async def ground(self, user: str, repo_url: str) -> Ground | None:
        """Why this user's launches of a repository may be given her home; None if they may not."""
        address = plain(repo_url)
        if address is None:
            return None
        if is_among(address, own_patterns(self._site.own_repositories, user)):
            return Ground.OWN
        if is_among(address, self._site.trusted_repositories):
            return Ground.SITE
        given = await self._consents.of_user(user)
        return Ground.CONSENT if address in {one.repository for one in given} else None

    async def check(self, user: str, repo_url: str, reach: Reach, consent: bool = False) -> None:
        """Refuse a repository that is to see a home and is not trusted. With the user's explicit
        `consent` it is trusted from then on."""
        if reach is Reach.CLOSED or await self.ground(user, repo_url):
            return
        address = plain(repo_url)
        if address is None:
            raise NotAllowed(
                f"{repo_url} may stand for another repository than it seems to, so its code does "
                "not get to see your home directory.",
                "Use its plain address, or launch it without your home directory.",
            )
        if not consent:
            raise NotAllowed(
                f"{repo_url} is neither yours nor trusted by this site, and you have not said that "
                "its code may see your home directory.",
                "Launch it without, or say so on the launch page if you trust all who can change "
                "it.",
            )
        await self._consents.grant(user, address)
