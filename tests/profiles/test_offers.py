"""What a profile offers, what may be chosen of it, and what Slurm gets to read."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from pydantic import ValidationError

from hpcbinderhub.errors import NotAllowed, UserError
from hpcbinderhub.launches.records import Request
from hpcbinderhub.profiles import Choices, Offer, Profile, find_profile
from hpcbinderhub.tables import launches


def profile(**known: Any) -> Profile:
    return Profile.model_validate({"name": "p", "title": "P", "partition": "batch"} | known)


GPU = {
    "partition": ["gpu", "gpu-big"],
    "gpu_type": {"any": "", "a100": "a100", "h100": "h100_sxm"},
    "gpus": 1,
    "max_gpus": 4,
    "constraint": {"any": "", "fast": "(milan|genoa)&ib"},
    "qos": "normal",
    "cpus": 8,
    "max_cpus": 32,
}


def test_a_plain_profile_offers_time_alone() -> None:
    assert profile().offers() == (Offer(field="minutes", default=60, least=1, most=240),)


def test_what_is_offered_is_what_a_form_shows() -> None:
    assert profile(**GPU).offers() == (
        Offer(field="minutes", default=60, least=1, most=240),
        Offer(field="cpus", default=8, least=1, most=32),
        Offer(field="gpus", default=1, least=0, most=4),
        Offer(field="gpu_type", default="any", values=("any", "a100", "h100")),
        Offer(field="partition", default="gpu", values=("gpu", "gpu-big")),
        Offer(field="constraint", default="any", values=("any", "fast")),
    )


def test_the_first_is_meant_where_nothing_is_chosen() -> None:
    got = profile(**GPU).resources(Choices())
    assert (got.partition, got.gpu_type, got.constraint, got.qos) == ("gpu", "", "", "normal")
    assert (got.cpus, got.gpus, got.nodes, got.memory_mb) == (8, 1, 1, 2048)


def test_slurm_is_told_what_the_admin_wrote_for_a_name() -> None:
    got = profile(**GPU).resources(
        Choices(partition="gpu-big", gpu_type="h100", constraint="fast", gpus=2, cpus=32)
    )
    assert (got.partition, got.gpu_type, got.constraint) == (
        "gpu-big",
        "h100_sxm",
        "(milan|genoa)&ib",
    )
    assert (got.gpus, got.cpus) == (2, 32)


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"partition": "debug"}, "does not offer the partition “debug”. It offers gpu, gpu-big."),
        ({"qos": "premium"}, "does not offer the QOS “premium”. It offers normal."),
        ({"reservation": "course"}, "does not offer the reservation “course”. It offers none."),
        ({"gpu_type": "h100_sxm"}, "does not offer the type of GPU “h100_sxm”."),
        ({"constraint": "ib"}, "does not offer the kind of node “ib”."),
        ({"cpus": 33}, "gives 1 to 32 CPUs, not 33."),
        ({"memory_mb": 4096}, "gives 2048 MiB of memory, not 4096."),
        ({"nodes": 2}, "gives 1 node, not 2."),
        ({"gpus": 5}, "gives 0 to 4 GPUs, not 5."),
        ({"minutes": 1000}, "gives 1 to 240 minutes, not 1000."),
    ],
)
def test_what_is_not_offered_is_refused_with_what_is(chosen: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as error:
        profile(**GPU).resources(Choices(**chosen))
    assert sentence in str(error.value)


def test_what_a_profile_has_none_of_or_all_of_is_said_so() -> None:
    with pytest.raises(UserError, match=r"“P” gives no GPUs, not 4\. Leave it out, or"):
        profile().resources(Choices(gpus=4))
    with pytest.raises(UserError, match="“P” gives all memory of its nodes, not 4096"):
        profile(memory_mb=0).resources(Choices(memory_mb=4096))


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"partition": ""}, "is no name"),
        ({"partition": {"none": ""}}, "a profile needs one"),
        ({"constraint": "a&b"}, "give it one"),
        ({"constraint": {"x": "a b"}}, "holds what no name"),
        ({"constraint": {"x": "--uid=0"}}, "holds what no name"),
        ({"qos": {"--uid": "x"}}, "pattern"),
        ({"exclusive": True, "shared": True}, "cannot be exclusive and shared"),
        ({"cpus": 8, "max_cpus": 4}, "cpus: 8 is not within 1 to 4"),
        ({"minutes": 300}, "minutes: 300 is not within 1 to 240"),
        ({"licenses": ["a,b"]}, "pattern"),
        ({"partitoin": "x"}, "Extra inputs"),
        ({"slurm_options": {"wrap": "id"}}, "no option for a user's server"),
        ({"slurm_options": {"uid": "0"}}, "no option for a user's server"),
        ({"slurm_options": {"wra": "id"}}, "no option for a user's server"),
        ({"slurm_options": {"export": "ALL"}}, "no option for a user's server"),
        ({"slurm_options": {"get-user-env": None}}, "no option for a user's server"),
        ({"slurm_options": {"chdir": "/"}}, "has a field of its own"),
        ({"slurm_options": {"--nice": "1"}}, "no long option"),
        ({"slurm_options": {"D": "/"}}, "no long option"),
        ({"slurm_options": {"nice": "1\n--uid=0"}}, "more than one line"),
        ({"components": [{"partition": "x", "slurm_options": {"array": "1-9"}}]}, "no option"),
        ({"components": [{"partition": "x", "name": "y"}]}, "Extra inputs"),
    ],
)
def test_a_profile_that_does_not_hold_together_is_refused(
    known: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        profile(**known)


def test_an_unknown_profile_is_refused_and_never_replaced() -> None:
    offered = [profile(name="one"), profile(name="geo", groups=["geo"])]
    with pytest.raises(NotAllowed, match="no profile “geo” for you at this site"):
        find_profile(offered, "geo", ["ml"])
    assert find_profile(offered, "geo", ["geo"]).name == "geo"


def test_every_choice_is_kept_with_its_launch() -> None:
    kept = {field.name for field in fields(Request)}
    assert set(Choices.model_fields) <= kept
    assert kept <= {column.name for column in launches.c}
