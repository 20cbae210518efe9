"""The spawner, the two calls that a job makes, and the limits that queues need."""

from hpcbinderhub.spawners.callback import handlers

c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "hpcbinderhub.spawners.ProfileSpawner"
c.JupyterHub.extra_handlers = handlers

# One server for each repository, several at once.
c.JupyterHub.allow_named_servers = True
c.JupyterHub.named_server_limit_per_user = 10

# A job that waits in Slurm's queue counts as a start: others must not wait for it.
c.JupyterHub.concurrent_spawn_limit = 0

# A defect of one user's environment must not end the hub.
c.Spawner.consecutive_failure_limit = 0

# Somebody who restarts the hub does not want to end everybody's work.
c.JupyterHub.cleanup_servers = False
