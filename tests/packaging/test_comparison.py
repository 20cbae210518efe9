"""The comparison says nothing that no test shows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(
    r"^\| (?!jupyterhub_moss|---)(?P<theirs>.+?) \| (?P<ours>.+?) \| (?P<shown>.+?) \|$"
)
NAMED = re.compile(r"`(?P<file>[a-z_/]+\.py)::(?P<test>test_\w+)`")


def test_every_row_names_a_test_that_there_is() -> None:
    lines = (ROOT / "docs" / "compare.md").read_text().splitlines()
    rows = [row for line in lines if (row := ROW.match(line))]
    assert len(rows) >= 20
    for row in rows:
        named = NAMED.search(row["shown"])
        assert named, row["theirs"]
        tree = ast.parse((ROOT / "tests" / named["file"]).read_text())
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        tests = {node.name for node in ast.walk(tree) if isinstance(node, functions)}
        assert named["test"] in tests, named[0]
