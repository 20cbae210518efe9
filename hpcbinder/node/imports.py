"""Everything that a worker imports, once for all of them and before they are forked."""

from __future__ import annotations

import gc
import importlib
import logging
import os
from collections.abc import MutableMapping

# What `distributed` imports only when a worker starts, connects, or gets its first task.
LATER = (
    "concurrent.futures.thread",
    "distributed.comm.tcp",
    "distributed.protocol.pickle",
    "tornado.platform.asyncio",
)
# What would start threads of its own: in every worker as many as there are CPUs, and before the
# fork. The same as Dask's nanny sets.
LIBRARIES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

SAMPLING = "distributed.worker.profile.interval"
DASKS_SAMPLING = "10ms"


def one_thread_each(env: MutableMapping[str, str]) -> None:
    """Have numerical libraries leave parallel work to the workers, unless somebody said more."""
    for name in LIBRARIES:
        env.setdefault(name, "1")


def import_all() -> None:
    """Leave nothing to import to the workers, nor their memory to the collector: it would copy
    page after page by looking at them."""
    # Nothing of it is garbage, so that looking for some would cost a third of the time.
    gc.disable()
    one_thread_each(os.environ)
    _parse_fast()
    import distributed.versions
    import distributed.worker

    for name in LATER:
        try:
            importlib.import_module(name)
        except ImportError:
            # A module of some versions alone.
            continue
    # It finds out about each package, in old versions by importing it: numpy and pandas too.
    distributed.versions.get_versions()
    gc.freeze()
    gc.enable()


def refresh() -> None:
    """Read Dask's configuration again, for the environment has changed."""
    import dask

    dask.config.refresh()
    # With a traceback, whenever a set of workers is closed.
    logging.getLogger("distributed.batched").setLevel(logging.WARNING)
    # Workers serve no pages, so that nothing of them is needed.
    dask.config.set({"distributed.worker.http.routes": []})
    # For the dashboard's profile. A hundred times a second slows computations that anybody can see.
    if dask.config.get(SAMPLING) == DASKS_SAMPLING:
        dask.config.set({SAMPLING: "100ms"})


def _parse_fast() -> None:
    """A fifth of the import is Dask's own configuration, which yaml reads with Python unless it is
    told that the same loader exists in C."""
    import yaml

    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
