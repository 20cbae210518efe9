"""Pages of JupyterHub's own that say more here."""

from pathlib import Path

from jupyterhub._data import DATA_FILES_PATH

c = get_config()  # noqa: F821

# Where a site lets users share servers: that whoever accepts one acts as its owner.
c.JupyterHub.template_paths = [str(Path(DATA_FILES_PATH, "templates/hpcbinderhub/hub"))]
