"""What a server's job gets for its ticket: pure functions of its plan."""

from __future__ import annotations

from typing import Any

from ..repos.identifiers import page_of
from ..repos.opening import server_address
from ..site import Site
from .plan import Plan


def grant_of(
    plan: Plan,
    site: Site,
    *,
    env: dict[str, str],
    args: list[str],
    ready_url: str,
    tls: dict[str, str],
    session: dict[str, Any],
) -> dict[str, Any]:
    """What a job gets for its ticket: `hpcbinder/claim.py` reads it."""
    options, where = plan.options, plan.where
    hub = plan.profile.hub_url(site.public_url)
    return {
        "env": plan.profile.variables(site.job_environment)
        | env
        | plan.host_variables
        | binder_variables(plan, site)
        | workers_variables(plan, site)
        | slicer_variables(site),
        "args": args,
        "ready_url": ready_url,
        "content": {
            "url": f"{hub}/services/binder/api/content/{options.launch}",
            "repo_url": options.repo_url,
            "ref": options.ref,
            "commit": options.commit,
            "existing": options.existing,
        },
        "workspace": str(where.workspace),
        "home": str(where.home),
        "tls": tls,
        "session": session,
        "run": options.run.model_dump(mode="json") if options.run else None,
    }


def workers_variables(plan: Plan, site: Site) -> dict[str, str]:
    """Where its notebook asks for workers, at a site that gives any."""
    if not any(profile.worker_nodes for profile in site.profiles):
        return {}
    hub = plan.profile.hub_url(site.public_url)
    return {
        "HPCBINDER_CREWS_URL": f"{hub}/services/binder/api/crews/{plan.options.launch}",
    }


def slicer_variables(site: Site) -> dict[str, str]:
    """What files may be opened in besides the workspace: `hpcbinder/slicer/config.py` reads it."""
    return {"HPCBINDER_DATA_ROOTS": ":".join(site.data_roots)} if site.data_roots else {}


def binder_variables(plan: Plan, site: Site) -> dict[str, str]:
    """What BinderHub sets, so that repositories made for it find it."""
    options = plan.options
    return {
        "JUPYTERHUB_DEFAULT_URL": server_address(options.open),
        "JUPYTERHUB_ROOT_DIR": str(plan.where.workspace),
        "BINDER_LAUNCH_HOST": f"{site.public_url}services/binder/",
        "BINDER_REPO_URL": options.repo_url,
        "BINDER_REF_URL": page_of(options.repo_url, options.commit),
        "BINDER_REQUEST": f"v2/{options.spec}",
        "BINDER_PERSISTENT_REQUEST": f"v2/{options.spec.rpartition('/')[0]}/{options.commit}",
    }
