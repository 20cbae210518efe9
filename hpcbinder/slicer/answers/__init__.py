"""What the reading process can be asked for: each operation's name, and the function that answers.

How the operations are asked for, and with which parameters, is described in `http/operations.py`.
"""

from __future__ import annotations

from ..process.settings import Settings
from ..process.table import Operations
from . import about, along, exact, exports, growing, others, pictures, tree
from .looking import Looking


def operations(settings: Settings) -> Operations:
    """All of them, with this process's files."""
    looking = Looking(settings)
    answered = {
        **about.operations(settings),
        **tree.operations(looking),
        **pictures.operations(looking),
        **along.operations(looking),
        **exact.operations(looking),
        **exports.operations(looking),
        **others.operations(looking),
    }
    return Operations(answered, growing.followings(looking, settings.request_bytes))
