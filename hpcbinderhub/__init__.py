"""HPC BinderHub: from a pasted Git URL to JupyterLab on a compute node."""

__version__ = "0.1.0"
