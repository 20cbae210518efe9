"""What a running server is told of its own times: at its claim, and when it asks again."""

from __future__ import annotations

import time
from typing import Any

from hpcbinderhub.profiles import Profile
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.jobs import Job


def terms_of(profile: Profile, site: Site, job: Job | None, url: str) -> dict[str, Any]:
    """What goes with the answer to the claim; `hpcbinder/session/terms.py` reads it."""
    return {
        "left": seconds_left(job),
        "warn_seconds": profile.warn_seconds,
        "idle_minutes": profile.idle_minutes,
        "extend_minutes": profile.extend_minutes if site.extend_command else 0,
        "url": url,
        "page": f"{site.public_url}services/binder/mine",
    }


def seconds_left(job: Job | None) -> float | None:
    """A duration and not a moment: the node's clock may be another than ours."""
    return max(0.0, job.ends - time.time()) if job and job.ends else None


def unused(profile: Profile | None) -> str:
    """Of a server that ended because nobody used it, as a sentence for the page."""
    if profile is None or profile.idle_minutes is None:
        return "The server stopped because nothing ran in it."
    return f"The server stopped because nothing ran in it for {profile.idle_minutes} minutes."
