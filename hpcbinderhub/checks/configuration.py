"""The site's files themselves: what is misspelt, and what production needs."""

from __future__ import annotations

import difflib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from traitlets.config import Configurable

from ..builds.fence.policy import BuildPolicy
from ..builds.jobs.settings import BuildJobs
from ..images.engines.findings import findings as of_engines
from ..site import LOOPBACK, Site
from ..workspaces import top_level
from .finding import Finding, failed, ok, warning
from .ground import Ground

OURS: tuple[type[Configurable], ...] = (BuildPolicy, BuildJobs)
"""Beside `Site`, whose unknown names are refused when the files are read."""
SHARES = re.compile(r"\bshares\b")


async def look(ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    files = sorted(ground.directory.glob("*.py"))
    yield ok("files", f"{len(files)} files in {ground.directory} were read.")
    for finding in (
        *_unknown_names(ground, files),
        *_address(ground.site),
        *_authority(ground.site),
        *_subdomains(ground),
        *_sharing(ground),
        *_mount_points(ground.site),
        *_engines(ground.site),
    ):
        yield finding


def is_trial(site: Site) -> bool:
    """Whether only this host reaches the hub, so that nobody else is there to be protected."""
    return urlsplit(site.public_url).hostname in LOOPBACK


def _unknown_names(ground: Ground, files: list[Path]) -> Iterator[Finding]:
    for cls in OURS:
        known = set(cls.class_trait_names(config=True))
        for name in sorted(set(ground.config.get(cls.__name__, {})) - known):
            near = difflib.get_close_matches(name, known, 1)
            yield failed(
                f"c.{cls.__name__}.{name}",
                f"There is no such setting, so it does nothing ({_where(cls, name, files)}).",
                f"Did you mean c.{cls.__name__}.{near[0]}?" if near else "Remove the line.",
            )


def _where(cls: type, name: str, files: list[Path]) -> str:
    pattern = re.compile(rf"\b{cls.__name__}\.{re.escape(name)}\b")
    for path in files:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if pattern.search(line):
                return f"{path.name}, line {number}"
    return "line not found"


def _address(site: Site) -> Iterator[Finding]:
    what = "c.Site.public_url"
    if urlsplit(site.public_url).scheme == "https":
        yield ok(what, f"Jobs and browsers reach the hub over TLS, at {site.public_url}")
    elif is_trial(site) and site.jobs_are_elsewhere:
        yield failed(
            what,
            f"{site.public_url} is on each host's own loopback, and jobs run on other hosts.",
            "Set the hub's address as compute nodes reach it; it begins with https://.",
        )
    elif is_trial(site):
        yield warning(
            what,
            f"{site.public_url} is plain HTTP on this host's loopback: good for a trial on one "
            "host.",
            "In production, set an address that begins with https://.",
        )
    else:
        yield failed(
            what,
            f"{site.public_url} is plain HTTP: tickets, tokens and passwords can be read on the "
            "way.",
            "Put TLS before the hub, and set an address that begins with https://.",
        )


def _authority(site: Site) -> Iterator[Finding]:
    if not site.ca_file:
        return
    what = "c.Site.ca_file"
    try:
        text = Path(site.ca_file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        yield failed(
            what,
            f"It cannot be read: {error}",
            "Name a PEM file that the hub's account can read, or set it to ''.",
        )
        return
    if "-----BEGIN CERTIFICATE-----" not in text:
        yield failed(what, f"{site.ca_file} holds no certificate.", "Name a file in PEM format.")
    elif "PRIVATE KEY" in text:
        yield failed(
            what,
            f"{site.ca_file} holds a private key, and every job gets this file.",
            "Put the certificate alone into a file, and replace the key that was given out.",
        )
    else:
        yield ok(what, f"{site.ca_file} holds a certificate.")


def _subdomains(ground: Ground) -> Iterator[Finding]:
    what = "c.JupyterHub.subdomain_host"
    if ground.setting("JupyterHub", "subdomain_host"):
        yield ok(what, "Every user's servers have a host name of their own.")
        return
    sentence = (
        "It is not set: a notebook's page shares its origin with the hub and with other users' "
        "servers, so that one user's code can act in another's browser."
    )
    advice = (
        "Set c.JupyterHub.subdomain_host to an https:// address whose subdomains lead here too (a "
        "wildcard in DNS and in the certificate)."
    )
    if is_trial(ground.site):
        yield warning(what, f"{sentence} For a trial, that will do.", advice)
    else:
        yield failed(what, sentence, advice)


def _sharing(ground: Ground) -> Iterator[Finding]:
    roles: Any = ground.setting("JupyterHub", "load_roles") or []
    sharing = [
        str(role.get("name", "?"))
        for role in roles
        if any(SHARES.search(str(scope)) for scope in role.get("scopes", ()))
    ]
    if not sharing:
        yield ok("server sharing", "It is off.")
        return
    yield warning(
        "server sharing",
        f"It is on for the roles: {', '.join(sharing)}. Whoever is given a server acts as its "
        "owner there, with her files and her shell.",
        "Remove the `shares` scopes from c.JupyterHub.load_roles; a launch link shares the work "
        "and not the account.",
    )


def _mount_points(site: Site) -> Iterator[Finding]:
    what = "c.Site.mount_points"
    needed = [PurePosixPath(root) for root in site.data_roots]
    templates = (site.workspace_root, site.node_tmp)
    needed += [PurePosixPath(path) for path in templates if path.startswith("/")]
    missing = sorted({str(top_level(path)) for path in needed} - set(site.mount_points))
    if missing:
        yield failed(
            what,
            f"Images have no directory {', '.join(missing)} to mount the site's file systems on.",
            f"Add {', '.join(map(repr, missing))}; environments that are built from then on have "
            "them.",
        )
    else:
        yield ok(what, f"Images have {', '.join(site.mount_points)}.")


def _engines(site: Site) -> Iterator[Finding]:
    if not site.profiles:
        yield failed(
            "c.Site.profiles", "No profile is offered, so nothing can be launched.", "Set some."
        )
    for sentence in of_engines(site):
        profile, _, words = sentence.partition(": ")
        if words.startswith("Pulls its images"):
            said, _, advice = words.partition(": ")
            yield failed(profile, f"{said}.", f"{advice[:1].upper()}{advice[1:]}")
        else:
            yield warning(profile, words, "See docs/engines.md for what each engine can do.")
