"""From a repository and a ref to its environment: the one that is there, or the build of it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace

from ..images.bills.lock import lock_of, locked_key
from ..images.bills.model import Bill
from ..images.store import artefact_file
from ..repos.access import Access
from ..repos.repositories import Repositories
from ..repos.spec import RepoSpec
from ..site import Site
from ..slurm.cluster import Cluster
from .contexts import Contexts
from .indexes import PASSWORD, RECIPES, notice
from .queue import BuildQueue
from .records import Build, Order, Priority, Reader
from .second_try import SecondTry


@dataclass(frozen=True)
class Recipe:
    """A commit, as a user may have it."""

    spec: RepoSpec
    commit: str
    key: str
    reader: str | None
    """The user, if not everybody may have what it makes."""
    notices: tuple[str, ...]
    """What she should know of it."""


@dataclass(frozen=True)
class Environment:
    """A recipe, and either the artefact that it was made into or the build that makes it."""

    recipe: Recipe
    artefact: str | None
    build: Build | None
    notice: str = ""
    """What is to be known of one that was had before."""


NEWER = "The environment was built anew since this ran last: versions may differ."
AS_RECORDED = "The environment was removed: it is built again, in the versions that were recorded."
UNRECORDED = (
    "The environment was removed, and no record says which versions it held: it is built again "
    "from the repository, with those of today."
)


class Environments:
    """The environments of a site."""

    def __init__(
        self,
        site: Site,
        queue: BuildQueue,
        repositories: Repositories,
        access: Access,
        cluster: Cluster,
        contexts: Contexts,
        second_try: SecondTry,
    ):
        self._site = site
        self._queue = queue
        self._contexts = contexts
        self._second_try = second_try
        self._repositories = repositories
        self._git = repositories.git
        self._access = access
        self._cluster = cluster

    async def recipe(self, spec: RepoSpec, user: str, commit: str | None = None) -> Recipe:
        """The recipe of what the ref stands for now, or of a commit that is known already. Whether
        the user may read the repository is asked in either case."""
        wanted = replace(spec, ref=commit) if commit else spec
        commit, reader = await self._access.open(wanted, user)
        await self._repositories.fetch(spec, commit, reader)
        with_password = await self._git.files_with(spec.repo_url, commit, PASSWORD, RECIPES, reader)
        owner, notices = reader, []
        if with_password and reader is None:
            owner, notices = user, [notice(with_password)]
        context = await self._contexts.of(spec.repo_url, commit, reader, owner)
        key = await self._second_try.key(context, spec.repo_url)
        return Recipe(spec, commit, key, owner, tuple(notices))

    async def of(
        self,
        recipe: Recipe,
        *,
        asker: str,
        priority: Priority = Priority.AWAITED,
        anew: bool = False,
    ) -> Environment:
        """The environment of a recipe; `anew`: built again even if it is there."""
        reader = await self._reader(recipe.reader)
        artefact = await self._artefact(recipe.key, reader)
        if artefact and not anew:
            return Environment(recipe, artefact, None)
        spec = recipe.spec
        build = await self._queue.enqueue(
            Order(recipe.key, spec.repo_url, spec.ref, recipe.commit, asker, priority, reader)
        )
        return Environment(recipe, None, build)

    async def restored(self, recipe: Recipe, former: str, *, asker: str) -> Environment:
        """The environment as it was when it was this artefact: that one, if it is still there;
        else the one that somebody wanted in its place; else it is made again, in the versions of
        its bill if there is one."""
        reader = await self._reader(recipe.reader)
        maker = await self._queue.maker(former, recipe.reader)
        kept = maker and await self._artefact(maker.key, reader)
        if kept == former:
            return Environment(recipe, kept, None)
        current = await self._artefact(recipe.key, reader)
        if current:
            return Environment(recipe, current, None, "" if current == former else NEWER)
        recorded = maker and await self._queue.recorded(maker.id)
        if not (maker and recorded):
            return replace(await self.of(recipe, asker=asker), notice=UNRECORDED)
        made = await self._artefact(locked_key(recipe.key, lock_of(recorded.bill)), reader)
        if made:
            return Environment(recipe, made, None)
        build = await self.again(recipe, maker.id, recorded.bill, asker=asker)
        return Environment(recipe, None, build, AS_RECORDED)

    async def again(self, recipe: Recipe, like: str, bill: Bill, *, asker: str) -> Build:
        """The build that makes the environment of another build again, in the versions of its bill.
        It has a key of its own, so that nobody gets it who asked for the newest."""
        key = locked_key(recipe.key, lock_of(bill))
        reader, spec = await self._reader(recipe.reader), recipe.spec
        return await self._queue.enqueue(
            Order(
                key=key,
                repo_url=spec.repo_url,
                ref=spec.ref,
                commit=recipe.commit,
                asker=asker,
                reader=reader,
                locked_to=like,
            )
        )

    async def _reader(self, user: str | None) -> Reader | None:
        """A reader as the cluster knows her, which is how the artefact store does."""
        if user is None:
            return None
        return Reader(user, (await self._cluster.member(user)).account.uid)

    async def _artefact(self, key: str, reader: Reader | None) -> str | None:
        """The artefact of a recipe, if it was made and is still in the store."""
        image = await self._queue.image(key)
        if image is None:
            return None
        uid = reader.uid if reader else None
        path = artefact_file(self._site.artefacts, image.artefact, uid)
        return image.artefact if await asyncio.to_thread(os.path.exists, path) else None
