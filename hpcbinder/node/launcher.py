"""From orders to workers: import once, fork, watch."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

from .. import descriptors
from ..report import Exit, Stop, say
from . import memory, places, processes, scratch
from .board import Board
from .element import element
from .grant import Orders, written
from .imports import one_thread_each, refresh
from .pool import Pool
from .supervisor import Limits, Supervisor

# What a Python or its libraries read when it starts, and not again.
OF_STARTS = ("LD_", "PYTHON", "MALLOC_", "GLIBC_")
# Of a short job's time.
SHARE_OF_WARNING = 0.2


def run(orders: Orders) -> int:
    """Be the launcher; returns its exit code."""
    grant = orders.grant
    if not grant.node:
        here = element(os.environ)
        grant = grant._replace(node=here.name if here else os.uname().nodename)
        orders = orders._replace(grant=grant)
    _apply(orders)
    processes.return_memory()
    descriptors.allow_many()
    own = orders.scratch or scratch.make(os.environ)
    try:
        return _supervise(orders, own)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _apply(orders: Orders) -> None:
    """Be in the environment that the workers are to have."""
    wanted = orders.env or {**os.environ, **orders.grant.env}
    changed = {name for name in {*wanted, *os.environ} if wanted.get(name) != os.environ.get(name)}
    os.environ.clear()
    os.environ.update(wanted)
    one_thread_each(os.environ)
    if any(name.startswith(OF_STARTS) for name in changed):
        _begin_anew(orders)
    refresh()


def _begin_anew(orders: Orders) -> NoReturn:
    """A Python that was started without what the login shell says of it is of no use."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        os.set_inheritable(reading, True)
        argv = [sys.executable, "-m", "hpcbinder.node", "--grant", str(reading)]
        os.execv(sys.executable, argv)
    with open(writing, "wb") as pipe:
        pipe.write(written(orders))
    os._exit(0)


def _supervise(orders: Orders, own: Path) -> int:
    import dask
    from distributed.comm import get_address_host
    from distributed.utils import get_ip

    from . import worker
    from .tls import CrewSecurity

    grant = orders.grant
    _enter(grant.workspace)
    each = grant.memory_mb * memory.MIB or memory.limit(os.environ) // grant.workers
    cpus = os.sched_getaffinity(0)
    found = places.places(grant.node, grant.workers, grant.threads, grant.gpus, cpus, os.environ)
    board = Board(grant.workers)
    host = get_ip(get_address_host(grant.scheduler))
    setting = worker.Setting(grant, CrewSecurity(grant.tls), each, own, board, host)
    if processes.threads() > 1:
        say("node", "A package has started threads when it was imported: workers may hang.")
    pool = Pool(found, lambda index: worker.run(setting, found[index], index))
    fraction = dask.config.get("distributed.worker.memory.terminate")
    retire, sign = _end(orders)
    limits = Limits(int(each * (fraction or 0)), grant.lost_contact_seconds, retire, sign)
    return Supervisor(pool, board, limits, own).run()


def _end(orders: Orders) -> tuple[float | None, Path | None]:
    """When work has to leave the node by its own clock, and the sign that tells the same.

    A job that is hardly longer than the usual warning works most of its time all the same; Slurm
    gives its sign as soon as such a job begins, up to a minute early, which says nothing.
    """
    left, warn = orders.grant.left, orders.grant.warn_seconds
    if orders.ends is None or left is None:
        return None, orders.sign
    sign = orders.sign if left > warn + 60 else None
    return orders.ends - min(warn, left * SHARE_OF_WARNING), sign


def _enter(workspace: Path) -> None:
    """Be where notebooks are: what lies there can be imported, but was not in Dask's stead."""
    began = os.getcwd()
    try:
        os.chdir(workspace)
    except OSError as error:
        sentence = f"The workspace {workspace} is not to be seen on this node ({error.strerror})."
        raise Stop(Exit.CONTENT, "node", sentence) from None
    sys.path[:] = ["", *(path for path in sys.path if path not in ("", began))]
