"""Profiles of servers on login nodes: no option of Slurm's means anything there."""

from __future__ import annotations

from typing import Any

import pytest
from hpcbinderhub.spawners.profile import SPAWNERS, kind_of
from pydantic import ValidationError

from hpcbinderhub.profiles import Choices, Profile

LOGIN = {"name": "login", "title": "Login node", "spawner": "login", "cpus": 2, "memory_mb": 4096}


def test_a_profile_of_a_login_node_needs_no_partition() -> None:
    profile = Profile.model_validate(LOGIN)
    resources = profile.resources(Choices(minutes=30))
    assert (resources.minutes, resources.cpus, resources.memory_mb) == (30, 2, 4096)
    assert SPAWNERS[kind_of(profile)].__name__ == "LoginNodeSpawner"


@pytest.mark.parametrize(
    ("values", "about"),
    [
        ({"partition": "regular"}, "partition: on a login node"),
        ({"max_gpus": 1}, "max_gpus: on a login node"),
        ({"nodes": 2}, "nodes: on a login node"),
        ({"slurm_options": {"nice": "100"}}, "slurm_options: on a login node"),
        ({"extend_minutes": 60}, "extend_minutes: on a login node"),
        ({"worker_nodes": 2}, "worker_nodes: on a login node"),
        ({"memory_mb": 0}, "memory_mb"),
        ({"spawner": "batch"}, "partition: a profile needs one"),
        ({"spawner": "kubernetes"}, "spawner"),
    ],
)
def test_what_a_profile_cannot_be(values: dict[str, Any], about: str) -> None:
    with pytest.raises(ValidationError, match=about):
        Profile.model_validate(LOGIN | values)


@pytest.mark.parametrize(
    ("values", "name"),
    [({}, "ImageBatchSpawner"), ({"engine": "shifter"}, "ShifterBatchSpawner")],
)
def test_all_others_are_jobs(values: dict[str, Any], name: str) -> None:
    profile = Profile.model_validate({"name": "p", "title": "P", "partition": "regular"} | values)
    assert SPAWNERS[kind_of(profile)].__name__ == name
