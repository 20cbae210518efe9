"""JupyterHub's own tests of named servers, with our class and with batchspawner's."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from service.hub import node_modules, what_is_missing

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
SUITE = "jupyterhub.tests.test_named_servers"
AT_LEAST = 30
"""Fewer were not all that there are."""


def run(spawner: str, folder: Path) -> dict[str, str]:
    """What became of each test with this class."""
    report = folder / f"{spawner}.xml"
    scopes = ("asyncio_default_test_loop_scope", "asyncio_default_fixture_loop_scope")
    loop = [f"--override-ini={scope}=module" for scope in scopes]
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "spawners.jupyterhub_suite"),
        *(f"--rootdir={folder}", "--override-ini=asyncio_mode=auto", *loop, "--timeout=60"),
        *(f"--junitxml={report}", f"--spawner={spawner}", "--pyargs", SUITE),
    ]
    path = os.pathsep.join([str(node_modules() / ".bin"), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert report.exists(), done.stdout + done.stderr
    outcomes = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        bad = {child.tag for child in case} & {"failure", "error", "skipped"}
        outcomes[case.attrib["name"]] = bad.pop() if bad else "passed"
    print(done.stdout)
    return outcomes


def test_ours_fails_nowhere_that_batchspawner_s_passes(tmp_path: Path) -> None:
    if what_is_missing():
        pytest.skip(what_is_missing())
    ours, theirs = run("ours", tmp_path), run("theirs", tmp_path)
    assert ours.keys() == theirs.keys()
    assert list(theirs.values()).count("passed") >= AT_LEAST
    worse = {name for name, became in theirs.items() if became == "passed" != ours[name]}
    assert not worse
