"""The HDF5 slicer: look into files of any size, from JupyterLab.

`http/` answers browsers inside the Jupyter server and passes everything on to `process/`: the
reading process, in which all else of this package runs. `answers/` is where the two meet: what can
be asked for, by name.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "hpcbinder.slicer"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Whatever goes wrong here, the server starts."""
    try:
        from .extension import load

        load(server)
    except ImportError as error:
        # In an image without h5py nobody misses it.
        server.log.info("hpcbinder: there is no HDF5 slicer here (%s).", error)
    except Exception:
        server.log.exception("hpcbinder: the HDF5 slicer does not work.")
