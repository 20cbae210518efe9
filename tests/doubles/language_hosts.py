"""The two hosts that repo2docker asks while it writes a Dockerfile for R or Julia.

Contract, as repo2docker 2026.4 reads it:

* a POST to `SNAPSHOTS` with ``{"repo", "snapshot"}`` answers JSON whose ``upsi`` names the snapshot
  of that day; without one, the day before is asked for.
* a GET of `JULIAS` answers JSON whose keys are versions.
"""

from __future__ import annotations

from typing import Any

SNAPSHOTS = "https://packagemanager.posit.co/__api__/url"
JULIAS = "https://julialang-s3.julialang.org/bin/versions.json"


class Answer:
    """What `requests` would return."""

    def __init__(self, content: dict[str, Any]):
        self.content = content

    def json(self) -> dict[str, Any]:
        """The body."""
        return self.content


def post(url: str, *, json: dict[str, str]) -> Answer:
    """`requests.post`: there is a snapshot of every day but Sundays in January 2024."""
    assert url == SNAPSHOTS
    day = json["snapshot"][:10]
    return Answer({} if day in ("2024-01-14", "2024-01-21") else {"upsi": f"all+{day}"})


def get(url: str) -> Answer:
    """`requests.get`: three versions and a preview."""
    assert url == JULIAS
    return Answer({version: {} for version in ("1.6.7", "1.9.4", "1.10.0-rc1", "1.10.5")})
