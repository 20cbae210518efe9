"""A repository, as those who launch it name it."""

from __future__ import annotations

import uuid
from urllib.parse import quote

from repos.forge import Forge


class ServedRepository:
    """A repository on the tests' Git server, with content that was never built before."""

    def __init__(self, forge: Forge):
        self.url = forge.url
        self.commit = forge.commit
        self.head = forge.commit("requirements.txt", f"numpy\n# {uuid.uuid4()}\n")

    def spec(self, ref: str = "HEAD") -> str:
        """As a link has it."""
        return f"git/{quote(self.url, safe='')}/{ref}"
