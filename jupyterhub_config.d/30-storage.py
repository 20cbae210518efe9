"""Where workspaces, data and artefacts are."""

c = get_config()  # noqa: F821

c.Site.workspace_root = "{home}/hpcbinder"
c.Site.data_roots = []
c.Site.mount_points = ["/home"]
c.Site.artefacts = "/artefacts"
# Below these directories, users launch their repositories by path. Example: ["/scratch"].
c.Site.repository_paths = []
c.Site.state_dir = "/var/lib/hpcbinderhub"
