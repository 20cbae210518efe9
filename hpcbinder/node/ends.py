"""How a worker's process ends, as its exit code."""

from enum import IntEnum


class End(IntEnum):
    """How a worker's process ends by itself."""

    WANTED = 0
    """It was told to go."""
    FAILED = 1
    LOST = 75
    """It could go on, with a new connection."""
