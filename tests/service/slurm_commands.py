"""Slurm's commands as the agent finds them: a quiet cluster, or what a test says."""

from __future__ import annotations

from pathlib import Path

SINFO = """\
interactive|idle|0/8/0/8|up|(null)|gpu:0|
regular|mixed|3/5/0/8|up|gpu:a100:4(S:0-1)|gpu:a100:1(IDX:0)|
regular|down|0/0/8/8|up|gpu:a100:4|gpu:a100:0|
secret|idle|0/8/0/8|up|(null)|gpu:0|
"""
"""As Slurm 22.05 answers the agent."""

QUIET = {
    "sinfo": f"cat <<'END'\n{SINFO}END",
    "sbatch": 'cat >/dev/null; echo "Job 7 to start at $(date +%s) using 1 processors" >&2',
}


def slurm(folder: Path, **commands: str) -> list[str]:
    """A folder with these commands, the others' being a quiet cluster's; the path to find them."""
    folder.mkdir(exist_ok=True)
    for name, script in (QUIET | commands).items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return [str(folder), "/usr/bin", "/bin"]
