"""The command `hpcbinderhub`."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import logging
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from . import __version__
from .builds.jobs.node import run_in_job
from .builds.worker import run_worker
from .builds.workplace import base_settings, storage
from .cli import check
from .cli.commands import add_commands
from .credentials.keyring import add_key
from .database import Database
from .errors import UserError
from .images.base import ensure_base
from .images.signing import make_key
from .images.source import hpcbinder_source
from .site import load_site
from .slurm.packing import packed

DEFAULT_CONFIG = "/etc/jupyterhub/jupyterhub_config.d"


def worker(options: argparse.Namespace) -> None:
    """Build what the service's queue holds, until stopped."""
    site = load_site(options.config)
    source = hpcbinder_source(options.hpcbinder)
    if options.job:
        asyncio.run(run_in_job(site, source, Path(options.job)))
    else:
        asyncio.run(run_worker(site, source))


def base_image(options: argparse.Namespace) -> None:
    """Make the site's base images, one for each Python, in this account's builder storage."""
    site = load_site(options.config)
    for settings in base_settings(site, storage(Path(site.builder_dir))):
        print(ensure_base(settings, hpcbinder_source(options.hpcbinder), print).name)


def database_upgrade(options: argparse.Namespace) -> None:
    """Bring the database to this version's tables."""
    Database(load_site(options.config).database_url).upgrade()


def worker_token(options: argparse.Namespace) -> None:
    """Make a token for a worker: the file gets it, the printed line goes into the configuration."""
    token = secrets.token_urlsafe(32)
    path = Path(options.file)
    path.touch(mode=0o600)
    path.write_text(token + "\n")
    digest = hashlib.sha256(token.encode()).hexdigest()
    print(f"c.Site.worker_tokens = {{'{options.name}': '{digest}'}}")


def credential_key(options: argparse.Namespace) -> None:
    """Put a new key for users' credentials into a file, before the older ones."""
    add_key(Path(options.file))
    print(f"c.Site.credential_keys_file = {options.file!r}")


def signing_key(options: argparse.Namespace) -> None:
    """Make a key that images are signed with; the public one goes beside it, with `.pub`."""
    make_key(Path(options.file))
    print(f"c.Site.image_signing_key = {options.file!r}")


def print_agent(options: argparse.Namespace) -> None:
    """Print the agent, a program in one file, to be installed on login nodes."""
    sys.stdout.buffer.write(packed(as_user=options.as_user))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="hpcbinderhub", description=__doc__)
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], None], parent: object = None
    ) -> argparse.ArgumentParser:
        group = parent or commands
        made: argparse.ArgumentParser = group.add_parser(name, help=run.__doc__)  # type: ignore[attr-defined]
        made.set_defaults(run=run)
        return made

    def configured(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
        made.add_argument(
            "--config", default=DEFAULT_CONFIG, help="directory with the site's files"
        )
        return made

    working = configured(command("worker", worker))
    working.add_argument("--job", help="for builders' jobs: the directory with the job's ticket")
    making = configured(command("base-image", base_image))
    checking = configured(command("check", check.check))
    check.add_options(checking)
    for made in (working, making, checking):
        made.add_argument("--hpcbinder", help="source tree or wheel of the in-image distribution")
    database = commands.add_parser("db", help="The queue's database.").add_subparsers(required=True)
    configured(command("upgrade", database_upgrade, database))
    token = command("worker-token", worker_token)
    token.add_argument("name", help="the worker's name")
    token.add_argument("file", help="where the token goes, mode 0600")
    key = command("credential-key", credential_key)
    key.add_argument("file", help="where the keys are, mode 0600, the newest first")
    signing = command("signing-key", signing_key)
    signing.add_argument("file", help="where the key goes, mode 0600; none may be there")
    command("agent", print_agent).add_argument(
        "--as-user", action="store_true", help="print the helper for c.Site.transport = 'local'"
    )
    add_commands(commands, DEFAULT_CONFIG)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a user's error is two sentences and exit code 1."""
    logging.basicConfig(level=logging.INFO, format="[%(levelname)s %(asctime)s] %(message)s")
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except UserError as error:
        print(error.as_text(), file=sys.stderr)
        return 1
    return 0
