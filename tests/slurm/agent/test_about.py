"""The agent says what it is: packed into one file or not, the same."""

from __future__ import annotations

import time
from pathlib import Path

from slurm.agent.conftest import Ask

from hpcbinderhub.slurm.agent.about import digest


def test_it_has_the_digest_that_the_hub_knows(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "sbatch").write_text("#!/bin/sh\n")
    (tmp_path / "sbatch").chmod(0o755)
    said = ask("about", path=[str(tmp_path)])
    assert said["digest"] == digest()
    assert abs(said["time"] - time.time()) < 60
    assert said["missing"] == ["squeue", "scancel", "sacct", "sacctmgr", "sinfo", "scontrol"]
