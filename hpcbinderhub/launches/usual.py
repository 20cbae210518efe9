"""What a launch is charged to, and under which QOS, if its user chooses neither."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import NotAllowed
from ..profiles import Choices, Profile
from ..slurm.members import Member


@dataclass(frozen=True)
class Usual:
    """For whoever shows a form; empty where nobody knows before Slurm decides."""

    account: str = ""
    qos: dict[str, str] = field(default_factory=dict)
    """Slurm's own choice, by the account that is charged."""


def usual(profile: Profile, member: Member) -> Usual:
    """Of one profile, for one user."""
    if profile.spawner != "batch":
        return Usual()
    hers = member.slurm_accounts
    try:
        account = profile.account(None, hers, member.default_account) or ""
    except NotAllowed:
        return Usual()
    if profile.resources(Choices()).qos:
        return Usual(account)
    known = {one: member.default_qos(one) for one in profile.chargeable(hers)}
    return Usual(account, {one: qos for one, qos in known.items() if qos})
