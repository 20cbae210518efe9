"""JupyterHub's server sharing, as far as a server's owner must know of it: who is given a server
has her files, her accounts and a shell in her name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sharing:
    """Of one user's servers."""

    may: bool = False
    """Whether the site lets her share them: it is off as shipped."""

    given: Mapping[str, list[str]] = field(default_factory=dict)
    """To whom, by the server's name; who got an invitation is not known before it is accepted."""
