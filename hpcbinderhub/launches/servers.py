"""What launches say of their servers: how long one lasts, and which can be had again."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..profiles import Profile
from .records import Launch, State

MINUTE = 60.0


def ends_by(launch: Launch, profiles: Iterable[Profile]) -> float | None:
    """When Slurm ends the job at the latest: its limit counts from its start, and that was before
    the server was ready. None if that is not known."""
    usual = {profile.name: profile.minutes for profile in profiles}
    minutes = launch.minutes or usual.get(launch.profile)
    if launch.state is not State.READY or minutes is None:
        return None
    return launch.changed + minutes * MINUTE


def stopped(launches: Iterable[Launch], active: Collection[str]) -> list[Launch]:
    """The last launch of each server that ran and does so no more; from launches and to launches
    with the newest first."""
    latest: dict[str, Launch] = {}
    for launch in launches:
        latest.setdefault(launch.server, launch)
    ran = (launch for launch in latest.values() if launch.state is State.READY)
    return [launch for launch in ran if launch.server not in active]


def recent(launches: Iterable[Launch], first: str = "") -> list[Launch]:
    """The last launch of each server that got as far as an environment, from the newest on; the one
    of the server `first` goes before all."""
    latest: dict[str, Launch] = {}
    for launch in launches:
        if launch.artefact:
            latest.setdefault(launch.server, launch)
    return sorted(latest.values(), key=lambda launch: launch.server != first)
