"""One Git command: run with settings of ours alone, and its complaints in sentences.

Every call is an argument list in an environment made from scratch: no system or user configuration,
no prompt, no hook, no transport but HTTP(S).
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "protocol.allow=never",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    # The guard has followed them, and looked at each.
    "http.followRedirects=false",
    "gc.auto=0",
)


class Closed(UserError):
    """Git was not let in: the repository is private to whoever asked, or is not there."""


class Git:
    """Runs Git in a directory of ours, each time for so many seconds at most."""

    def __init__(self, home: Path, timeout: float):
        self._home = home
        self._timeout = timeout

    async def __call__(
        self,
        *arguments: str,
        cwd: Path | None = None,
        url: str = "",
        settings: Sequence[str] = (),
        pipes: Sequence[int] = (),
    ) -> str:
        """What the command prints. `url` is what to call the other side in a complaint; `pipes`
        stay open in the command and in what it starts."""
        process = await asyncio.create_subprocess_exec(
            "git",
            *(part for setting in (*_SETTINGS, *settings) for part in ("-c", setting)),
            *arguments,
            cwd=cwd or self._home,
            env=_environment(self._home),
            pass_fds=pipes,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(self._timeout):
                out, err = await process.communicate()
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise UserError(
                f"{url or 'Git'} did not answer in {self._timeout:.0f} s.",
                "Try again later, or check that the address is reachable from here.",
                status=504,
            ) from error
        if process.returncode != 0:
            raise explain(err.decode(errors="replace"), url or "the repository")
        return out.decode(errors="replace")


def _environment(home: Path) -> dict[str, str]:
    """Nothing but what Git needs, and the site's own certificates and proxies."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO")
        or name.lower() in ("http_proxy", "https_proxy", "no_proxy")
    }
    return passed | {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "LC_ALL": "C.UTF-8",
    }


_CAUSES: Sequence[tuple[type[UserError], str, str, str]] = (
    (
        Closed,
        r"could not read Username|Authentication failed|terminal prompts disabled|error: 40[13]",
        "{url} is private, or does not exist.",
        "Check the address, or make a public copy: this site keeps no credentials.",
    ),
    (
        Closed,
        r"not found|does not appear to be a git repository|not valid: is this a git repository",
        "{url} is not a Git repository.",
        "Check the address: it must work with `git clone`.",
    ),
    (
        UserError,
        r"Could not resolve host|Failed to connect|Couldn't connect|Connection refused|timed out",
        "{url} cannot be reached from here.",
        "Check the address; if it is right, the site's network may not allow it.",
    ),
    (
        UserError,
        r"[Rr]edirect|error: 30[1278]",
        "{url} redirects to somewhere else.",
        "Paste the address that it leads to.",
    ),
    (
        UserError,
        r"No space left|Disk quota",
        "The service's disk is full.",
        "Tell your facility; nothing is wrong with the repository.",
    ),
)


def explain(words: str, url: str) -> UserError:
    """Git's complaint as a sentence and a way out, with Git's own words beside it."""
    for kind, pattern, message, advice in _CAUSES:
        if re.search(pattern, words):
            return kind(message.format(url=url), advice, detail=words.strip()[-600:])
    return UserError(
        f"{url} could not be read.",
        "Check the address, and that it works with `git clone`.",
        detail=words.strip()[-600:],
    )
