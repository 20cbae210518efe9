"""Whose code may see its user's home directory. Everybody else's sees workspaces and data alone."""

c = get_config()  # noqa: F821

# "trusted": repositories trusted by one of the lists below or by the user; "never": nobody's.
c.Site.home_access = "trusted"

# For all users; and those that count as a user's own, with {user} for her name at the hub.
c.Site.trusted_repositories = []
c.Site.own_repositories = []

# Whether an engine that cannot hide the home refuses what was not given it.
c.Site.refuse_unhidden = False
