"""Profiles: the named sets of resources that a site offers, and what is chosen of one."""

from .choices import Choices, Name
from .component import Component
from .offers import Choice, Offer
from .profile import EngineName, Profile, SpawnerName, find_profile
from .resources import Resources

__all__ = [
    "Choice",
    "Choices",
    "Component",
    "EngineName",
    "Name",
    "Offer",
    "Profile",
    "Resources",
    "SpawnerName",
    "find_profile",
]
