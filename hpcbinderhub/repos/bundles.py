"""Bundles from elsewhere: looked at in a repository of their own before the cache gets anything.

A bundle is a list of names and a pack of objects, and whoever made it could write anything into
both. So its names are not used, every object is checked, and no more goes on than one commit and
what that is made of.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError
from .command import BareRepository
from .git import GitCache
from .spec import is_full_commit

# What programs of long ago wrote into commits harms nobody. A file's name that leads elsewhere is
# only a warning to Git, which makes no such file; others do.
_FORGIVEN = ("missingSpaceBeforeEmail", "missingSpaceBeforeDate", "badTimezone", "badDate")
_UNFORGIVEN = ("hasDot", "hasDotdot", "hasDotgit", "fullPathname", "emptyName")
_SETTINGS = (
    *(f"fsck.{sin}=ignore" for sin in _FORGIVEN),
    *(f"fsck.{sin}=error" for sin in _UNFORGIVEN),
)


async def take_in(bundle: Path, cache: GitCache, repo_url: str, reader: str | None) -> str:
    """Put a bundle's commit into the cache; returns the commit."""
    async with cache.command.scratch() as folder:
        await cache.command("init", "--quiet", "--bare", "--", str(folder))
        commit = await _checked(bundle, BareRepository(folder, cache.command))
        async with cache.opened(repo_url, reader) as repository:
            await repository(
                *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", str(folder)),
                f"+refs/heads/taken:refs/hpcbinder/{commit}",
                settings=["protocol.file.allow=always"],
            )
    return commit


async def _checked(bundle: Path, scratch: BareRepository) -> str:
    """The one commit of a bundle, as a branch of a scratch repository."""
    try:
        await scratch("bundle", "verify", str(bundle))
        heads = await scratch("bundle", "unbundle", str(bundle))
        # A name may hold whatever other programs take for the end of a line.
        found = {line.partition(" ")[0] for line in heads.split("\n") if line}
        if len(found) != 1 or not is_full_commit(*found):
            raise UserError("It holds several commits under several names, or none.")
        await scratch("fsck", "--full", "--no-dangling", *found, settings=_SETTINGS)
        commit = (await scratch("rev-parse", "--verify", f"{found.pop()}^{{commit}}")).strip()
        await scratch("update-ref", "refs/heads/taken", commit)
    except UserError as error:
        raise UserError(
            "This is not a whole and sound repository, as one Git bundle of one commit.",
            "Run `git fsck` in the clone that it was made of.",
            detail=error.detail or error.message,
        ) from error
    return commit
