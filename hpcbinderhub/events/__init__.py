"""Numbered events: what builds and launches tell, kept and followed.

A follower that comes back says the last number it saw, misses none and sees none twice.
"""

from .log import EventLog
from .records import Event, Line, append_events, as_sent

LAUNCH_ENDS = frozenset({"ready", "failed"})
BUILD_ENDS = frozenset({"built", "failed"})

__all__ = ["BUILD_ENDS", "LAUNCH_ENDS", "Event", "EventLog", "Line", "append_events", "as_sent"]
