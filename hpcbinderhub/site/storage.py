"""Where workspaces, data and artefacts are."""

from __future__ import annotations

import re
from typing import Any

from traitlets import Float, HasTraits, Integer, List, TraitError, Unicode, validate

from ..profiles import Profile

OF_A_USER = r"\{(user|home)\}"


class Storage(HasTraits):
    """Where workspaces, data and artefacts are."""

    @validate("log_root")
    def _one_for_each_user(self, proposal: Any) -> str:
        folder = str(proposal.value)
        if folder and not (folder.startswith(("/", "{home}")) and re.search(OF_A_USER, folder)):
            raise TraitError(
                f"c.Site.log_root is {folder!r}: give each user a folder of her own, by its whole "
                "path with {user} or {home} in it."
            )
        return folder

    def log_root_of(self, profile: Profile) -> str:
        """Where a profile's servers have their logs: Slurm writes only those of jobs."""
        return self.log_root if profile.spawner == "batch" else ""

    workspace_root = Unicode(
        "{home}/hpcbinder",
        config=True,
        help="""Where a user's workspaces and launch records live, on storage that nodes share.

        `{home}` and `{user}` are filled in as the login node knows them.
        """,
    )
    log_root = Unicode(
        config=True,
        help="""Where Slurm writes the logs of a user's jobs, if not in each launch's own directory.

        One folder for each user, on storage that nodes share: `{home}` and `{user}` are filled in.
        It has to be hers, or one that she can make, and nobody else may write there; each job's log
        is in a folder of mode 0700 below it. Servers on login nodes keep theirs with the launch.
        For admins alone. Example: `/scratch/logs/{user}`.
        """,
    )
    launch_folder_days = Integer(
        90,
        min=0,
        config=True,
        help="""How long the folder of a launch is left alone in its user's home; 0: for ever.

        It is looked at when she starts another server and nothing in it has changed for so many
        days. What is not needed any more goes: its log, caches, empty folders; what she saved
        in its HOME stays. Set by the site's admin. Example: `30`.
        """,
    )
    workspace_purge_days = Integer(
        0,
        min=0,
        config=True,
        help="""After how many days without use the site removes files where workspaces are.

        For the warnings on the page “Yours”: nothing is removed by this. 0: never. Example: `90`.
        """,
    )
    workspace_purge_notice_days = Integer(
        14, min=0, config=True, help="How many days before that a workspace's owner is warned."
    )
    room_roots = List(
        Unicode(),
        config=True,
        help="""Directories that need room before a launch is submitted, besides `workspace_root`.

        `{home}` and `{user}` are filled in. Example: `['{home}', '/scratch/{user}']`.
        """,
    )
    room_mb = Integer(
        50,
        min=0,
        config=True,
        help="""With less room than this there, in MiB, by quota or file system, none is submitted.

        The user is told the numbers. With a hundred files left or fewer, too.
        """,
    )
    data_roots = List(
        Unicode(),
        config=True,
        help="""File systems that every container sees, at the same path. Example: `['/scratch']`.

        File permissions go on deciding who reads what.
        """,
    )
    mount_points = List(
        Unicode(),
        default_value=["/home"],
        config=True,
        help="""Empty directories that every artefact gets, so that file systems can be mounted.

        The first component of `workspace_root` and of every data root must be among them.
        """,
    )
    artefacts = Unicode(
        "/artefacts",
        config=True,
        help="The artefact store: a path that builders write and compute nodes read.",
    )
    artefacts_login = Unicode(
        config=True,
        help="""Where the artefact store is reached over SSH, for builders that do not mount it.

        The account owns the store, and its `authorized_keys` lets the builders' key do nothing but
        that: `restrict,command="/usr/libexec/hpcbinderhub/agent artefacts /artefacts" ssh-…`.
        Unless set, builders write to `artefacts`. For admins alone.
        Example: `binder@dtn1.example.org:22`.
        """,
    )
    artefacts_key_file = Unicode(
        "/etc/hpcbinderhub/artefacts-key",
        config=True,
        help="The builders' SSH key for `artefacts_login`, readable by their account alone.",
    )
    artefacts_limit_gb = Float(
        0.0,
        min=0.0,
        config=True,
        help="""How much all images may take up, in GB; 0 sets no limit. Example: `2000`.

        Beyond it, those go that were launched the longest ago: never one that is pinned or in use.
        """,
    )
    artefacts_age_days = Float(
        0.0,
        min=0.0,
        config=True,
        help="""Images that nobody has launched for so many days go; 0 sets no limit. Example: `90`.

        Never one that is pinned or in use.
        """,
    )
    artefacts_grace_days = Float(
        3.0,
        min=0.0,
        config=True,
        help="""How long an image counts as in use by a server that stopped and could start again.

        Also by a launch that waits for its owner to come back. Example: `7`.
        """,
    )
