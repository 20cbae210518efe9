"""`hpcbinder start`: from a ticket to a running server, in the order of this file."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import NoReturn

from . import claim, content, environment, generated, image, notices, server, trust
from .login import LoginShell
from .report import Exit, Stop, say, storage
from .session.terms import VARIABLE
from .web import Hub

# What the job's own script has to tell the server's owner about the node.
NODE_NOTICE = "HPCBINDER_NODE_NOTICE"


def run(launch: Path, description: Path) -> int:
    """Start the server of `launch`; returns only the exit code of a failure."""
    # What we write of our own may hold secrets; content.py opens up for what is the user's.
    os.umask(0o077)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopped)
    # Slurm's word that the end is near is for the server, which listens once it is up.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    # An engine's own programs had to be kept from ending before us.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGUSR1))
    try:
        _start(launch, description)
    except Stop as stop:
        say(stop.phase, str(stop))
        return stop.code
    except Exception:
        import traceback

        # Printed line by line through `say`, which hides the secrets that others' words may quote.
        for line in traceback.format_exc().splitlines():
            say("start", line)
        say("start", "This should not have happened: tell the site's administrators.")
        return Exit.UNEXPECTED


def _start(launch: Path, description: Path) -> NoReturn:
    this = image.read(description)
    ticket = claim.read(launch)
    with storage("start", launch):
        # It needs nothing of the hub's, and takes about as long as the claim.
        shell = LoginShell(environment.base(os.environ, this.env), launch)
    trusted = trust.establish(ticket.ca, this.env, launch)

    say("claim", "Asking the hub what to start.")
    grant = claim.exchange(ticket, Hub("claim", trusted.context, claim.PATIENCE))
    (launch / claim.FILE).unlink(missing_ok=True)

    files = Hub("content", trusted.context, content.PATIENCE)
    told = [content.prepare(grant, this, launch, files)]

    with storage("environment", grant.home):
        grant.home.mkdir(parents=True, exist_ok=True)
        generated.place_in_home(this, grant.home)
    login = shell.environment(grant.home)
    complete = environment.complete(login, grant.env, trusted.env, grant.home)
    env = environment.in_world(complete, this, grant.workspace)
    told += notices.of(this, grant.workspace, env)
    with storage("environment", Path(env.get("TMPDIR", "/tmp"))):
        env["DASK_TEMPORARY_DIRECTORY"] = str(environment.dask_directory(env))

    _held_until_exec, port = server.reserve_port()
    env["JUPYTERHUB_SERVICE_URL"] = server.service_url(env, port)
    if grant.terms is not None:
        env[VARIABLE] = grant.terms.variable()
    argv = server.command(this, [*grant.args, *server.protection(grant, launch)])
    notice = " ".join(filter(None, (*told, os.environ.get(NODE_NOTICE))))
    server.announce(grant, port, notice, Hub("server", trusted.context, server.PATIENCE))
    say("server", f"Starting the server on port {port}.")
    os.umask(content.UMASK)
    server.become(argv, env, grant.workspace)


def _stopped(number: int, _: object) -> NoReturn:
    say("start", f"Stopped by {signal.Signals(number).name} before the server had started.")
    raise SystemExit(128 + number)
