"""Workspaces on the cluster's storage, as launches leave them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from service.running import RunningService

from hpcbinder.claim import Content
from hpcbinder.git import Git, check_out, unpack
from hpcbinderhub.launches.conductor import launch_options
from hpcbinderhub.workspaces import FILES

HERS = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org"]


def make_workspace(service: RunningService, launch_id: str) -> Path:
    """What the start command makes for a launch that is ready: servers here run no image."""
    services = service.services
    launch = service.do(services.book.get(launch_id))
    assert launch is not None
    options = launch_options(launch)
    bundle = service.do(
        services.content.bundle(launch.repo_url, launch.ref, options.commit, launch.reader)
    )
    root = Path(service.site.workspace_root.replace("{user}", launch.user))
    path = root / "workspaces" / options.workspace / FILES
    path.mkdir(parents=True)
    content = Content("", launch.repo_url, launch.ref, options.commit, options.existing)
    own = Git(path, {"PATH": "/usr/bin:/bin"})
    unpack(bundle, content, own)
    check_out(content.commit, own)
    return path


def git(directory: Path, *arguments: str) -> str:
    """Her own Git, in a workspace."""
    done = subprocess.run(
        ["git", *HERS, *arguments], cwd=directory, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
