"""Real builds under the builder's account, with the site's own storage and base image."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from cluster.rig import Rig

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.second_site,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
]

# What the container's own start took away from the worker, these tests do without as well.
AS_THE_WORKER = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
PYTEST = ("/opt/hpcbinderhub/bin/pytest", "-p", "no:cacheprovider", "--quiet", "-rs")


@pytest.fixture
def idle_builder(rig: Rig) -> Iterator[Rig]:
    """The site with its worker stopped: a storage is one build's at a time."""
    rig.cluster.run("hub", "supervisorctl", "stop", "worker")
    yield rig
    rig.cluster.run("hub", "supervisorctl", "start", "worker")
    rig.wait_until_builds_are_taken()


def test_builds_of_every_kind(idle_builder: Rig) -> None:
    done = idle_builder.cluster.run(
        "hub",
        *("env", "HPCBINDER_TEST_BUILDER_DIR=/var/lib/builder", "PYTHONDONTWRITEBYTECODE=1"),
        *(*AS_THE_WORKER, *PYTEST, "/src/tests/builds/test_real_builds.py"),
        check=False,
        timeout=1100,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) >= 15
    assert "skipped" not in done.stdout
