"""What the launch page offers. Slurm's associations and QOS decide what a user really gets."""

c = get_config()  # noqa: F821

c.Site.profiles = [
    {
        "name": "interactive",
        "title": "Interactive",
        "description": "Starts soon, for up to four hours.",
        "partition": "interactive",
        "minutes": 60,
        "max_minutes": 240,
        "cpus": 2,
        "memory_mb": 4096,
        # Dask workers of its servers, on nodes of their own.
        "worker_nodes": 4,
    },
]
