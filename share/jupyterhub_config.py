"""JupyterHub's configuration file: reads `jupyterhub_config.d/*.py` beside it, in order of name."""

from pathlib import Path

for path in sorted(Path(__file__).with_name("jupyterhub_config.d").glob("*.py")):
    load_subconfig(str(path))  # noqa: F821
