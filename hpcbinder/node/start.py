"""`hpcbinder node`: from a ticket to a running launcher, in the order of this file.

Two processes share it. The one that the engine knows becomes the launcher at once, which imports
Dask, while the other spends the ticket and then tells the launcher what it is to do.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from .. import claim, command, environment, image, trust
from ..image import Image
from ..login import LoginShell
from ..report import Exit, Stop, say, storage
from ..web import Hub
from . import processes, scratch
from .element import Element, element
from .grant import Grant, Orders, parse, written

GONE = "these workers were closed, and their batch is over."
SIGN = "end-is-near"
"""In the launch's directory, with the task's number. The hub's side has the same name."""


def run(launch: Path, description: Path) -> int:
    """Start the workers of one node; returns only the exit code of a failure."""
    return command.run(lambda: _start(launch, description), "the workers")


def _start(launch: Path, description: Path) -> int:
    this = image.read(description)
    python = _python(this)
    found = element(os.environ)
    if found is None:
        raise Stop(Exit.UNFIT, "claim", "SLURM_JOB_ID is not set: this is not a Slurm job.")
    ticket = claim.read(launch, GONE)
    with suppress(OSError):
        # What an earlier run of this element was told, before Slurm put it back into the queue.
        os.rmdir(_sign(launch, found))
    own = scratch.make(os.environ)
    base = environment.base(os.environ, this.env)
    orders, telling = os.pipe()
    launcher = os.getpid()
    if os.fork():
        os.close(telling)
        say("start", f"Starting {python}, which imports Dask while the claim is made.")
        _become_launcher(python, orders, environment.in_world(base, this, own), own)
    os.close(orders)
    # Nobody is left to claim for when it ends.
    processes.die_with(launcher, signal.SIGTERM)
    try:
        told = _claim(launch, this, found, ticket, own, base)
        with open(telling, "wb") as pipe:
            pipe.write(written(told))
    except BaseException:
        shutil.rmtree(own, ignore_errors=True)
        raise
    return 0


def _claim(
    launch: Path,
    this: Image,
    which: Element,
    ticket: claim.Ticket,
    own: Path,
    base: dict[str, str],
) -> Orders:
    # Not in the launch's directory, which all nodes share.
    shell = LoginShell(base, own)
    trusted = trust.establish(ticket.ca, this.env, own)
    say("claim", f"Asking the hub what to start on node {which.task} of job {which.job}.")
    hub = Hub("claim", trusted.context, claim.PATIENCE)
    grant: Grant = claim.spend(ticket, hub, dict(which._asdict()), parse)
    received = time.monotonic()
    # What the server's login shell added, so that workers find what notebooks find. The claim
    # waits for Slurm's word anyway, and a shell is done by then.
    with storage("environment", own):
        login = shell.environment(grant.home)
    complete = environment.complete(login, grant.env, trusted.env, grant.home)
    env = environment.in_world(complete, this, grant.workspace)
    env["DASK_TEMPORARY_DIRECTORY"] = str(own)
    return Orders(
        grant,
        env=env,
        ends=None if grant.left is None else received + grant.left,
        sign=_sign(launch, which),
        scratch=own,
    )


def _sign(launch: Path, which: Element) -> Path:
    return launch / f"{SIGN}-{which.task}"


def _python(this: Image) -> str:
    """The Python that notebooks run in, and so their functions."""
    lacking = this.world.lacks.get("workers") or this.world.lacks.get("kernel")
    if this.world.python is None or lacking:
        why = f" ({lacking})" if lacking else ""
        raise Stop(Exit.UNFIT, "start", f"This environment cannot have Dask workers{why}.")
    return this.world.python


def _become_launcher(python: str, orders: int, env: Mapping[str, str], own: Path) -> NoReturn:
    os.set_inheritable(orders, True)
    # Nothing that lies here can be imported in the place of what is meant.
    os.chdir(own)
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGUSR1):
        signal.signal(ignored, signal.SIG_DFL)
    argv = [python, "-m", "hpcbinder.node", "--grant", str(orders)]
    try:
        os.execve(python, argv, dict(env))
    except OSError as error:
        say("start", f"{python} cannot be run ({error.strerror}).")
        os._exit(Exit.SERVER)
