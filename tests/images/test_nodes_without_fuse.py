"""Nodes on which no image can be mounted: it is unpacked there."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from images.engine_site import SLOW_TO_END, EngineSite, Registry, Running, configured

from hpcbinderhub.hostparts import HostParts
from hpcbinderhub.images.engines import engine_named

pytestmark = pytest.mark.slow


@pytest.fixture
def no_fuse(engine_site: EngineSite) -> tuple[str, ...]:
    """What makes a node of this machine that has none."""
    if os.getuid() != 0:
        pytest.skip("needs root, to hide /dev/fuse")
    nothing = engine_site.folder / "nothing"
    nothing.touch()
    script = f'mount --bind {nothing} /dev/fuse && exec "$@"'
    return ("unshare", "--mount", "bash", "-c", script, "node")


@pytest.fixture
def node(engine_site: EngineSite, registry: Registry, no_fuse: tuple[str, ...]) -> Running:
    """Charliecloud on such a node."""
    if shutil.which("ch-run") is None:
        pytest.skip("ch-run is not installed")
    engine = engine_named("charliecloud", *configured(engine_site, registry))
    return Running(engine_site, engine, str(engine_site.artefact), no_fuse)


@pytest.fixture
def unpacked(engine_site: EngineSite) -> Path:
    """Where alice's unpacked images are on the node."""
    return engine_site.folder / "local" / f"hpcbinder-images-{engine_site.account.pw_uid}"


UNTIL_TOLD = "echo $HPCBINDER_NODE_NOTICE; until [ -e {} ]; do busybox sleep 0.1; done; exit 7"


def test_without_fuse_an_image_is_unpacked_once_and_goes_with_the_last_job(
    node: Running, unpacked: Path
) -> None:
    told = [node.site.places().workspace / name for name in ("first", "second")]
    jobs, notices = [], []
    for go in told:
        jobs.append(node.start("/bin/sh", "-c", UNTIL_TOLD.format(go)))
        notices.append(jobs[-1].stdout.readline())  # type: ignore[union-attr]
    assert "has no FUSE), so yours was unpacked to the node's own disk: which took" in notices[0]
    assert "an earlier job had unpacked it" in notices[1]
    for job, go, left in zip(jobs, told, ([node.site.artefact.stem], []), strict=True):
        Path(go).touch()
        assert job.wait(30) == 7
        assert [path.name for path in unpacked.iterdir() if path.is_dir()] == left


def test_what_a_killed_job_left_is_removed_by_the_next(node: Running, unpacked: Path) -> None:
    process = node.start("/bin/sh", "-c", UNTIL_TOLD.format("/never"))
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    other = unpacked / ("c" * 64)
    (unpacked / node.site.artefact.stem).rename(other)
    (unpacked / f"{node.site.artefact.stem}.used").rename(f"{other}.used")
    assert node.seen("exit 3") == "[3]"
    assert [path.name for path in unpacked.iterdir()] == ["lock"]


def test_an_unpacked_image_hears_signals_too(node: Running) -> None:
    host = HostParts.model_validate({"binds": [{"source": "/usr", "target": "/usr"}]})
    said = f"{node.site.places().workspace}/said"
    process = node.start("/usr/bin/python3", "-c", SLOW_TO_END, said, host=host)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(30) == 5


def test_slurms_word_that_the_end_is_near_is_seen_in_an_unpacked_image(node: Running) -> None:
    near = node.site.places().launch / "end-is-near"
    process = node.start(
        *(
            "/bin/sh",
            "-c",
            f"echo up; until busybox rmdir {near}; do busybox sleep 0.1; done; exit 5",
        )
    )
    assert process.stdout is not None
    while process.stdout.readline() != "up\n":
        assert process.poll() is None
    process.send_signal(signal.SIGUSR1)
    assert process.wait(30) == 5


def test_a_directory_of_somebody_elses_is_not_used(node: Running, unpacked: Path) -> None:
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir()
    assert "no image can be unpacked in" in node.seen("exit 0")
    unpacked.rmdir()
