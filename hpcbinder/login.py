"""What a login shell of the image adds to its environment: its `profile.d`, such as an activated
conda environment. repo2docker's entrypoint, which container engines skip, does the same."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .image import DEFAULT_PATH
from .report import say

PATIENCE = 30.0
# The shell's own bookkeeping.
NOISE = ("_", "HOME", "OLDPWD", "PWD", "SHLVL")


class LoginShell:
    """A login shell that prints its environment into a file while other work goes on."""

    def __init__(self, env: Mapping[str, str], directory: Path) -> None:
        self.env = dict(env)
        # None of the user's rc files are here, whatever her own home holds.
        self.home = directory / "login"
        self.home.mkdir(exist_ok=True)
        self.printed = directory / "login.env"
        try:
            self.process: subprocess.Popen[bytes] | None = subprocess.Popen(
                ["bash", "-l", "-c", 'env -0 > "$0"', str(self.printed)],
                env={**self.env, "HOME": str(self.home)},
                cwd="/",
                stdin=subprocess.DEVNULL,
                # What profiles print must not be taken for variables; it may explain a failure.
                stdout=2,
                start_new_session=True,
            )
        except OSError:
            self.process = None

    def environment(self, home: Path) -> dict[str, str]:
        """What the shell made of the environment, for a user whose home is `home`."""
        try:
            changed = self._read(home)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            say("environment", "The image's login shell failed: its profile.d is not applied.")
            return self.env
        finally:
            self._tidy()
        changed["PATH"] = merged_path(self.env["PATH"], changed.get("PATH", ""), str(self.home))
        return changed

    def _read(self, home: Path) -> dict[str, str]:
        if self.process is None:
            raise ValueError("no bash")
        if self.process.wait(PATIENCE) != 0:
            raise ValueError("failed")
        found = {}
        for line in os.fsdecode(self.printed.read_bytes()).split("\0"):
            name, separator, value = line.partition("=")
            if separator and name not in NOISE:
                unchanged = self.env.get(name) == value
                found[name] = value if unchanged else value.replace(str(self.home), str(home))
        if not found:
            raise ValueError("nothing")
        return found

    def _tidy(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.printed.unlink(missing_ok=True)
        try:
            self.home.rmdir()
        except OSError:
            # A profile left something there, which goes with the launch's directory.
            return


def merged_path(image: str, login: str, home: str) -> str:
    """The image's PATH unbroken, after what the login shell put before it.

    Most distributions' `/etc/profile` sets PATH afresh to the system's directories, which would
    lose the image's own, or come before them.
    """
    kept = image.split(":")
    known = {*kept, *DEFAULT_PATH.split(":")}
    entries = [entry for entry in login.split(":") if entry and not entry.startswith(home)]
    first = next((i for i, entry in enumerate(entries) if entry in known), len(entries))
    before, after = entries[:first], [e for e in entries[first:] if e not in kept]
    return ":".join([*dict.fromkeys(before), *kept, *dict.fromkeys(after)])
