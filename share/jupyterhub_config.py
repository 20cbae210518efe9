"""JupyterHub's configuration file: reads `jupyterhub_config.d/*.py` beside it, in order of name."""

from pathlib import Path

from hpcbinderhub.site import check_files

paths = sorted(Path(__file__).with_name("jupyterhub_config.d").glob("*.py"))
check_files(paths)
for path in paths:
    load_subconfig(str(path))  # noqa: F821
