"""The spawner, and the limits that queues need."""

c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "hpcbinderhub.spawners.ProfileSpawner"

# One server for each repository, several at once. JupyterHub would count stopped ones too; how many
# may run is for Slurm's QOS and associations to say.
c.JupyterHub.allow_named_servers = True
c.JupyterHub.named_server_limit_per_user = 0

# A job that waits in Slurm's queue counts as a start: others must not wait for it.
c.JupyterHub.concurrent_spawn_limit = 0

# The service follows a start as it goes; it does not wait for the first answer.
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}

# A defect of one user's environment must not end the hub.
c.Spawner.consecutive_failure_limit = 0

# Somebody who restarts the hub does not want to end everybody's work.
c.JupyterHub.cleanup_servers = False
