"""What of the views needs no page: Node's own test runner."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def test_in_node(compiled: Path) -> None:
    done = subprocess.run(
        ["node", "--test", "--test-reporter=spec", Path(__file__).with_name("pure.test.js")],
        env=os.environ | {"VIEW": str(compiled)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
