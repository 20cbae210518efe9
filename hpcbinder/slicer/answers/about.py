"""What the reading process says of itself."""

from __future__ import annotations

import resource
from pathlib import Path

from ..process.answer import Answer, told
from ..process.settings import Settings
from ..process.table import Operation
from ..work import Work


def operations(settings: Settings) -> dict[str, Operation]:
    """`roots` and `limits`."""

    def roots(arguments: dict[str, str], work: Work) -> Answer:
        return told({"roots": [{"name": name, "path": path} for name, path in settings.roots]})

    def limits(arguments: dict[str, str], work: Work) -> Answer:
        known = settings.as_dict()
        del known["roots"]
        return told({**known, "resident_bytes": resident()})

    return {"roots": roots, "limits": limits}


def resident() -> int:
    """The memory that this process has now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        # Without Linux, the most that it has ever had.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return pages * resource.getpagesize()
