"""Planes of a data set as a browser shows them: selected, scaled to codes, packed; their figures.

request → selection → (reader) → part → spread → scale → codes → fitting, packing → wire
"""

from .course import Course, course
from .envelope import envelope
from .figures import Statistics, statistics
from .lines import parse_points, profile
from .rendering import etag, render
from .request import PlaneRequest, parse
from .selection import plan
from .wire import MEDIA_TYPE, Plane

__all__ = [
    "MEDIA_TYPE",
    "Course",
    "Plane",
    "PlaneRequest",
    "Statistics",
    "course",
    "envelope",
    "etag",
    "parse",
    "parse_points",
    "plan",
    "profile",
    "render",
    "statistics",
]
