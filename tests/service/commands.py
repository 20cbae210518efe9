"""The command `hpcbinderhub`, as somebody with a token types it."""

from __future__ import annotations

import os
import subprocess
import sys

from cluster.person import Person


def hpcbinderhub(person: Person, *words: str) -> str:
    """What a command prints, whether it works or not."""
    done = subprocess.run(
        [sys.executable, "-m", "hpcbinderhub", *words, "--url", person.url],
        env=os.environ | {"JUPYTERHUB_API_TOKEN": person.token},
        capture_output=True,
        text=True,
        check=False,
    )
    assert bool(done.returncode) == bool(done.stderr), done.stderr
    return done.stdout + done.stderr
