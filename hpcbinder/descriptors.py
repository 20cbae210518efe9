"""How many files and connections a process may have open."""

from __future__ import annotations

import resource


def allow_many() -> None:
    """As many as the system lets us.

    Most shells begin with 1024, which is less than the connections of a scheduler that has a few
    hundred workers. Dask's own commands raise it, too.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
