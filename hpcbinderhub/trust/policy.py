"""What the site allows, whomever a user trusts. The service looks before it takes a launch, and the
spawner before it submits one, since a start can be asked of the hub by hand."""

from __future__ import annotations

from ..errors import NotAllowed
from ..images.engines import Engine
from ..profiles import Profile
from ..site import Site
from .addresses import is_among, plain
from .reach import Reach


def may_see_home(site: Site, profile: Profile) -> bool:
    """Whether a launch under this profile can be given the home at all."""
    return "never" not in (site.home_access, profile.home_access)


def must_see_home(site: Site, engine: type[Engine] | Engine) -> bool:
    """Whether an engine is for launches alone that were given the home, as it cannot hide it."""
    return site.refuse_unhidden and not engine.hides_home


def check_reach(site: Site, profile: Profile, engine: type[Engine] | Engine, reach: Reach) -> None:
    """Refuse a reach that the site rules out, or that the engine cannot keep to."""
    if reach is Reach.HOME and not may_see_home(site, profile):
        where = "At this site" if site.home_access == "never" else f"Under “{profile.title}”"
        raise NotAllowed(
            f"{where}, no repository's code gets to see your home directory.",
            "Launch it without; copy what it needs into its workspace.",
        )
    if reach is Reach.CLOSED and must_see_home(site, engine):
        raise NotAllowed(
            f"{engine.name.capitalize()} cannot hide your home directory, so at this site it runs "
            "only repositories that may see it.",
            "Choose a profile with another engine.",
        )


def check_repository(profile: Profile, spec: str, repo_url: str) -> None:
    """Refuse what the profile is not for. `spec` is provider and spec, as in a link."""
    allowed = profile.images_allowed
    provider = spec.partition("/")[0]
    address = plain(repo_url)
    if not allowed or provider in allowed or (address and is_among(address, allowed)):
        return
    raise NotAllowed(
        f"The profile “{profile.title}” is not for this repository.",
        f"It takes {', '.join(allowed)}. Choose another profile.",
    )
