"""Which versions work together here."""

from __future__ import annotations

import asyncio
import platform
import shutil
from collections.abc import AsyncIterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement
from packaging.version import Version

from .. import __version__
from .finding import Finding, failed, ok, warning
from .ground import Ground

SHOWN = ("jupyterhub", "asyncssh", "batchspawner", "sqlalchemy", "traitlets", "pydantic", "tornado")
NODE_PROXY = "configurable-http-proxy"


async def look(_ground: Ground) -> AsyncIterator[Finding]:
    """See the module."""
    yield ok("hpcbinderhub", f"{__version__}, on Python {platform.python_version()}")
    for finding in _packages():
        yield finding
    yield await _proxy()


def installed(name: str) -> str:
    """The version of a package, or an empty string."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _packages() -> list[Finding]:
    found = []
    for requirement in map(Requirement, requires("hpcbinderhub") or ()):
        if requirement.name not in SHOWN:
            continue
        have = installed(requirement.name)
        if have and Version(have) in requirement.specifier:
            found.append(ok(requirement.name, have))
        else:
            found.append(
                failed(
                    requirement.name,
                    f"{have or 'Not installed'}, where {requirement.specifier} is needed.",
                    f"pip install '{requirement}'",
                )
            )
    return found


async def _proxy() -> Finding:
    program = shutil.which(NODE_PROXY)
    if program is None:
        return warning(
            NODE_PROXY,
            "It is not on this account's PATH.",
            "Nothing is to be done where c.JupyterHub.proxy_class is another one, or the proxy "
            "runs elsewhere; otherwise install it.",
        )
    process = await asyncio.create_subprocess_exec(
        program, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    out, _ = await process.communicate()
    return ok(NODE_PROXY, out.decode().strip() or "It is there.")
