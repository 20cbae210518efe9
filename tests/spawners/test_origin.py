"""Start requests by hand, under a profile that is for some repositories alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jupyterhub.spawner import SpawnException

from hpcbinderhub.launches.options import parse_options
from hpcbinderhub.launches.origin import signed

from .rig import Rig

LAUNCH = "launch000001"


@pytest.fixture
def narrow(rig: Rig, tmp_path: Path) -> Rig:
    """A hub whose one profile is for one repository."""
    rig.configure(state_dir=str(tmp_path))
    rig.profile(images_allowed=["https://example.org/quickstart"])
    return rig


def sent(rig: Rig, state_dir: Path) -> dict[str, Any]:
    """A start request of the service's."""
    options = parse_options(rig.options(launch=LAUNCH))
    return signed(options, state_dir).model_dump(mode="json")


async def test_what_the_service_sends_is_started_and_found_again(
    narrow: Rig, tmp_path: Path
) -> None:
    request = sent(narrow, tmp_path)
    narrow.start("alice", **request)
    (job,) = await narrow.submitted()
    await narrow.restart()
    start = narrow.start("alice", **request)
    await narrow.submitted()
    narrow.slurm.run(job)
    await narrow.looked()
    await narrow.answer(job)
    await start


@pytest.mark.parametrize(
    "by_hand",
    [{"artefact": "ef" * 32}, {"origin": ""}, {"origin": "ab" * 32}, {"spec": "git/other/main"}],
)
async def test_another_image_does_not_run_in_the_repository_s_name(
    narrow: Rig, tmp_path: Path, by_hand: dict[str, str]
) -> None:
    request = sent(narrow, tmp_path) | by_hand
    with pytest.raises(SpawnException, match="nothing says that this image was made of one"):
        await narrow.start("alice", **request)
    assert narrow.slurm.jobs == []


async def test_before_the_service_ever_signed_nothing_is_started(narrow: Rig) -> None:
    with pytest.raises(SpawnException, match="Start it from the launch page"):
        await narrow.start("alice")
