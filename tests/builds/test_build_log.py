"""What a build prints, as lines that the service takes."""

from __future__ import annotations

import pytest

from hpcbinderhub.builds.events import MAX_LINE, Reporter
from hpcbinderhub.builds.request import build_events


def test_a_line_that_does_not_end_is_told_in_pieces(capsys: pytest.CaptureFixture[str]) -> None:
    """The service refuses longer ones, and a worker that is refused gives the build up."""
    printed = "x" * (2 * MAX_LINE) + "end"
    Reporter().log("building", f"before\n{printed}\n\nafter")
    told = [build_events.validate_json(line) for line in capsys.readouterr().out.splitlines()]
    messages = [event.message for event in told if event.phase == "building"]
    assert messages == ["before", "x" * MAX_LINE, "x" * MAX_LINE, "end", "after"]
