"""What builders' jobs said that did not end as they should: kept by the service, so that their
directories go."""

from __future__ import annotations

from pathlib import Path

KEPT = 20
"""More than anybody reads, and little room."""
LOG_BYTES = 1 << 16
FOLDER = "builder-logs"


def keep_log(state: Path, job: str, text: str) -> Path:
    """Keep the end of a job's log, with those of the jobs before it."""
    folder = state / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{job}.log"
    path.write_text(text)
    logs = sorted(folder.glob("*.log"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in logs[KEPT:]:
        old.unlink()
    return path
