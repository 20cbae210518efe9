"""Images in registries, launched by their digest.

An image is the repository that has nothing but a Dockerfile that begins with it. So it gets the
hub's tools as every Dockerfile's image does, in the build queue, and its launch leaves behind what
says which image it was. Nothing is fetched here: the builder does, with its own network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..errors import NotAllowed
from .git import GitCache
from .identifiers import IMAGE, is_image
from .records.tree import FILE, Entry, commit
from .refs import no_such_ref
from .spec import DEFAULT_REF, RepoSpec


class OciImages:
    """The images in the registries that a site names; a `Place`."""

    def __init__(self, cache: GitCache, allowed: Sequence[str]):
        self._cache = cache
        self._allowed = [registry.rstrip("/") for registry in allowed]

    def has(self, url: str) -> bool:
        """See `Place`."""
        return is_image(url)

    async def open(self, spec: RepoSpec, user: str) -> tuple[str, str | None]:
        """See `Place`. What builders can pull, everybody can."""
        made = await self._commit(spec)
        if spec.ref not in (DEFAULT_REF, made):
            raise no_such_ref(spec)
        return made, None

    async def fetch(self, spec: RepoSpec, commit: str, reader: str | None) -> None:
        """See `Place`."""
        if await self._commit(spec) != commit:
            raise no_such_ref(spec)

    async def _commit(self, spec: RepoSpec) -> str:
        """The commit that stands for the image: the same one everywhere and at all times."""
        self._check(spec.repo_url)
        name = spec.repo_url.removeprefix(IMAGE)
        async with self._cache.opened(spec.repo_url) as repository:
            async with repository.git.scratch() as folder:
                file = folder / "Dockerfile"
                await asyncio.to_thread(file.write_text, f"FROM {name}\n")
                entry = Entry("Dockerfile", FILE, file)
                made = await commit(repository, [entry], name, 0)
            await repository.keep(made, "refs/images/this")
        return made

    def _check(self, url: str) -> None:
        """That the site lets images of this registry be launched."""
        if not self._allowed:
            raise NotAllowed(
                "This site launches no images from registries.",
                "Put a Dockerfile that begins with it into a repository, and launch that.",
            )
        name = url.removeprefix(IMAGE).partition("@")[0]
        if not any(f"{name}/".startswith(f"{registry}/") for registry in self._allowed):
            raise NotAllowed(
                f"This site launches no images from {name}.",
                f"It takes those below {' or '.join(self._allowed)}.",
            )
