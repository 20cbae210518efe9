"""What HPC BinderHub installs inside every image."""

from __future__ import annotations

import sys

__version__ = "0.1.0"

__all__ = ["Workers", "__version__", "show"]


def __getattr__(name: str) -> object:
    """The start command needs the standard library alone; all else is imported when it is used."""
    if name == "Workers":
        from .workers import Workers

        _offer_cells()
        return Workers
    if name == "show":
        from .slicer.shown import show

        return show
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _offer_cells() -> None:
    """In a notebook, who has `Workers` has `%%workers`, too."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    if shell is not None:
        load_ipython_extension(shell)


def load_ipython_extension(shell: object) -> None:
    """`%load_ext hpcbinder` gives the cell magic `%%workers` to notebooks of other Dask clients."""
    from .cells import magic

    magic.load_ipython_extension(shell)
