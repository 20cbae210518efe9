"""The cluster: its login nodes, and how the hub may act as a user there."""

c = get_config()  # noqa: F821

# Over SSH; or "local", by a helper that sudo permits, where this host is a login node itself.
c.Site.transport = "ssh"

# Alike, and tried in this order; one that cannot be used is tried last for a minute.
c.Site.login_hosts = ["login"]
c.Site.known_hosts = "/etc/ssh/ssh_known_hosts"

# The signer runs as an account of its own: the hub never sees the authority's key.
c.Site.certificate_command = ["sudo", "-n", "-u", "sshca", "/usr/local/libexec/hpcbinderhub-sign"]

# The agent, installed on the login nodes from `hpcbinderhub agent`.
c.Site.agent_command = "/usr/libexec/hpcbinderhub/agent"

# May see everybody's jobs; needs AdminLevel=Operator where PrivateData=jobs is set.
c.Site.watcher_user = "hpcwatch"
