"""BinderHub's client from npm, as its users run it."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from cluster.person import Person
from service.hub import JS, node_modules

CLIENT_SECONDS = 240


def launch(person: Person, spec: str, *, build_only: bool = False) -> list[dict[str, Any]]:
    """Every event that the client gave its caller."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("BinderHub's client is written for Node.js, which is not installed here")
    node_modules()
    address = f"{person.url}/services/binder/build/"
    arguments = [address, spec, person.token, *(["build-only"] if build_only else [])]
    done = subprocess.run(
        ["node", "launch.js", *arguments],
        cwd=JS,
        capture_output=True,
        text=True,
        timeout=CLIENT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # The client itself writes to the same place, and not in JSON.
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
