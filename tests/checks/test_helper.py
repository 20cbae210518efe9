"""What `check` says where the hub's own host is the login node.

The helper that becomes a user is tested on its own; here another program stands where sudo would
start it, and runs the real agent as whoever runs these tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

from checks.conftest import Slurm
from checks.grounds import found, ground
from service.agent_here import COMMAND

from hpcbinderhub.checks.finding import Outcome
from hpcbinderhub.checks.ground import Ground

HELPER = """
import json, subprocess, sys
asked = json.load(sys.stdin)
if asked["user"] in {refused!r}:
    sys.exit("Refused: " + asked["user"] + " is not one of them.")
sys.exit(subprocess.run({command!r}, input=json.dumps(asked["request"]).encode()).returncode)
"""


def local(folder: Path, slurm: Slurm, *refused: str) -> Ground:
    """A site with such a helper."""
    program = folder / "as-user"
    program.write_text(HELPER.format(refused=refused, command=list(COMMAND)))
    command = [sys.executable, str(program)]
    lines = (
        "c.Site.transport = 'local'",
        f"c.Site.as_user_command = {command!r}",
        f"c.Site.slurm_path = [{str(slurm.folder)!r}]",
        "c.Site.watcher_user = 'watch'",
    )
    return ground(folder, "\n".join(lines), user="alice")


async def test_a_helper_that_works(tmp_path: Path, slurm: Slurm) -> None:
    here = local(tmp_path, slurm, "root")
    findings = await found("helper", here)
    assert list(findings) == ["sudo: agent as watch", "sudo: agent as alice", "root"]
    assert {finding.outcome for finding in findings.values()} == {Outcome.OK}
    for name in ("certificates", "transport"):
        finding = (await found(name, here))[name]
        assert finding.sentence == "The hub uses no SSH (c.Site.transport)."
    assert list(await found("clocks", here)) == ["slurmctld"]


async def test_a_user_whom_it_does_not_become(tmp_path: Path, slurm: Slurm) -> None:
    findings = await found("helper", local(tmp_path, slurm, "root", "alice"))
    finding = findings["sudo: agent as alice"]
    assert "Refused: alice is not one of them." in finding.sentence
    assert "alice is in the group of /etc/hpcbinderhub/as-user.json" in finding.advice


async def test_a_helper_that_becomes_root(tmp_path: Path, slurm: Slurm) -> None:
    finding = (await found("helper", local(tmp_path, slurm)))["root"]
    assert finding.outcome is Outcome.FAILED
    assert finding.sentence == "The helper runs the hub's requests as root."
    assert "hpcbinderhub agent --as-user > " in finding.advice
