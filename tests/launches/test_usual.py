"""What a form says of account and QOS before anybody chooses."""

from __future__ import annotations

from typing import Any

import pytest

from hpcbinderhub.launches.usual import Usual, usual
from hpcbinderhub.profiles import Profile
from hpcbinderhub.slurm.members import Association, Member
from hpcbinderhub.workspaces import Account

ALICE = Member(
    Account("alice", 2001, "/home/alice"),
    (
        Association("geo", "", "normal,premium", "normal"),
        Association("ml", "cpu", "normal", "normal"),
        Association("ml", "gpu", "normal,long", "long"),
        Association("old", "", "normal", ""),
    ),
    "geo",
)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, Usual("geo", {"geo": "normal"})),
        # Of an account whose QOS hangs on the partition, nothing is said.
        ({"accounts": ["ml", "old"]}, Usual("ml")),
        ({"qos": "fast"}, Usual("geo")),
        ({"qos": {"usual": "", "fast": "fast"}}, Usual("geo", {"geo": "normal"})),
        ({"accounts": ["physics"]}, Usual()),
    ],
)
def test_what_slurm_would_choose(known: dict[str, Any], said: Usual) -> None:
    profile = Profile.model_validate({"name": "p", "title": "P", "partition": "cpu"} | known)
    assert usual(profile, ALICE) == said


def test_a_login_node_charges_nobody() -> None:
    profile = Profile(name="p", title="P", spawner="login")
    assert usual(profile, ALICE) == Usual()
