"""Files with secrets: whose they are, and who else could read them."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from ..site import Site
from .finding import Finding, failed, ok, skipped, warning
from .ground import Ground

SQLITE = "sqlite:///"


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    site = ground.site
    named = dict(_of_hub(site) if ground.is_hub() else ())
    if ground.is_hub():
        named |= dict(_of_jupyterhub(ground))
        for database in _database(ground):
            yield database
        yield _kept_of_servers(site)
    if ground.is_builder():
        named |= dict(_of_builder(site))
    for what, path in named.items():
        yield _looked_at(what, Path(path))
    if not named:
        yield skipped("secrets", "No setting names a file with a secret.")


def _of_hub(site: Site) -> Iterator[tuple[str, str]]:
    for name in ("credential_keys_file", "image_registry_auth_file", "image_signing_key"):
        if path := getattr(site, name):
            yield f"c.Site.{name}", path
    if site.certificate_url:
        yield "c.Site.certificate_token_file", site.certificate_token_file
    for host, path in site.forge_token_files.items():
        yield f"c.Site.forge_token_files[{host!r}]", path


def _of_jupyterhub(ground: Ground) -> Iterator[tuple[str, str]]:
    if path := ground.setting("JupyterHub", "cookie_secret_file"):
        yield "c.JupyterHub.cookie_secret_file", str(path)


def _database(ground: Ground) -> Iterator[Finding]:
    """SQLite puts files beside it, with its mode; a directory that is shut will do for all."""
    what, url = "c.JupyterHub.db_url", str(ground.setting("JupyterHub", "db_url") or "")
    if not url.startswith(SQLITE):
        return
    path = Path(url.removeprefix(SQLITE))
    folder = path.parent.stat() if path.parent.is_dir() else None
    if folder and folder.st_uid == os.getuid() and not folder.st_mode & 0o077:
        yield ok(what, f"{path.parent} is for its owner alone.")
    else:
        yield _looked_at(what, path)


def _kept_of_servers(site: Site) -> Finding:
    what = "servers' secrets"
    if site.credential_keys_file:
        return ok(what, "They are encrypted in JupyterHub's database.")
    return warning(
        what,
        "JupyterHub's database holds the tokens and keys of running servers as they are: so does "
        "each copy of it, and whoever may read `admin:server_state`.",
        "`hpcbinderhub credential-key FILE`, and put the printed line into the configuration.",
    )


def _of_builder(site: Site) -> Iterator[tuple[str, str]]:
    if site.worker_token_file:
        yield "c.Site.worker_token_file", site.worker_token_file
    if site.artefacts_login:
        yield "c.Site.artefacts_key_file", site.artefacts_key_file


def _looked_at(what: str, path: Path) -> Finding:
    try:
        with path.open("rb"):
            status = path.stat()
    except OSError as error:
        return failed(
            what,
            f"{path} cannot be read: {error.strerror}.",
            "See that it is there, belongs to this account and has mode 0600.",
        )
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid not in (os.getuid(), 0):
        return failed(
            what,
            f"{path} belongs to {_name(status.st_uid)}, who can read and replace it.",
            f"chown {_name(os.getuid())} {path}",
        )
    if mode & 0o077:
        return failed(
            what,
            f"{path} has mode {mode:04o}: others than its owner can read or write it.",
            f"chmod 600 {path}; and replace what is in it, if others have accounts on this host.",
        )
    return ok(what, f"{path} is for its owner alone.")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
