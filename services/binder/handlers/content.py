"""The content of a launch, for the job that runs it and for nobody else."""

from __future__ import annotations

import re
from typing import Any

from tornado.web import HTTPError

from hpcbinderhub.errors import NotAllowed, NotFound, Unavailable
from hpcbinderhub.launches.parts import Parts, Wanted
from hpcbinderhub.launches.records import Launch

from .base import CONTENT_SCOPE, UserHandler, found

WAIT_SECONDS = 20.0
"""Less than the silence that a job takes for a lost connection."""
_BITS = re.compile(r"[0-9a-f]{1,1000}")


class LaunchContentHandler(UserHandler):
    """What is given to whoever shows the token of the launch's own server."""

    hub_scopes = None
    """A server's token may not open the service; `wanted` checks what it may."""

    async def wanted(self, launch_id: str) -> Wanted:
        """The commit of a launch whose content may be given out."""
        if not self.current_user:
            raise HTTPError(403)
        launch: Launch = found(await self.services.book.get(launch_id), "launch")
        scope = f"{CONTENT_SCOPE}!server={launch.user}/{launch.server}"
        if not self.hub_auth.check_scopes({scope}, self.current_user):
            raise NotAllowed("This content belongs to another server.")
        if not launch.commit:
            raise NotFound("The commit is not known yet.", "Launch it again.")
        return Wanted(launch.id, launch.repo_url, launch.ref, launch.commit, launch.reader)

    async def parts(self, launch_id: str) -> Parts | None:
        """What there is beside the commit; None while it is being gathered."""
        return await self.services.parts.of(await self.wanted(launch_id), WAIT_SECONDS)


class ContentHandler(LaunchContentHandler):
    """GET: a Git bundle."""

    async def get(self, launch_id: str) -> None:
        """See the class."""
        one = await self.wanted(launch_id)
        await self.send_files(
            await self.services.content.bundle(one.repo_url, one.ref, one.commit, one.reader)
        )


class PartsHandler(LaunchContentHandler):
    """GET: which repositories the workspace is made of, with what is in Git LFS, and sentences for
    its owner; or 202, while that is being fetched."""

    async def get(self, launch_id: str) -> None:
        """See the class."""
        parts = await self.parts(launch_id)
        if parts is None:
            self.answer({"message": "The hub is still fetching submodules and Git LFS files."}, 202)
            return
        self.answer(
            {"repositories": [_shown(part) for part in parts.parts], "notices": parts.notices}
        )


class SubmoduleHandler(LaunchContentHandler):
    """GET: a Git bundle of one of the repositories, by its place in the list."""

    async def get(self, launch_id: str, number: str) -> None:
        """See the class."""
        parts = gathered(await self.parts(launch_id))
        if not 0 < int(number) < len(parts.parts):
            raise NotFound("The commit has no such submodule.", "Launch it again.")
        await self.send_files(await self.services.parts.bundle(parts.parts[int(number)]))


class ObjectsHandler(LaunchContentHandler):
    """GET: the files in Git LFS that come along, one after the other in the order of the list; or
    some of them, which the bits of a hexadecimal number stand for."""

    async def get(self, launch_id: str) -> None:
        """See the class."""
        objects = self.services.parts.objects(gathered(await self.parts(launch_id)))
        some = self.get_query_argument("some", "")
        if _BITS.fullmatch(some):
            bits = int(some, 16)
            objects = [one for number, one in enumerate(objects) if bits >> number & 1]
        await self.send_files(*objects)


def gathered(parts: Parts | None) -> Parts:
    """Parts that a job asks for after it was told which there are."""
    if parts is None:
        raise Unavailable("What belongs to this commit is being fetched once more.")
    return parts


def _shown(part: Any) -> dict[str, Any]:
    one = part.repository
    return {
        "path": one.path,
        "within": one.within,
        "name": one.name,
        "url": one.url,
        "commit": one.commit,
        "in_lfs": part.in_lfs,
        "objects": [[some.oid, some.size] for some in part.objects],
    }
