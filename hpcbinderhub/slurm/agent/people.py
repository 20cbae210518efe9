"""Accounts, as this node knows them."""

import pwd
from typing import Any, Dict

from .basics import Request


def uids(request: Request) -> Dict[str, Any]:
    """The uids of these accounts; those that this node does not know are left out."""
    found = {}  # type: Dict[str, int]
    for user in request["users"]:
        try:
            found[user] = pwd.getpwnam(user).pw_uid
        except KeyError:
            continue
    return {"uids": found}
