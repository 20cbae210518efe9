"""Records in the cache: which archive has one, and the commit that stands for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import NotFound
from ..command import BareRepository
from ..git import GitCache
from ..guard import MAX_REDIRECTS
from ..identifiers import DOI_ORG, HERITAGE
from ..web import Web
from .ckan import Ckan
from .dataverse import Dataverse
from .download import download
from .figshare import Figshare
from .heritage import Heritage
from .hydroshare import Hydroshare
from .record import Archive, Record
from .tree import commit
from .zenodo import Zenodo


@dataclass(frozen=True)
class Places:
    """Where archives are asked, and DOIs looked up. Dataverse and CKAN are asked where they are."""

    doi: str = "https://doi.org"
    zenodo: str = "https://zenodo.org"
    figshare: str = "https://api.figshare.com/v2"
    hydroshare: str = "https://www.hydroshare.org"
    heritage: str = "https://archive.softwareheritage.org"


class Records:
    """Records, by the addresses that `identifiers` gives them."""

    def __init__(self, git: GitCache, web: Web, limit: int, places: Places | None = None):
        places = places or Places()
        self._git = git
        self._web = web
        self._limit = limit
        self._doi = places.doi
        self._heritage = Heritage(web, places.heritage, limit)
        self._archives: Sequence[Archive] = (
            Zenodo(web, places.zenodo),
            Figshare(web, places.figshare),
            Hydroshare(web, places.hydroshare),
            Dataverse(web),
            Ckan(web),
        )

    async def resolve(self, url: str) -> str | None:
        """The commit of what is at an address now; None if it only looked like a record's.

        What a version's commit is called depends on its files, so they are fetched if this version
        was never seen.
        """
        if url.startswith(HERITAGE):
            return await self._heritage.resolve(url)
        record = await self._record(url)
        if record is None:
            return None
        seen = f"refs/records/{record.fingerprint}"
        async with self._git.opened(url) as repository:
            known = await repository.commit_of(seen)
            if known:
                return known
            made = await self._make(repository, record)
            await repository.keep(made, seen)
            return made

    async def fetch(self, url: str, wanted: str) -> bool:
        """Have the commit in the cache; False if the address only looked like a record's."""
        async with self._git.opened(url) as repository:
            if url.startswith(HERITAGE):
                # What was refused may have left its commit behind, but no ref.
                if not await repository.keeps(wanted):
                    await self._heritage.fetch(url, repository)
                return True
            if await repository.has(wanted):
                return True
        found = await self.resolve(url)
        if found not in (None, wanted):
            raise NotFound(
                f"{url} has changed: the version that was launched is not there any more.",
                "Launch it again, for the version that is there.",
            )
        return found is not None

    async def _make(self, repository: BareRepository, record: Record) -> str:
        async with repository.git.scratch() as folder:
            entries = await download(self._web, record.files, folder, self._limit)
            return await commit(repository, entries, record.name, record.moment)

    async def _record(self, url: str) -> Record | None:
        """Follow an address until it is one of an archive's. What is there is not read: where it
        is says enough."""
        step: str | None = url
        for _ in range(MAX_REDIRECTS + 1):
            if step is None:
                break
            for archive in self._archives:
                name = archive.identify(step)
                if name:
                    return await archive.record(name)
            step = await self._web.moved(step.replace(DOI_ORG, f"{self._doi}/", 1))
        raise NotFound(
            f"{url} leads to no archive that is known here.",
            "Known are Zenodo, Figshare, Dataverse, HydroShare, CKAN and Software Heritage.",
        )
