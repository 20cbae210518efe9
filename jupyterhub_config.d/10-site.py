"""Who we are, and how the hub is reached from everywhere."""

c = get_config()  # noqa: F821

c.Site.title = "HPC BinderHub"

# As compute nodes and workers on other hosts reach the hub. https in production.
c.Site.public_url = "http://127.0.0.1:8000/"

# The certificate authority of that address, if compute nodes do not trust it already.
c.Site.ca_file = ""

# Shown to somebody who has no Slurm account.
c.Site.get_access = "Ask your facility's help desk for an account and an allocation."
