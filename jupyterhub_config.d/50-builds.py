"""How environments are built."""

c = get_config()  # noqa: F821

c.Site.base_image = "docker.io/library/debian:bookworm"
c.Site.other_base_image = "docker.io/library/buildpack-deps:24.04"

# A site's own package mirrors and certificates: for build steps, never in a finished image.
c.Site.build_environment = {}
c.Site.build_ca_bundle = ""

# What builds reach: "open", "proxy", "mirrors" or "none"; never this host itself or its metadata.
c.BuildPolicy.network = "open"
c.BuildPolicy.denied_networks = []

# Whose builds run on a host that cannot keep them apart; `hpcbinderhub check` says which one can.
c.BuildPolicy.trusted_builders = []

# The worker's own directory, on a local disk; and its token, from `hpcbinderhub worker-token`.
c.Site.builder_dir = "/var/lib/builder"
c.Site.worker_token_file = "/var/lib/builder/worker-token"

# Without a host for the worker: the service account whose Slurm jobs build (docs/build-jobs.md).
c.BuildJobs.user = ""
