"""`hpcbinder start`: from a ticket to a running server, in the order of this file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from . import claim, command, content, environment, generated, image, notices, server, trust
from .login import LoginShell
from .report import say, storage
from .session import near_end
from .session.terms import VARIABLE
from .unattended import order
from .web import Hub

# What the job's own script has to tell the server's owner about the node.
NODE_NOTICE = "HPCBINDER_NODE_NOTICE"


def run(launch: Path, description: Path) -> int:
    """Start the server of `launch`; returns only the exit code of a failure."""
    # content.py opens up for what is the user's.
    return command.run(lambda: _start(launch, description), "the server")


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
        env[near_end.VARIABLE] = str(launch / near_end.SIGN)
    if grant.run is not None:
        with storage("start", launch):
            env[order.VARIABLE] = order.leave(grant.run, grant.workspace, launch)
    argv = server.command(this, [*grant.args, *server.protection(grant, launch)])
    notice = " ".join(filter(None, (*told, os.environ.get(NODE_NOTICE))))
    server.announce(grant, port, notice, Hub("server", trusted.context, server.PATIENCE))
    say("server", f"Starting the server on port {port}.")
    os.umask(content.UMASK)
    server.become(argv, env, grant.workspace)
