"""Spawners: JupyterHub's contract on one side, the library on the other."""

import batchspawner.api
from jupyterhub.apihandlers import default_handlers

from . import callback, sharing, status, stopping, watching
from .imagebatch import ImageBatchSpawner
from .login import LoginNodeSpawner
from .profile import ProfileSpawner
from .shifter import ShifterBatchSpawner

__all__ = ["ImageBatchSpawner", "LoginNodeSpawner", "ProfileSpawner", "ShifterBatchSpawner"]

# batchspawner registers a handler on import that sets any attribute of the caller's spawner to any
# value: with a server's own token, `exec_prefix` makes the hub run a command. Ours is `callback`.
default_handlers[:] = [
    *stopping.with_stop_handler(
        [
            entry
            for entry in default_handlers
            if entry[1] is not batchspawner.api.BatchSpawnerAPIHandler
        ]
    ),
    *callback.handlers,
    *status.handlers,
    *watching.handlers,
    *sharing.handlers,
]
