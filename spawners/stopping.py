"""Who stops a server. JupyterHub does not tell its spawners, so its call to stop one notes it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.users import UserServerAPIHandler

from hpcbinderhub.slurm.words import Ending

from .endings import STOPPED, stopped_by

OUR_SERVICE = "binder"
"""On its pages, people stop their own servers alone."""

_asking: ContextVar[Any] = ContextVar("asking", default=None)


class StopHandler(UserServerAPIHandler):  # type: ignore[misc]
    """JupyterHub's own, in whose place it is. What it begins knows on whose word."""

    async def delete(self, user_name: str, server_name: str = "") -> None:
        """See `UserServerAPIHandler.delete`."""
        _asking.set(self.current_user)
        await super().delete(user_name, server_name)


def stopped(owner: str) -> Ending:
    """How a server of this user's ends that is being stopped now."""
    asking = _asking.get()
    if asking is None:
        return STOPPED
    if asking.kind == orm.Service.kind:
        return stopped_by("" if asking.name == OUR_SERVICE else f"The hub's service {asking.name}")
    return stopped_by("" if asking.name == owner else asking.name)


def with_stop_handler(entries: list[Any]) -> list[Any]:
    """JupyterHub's handlers with ours among them."""
    return [
        (entry[0], StopHandler, *entry[2:]) if entry[1] is UserServerAPIHandler else entry
        for entry in entries
    ]
