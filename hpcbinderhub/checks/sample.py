"""A launch of nothing: what a check submits, and where that is."""

from __future__ import annotations

import secrets
from dataclasses import replace

from ..launches.options import LaunchOptions
from ..profiles import Profile
from ..site import Site
from ..slurm.members import Member
from ..workspaces import Places, places


def sample(site: Site, member: Member, profile: Profile) -> tuple[LaunchOptions, Places]:
    """A request under a profile with nothing chosen, and its places, which are all in one folder:
    nothing of it is left among the user's workspaces."""
    launch = f"check{secrets.token_hex(8)}"
    options = LaunchOptions(
        launch=launch,
        profile=profile.name,
        artefact="0" * 64,
        repo_url="",
        ref="",
        commit="0" * 40,
        spec="",
        workspace="check",
    )
    where = places(site.workspace_root, member.account, launch, "check", site.log_root_of(profile))
    return options, replace(where, workspace=where.launch / "workspace" / "files")
