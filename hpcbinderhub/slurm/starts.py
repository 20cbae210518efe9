"""What every start takes to the cluster, whatever it runs there."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from ..site import Site
from ..workspaces import Account, Places, root_of
from .script import job_name


def start_fields(
    site: Site,
    account: Account,
    launch: str,
    where: Places,
    shown: Iterable[PurePosixPath],
    claim_url: str,
) -> dict[str, Any]:
    """A name, its directories (with room for copies of what is `shown`), a new ticket, and where
    there has to be room: fields of a `Submission`."""
    return {
        "name": job_name(launch),
        "directory": str(where.launch),
        "directories": (
            *(str(where.copy_of(path)) for path in shown),
            *(str(where.workspace.parent), str(where.home)),
        ),
        "claim": {
            "claim_url": claim_url,
            "ticket": secrets.token_urlsafe(32),
            "ca": site.ca_certificates(),
        },
        "log": where.log_apart,
        "roots": (
            str(where.root),
            *filter(None, (where.log_apart,)),
            *(str(root_of(root, account)) for root in site.room_roots),
        ),
        "free_mb": site.room_mb,
    }
