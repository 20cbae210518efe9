"""The image's git, deaf to every configuration, hook and prompt."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .claim import Content
from .report import Exit, Stop, storage_full

HARDENED = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=", "-c", "protocol.allow=never")
# Tells later what came from the hub and what is hers alone, whatever becomes of her branches.
LAUNCHED = "refs/hpcbinder/launched"
NO_ROOM = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))


class GitFailed(Stop):
    """git was run and said no, in `words`."""

    def __init__(self, command: str, words: str) -> None:
        super().__init__(
            Exit.CONTENT,
            "content",
            f"git {command} failed: {words}. "
            "Launch again; if it fails again, tell the site's administrators.",
        )
        self.words = words


class Git:
    """git on one directory."""

    def __init__(self, directory: Path, image_env: Mapping[str, str]) -> None:
        self.directory = directory
        self.env = {name: value for name, value in image_env.items() if not name.startswith("GIT_")}
        # An older git does not know GIT_CONFIG_GLOBAL; it finds nothing in this HOME.
        self.env |= {"HOME": os.devnull, "XDG_CONFIG_HOME": os.devnull, "LC_ALL": "C"}
        self.env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        self.env |= {"GIT_ATTR_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}

    def at(self, directory: Path) -> Git:
        """The same on another directory."""
        return Git(directory, self.env)

    def __call__(self, *arguments: str, settings: Sequence[str] = HARDENED) -> str:
        """What git prints."""
        try:
            done = subprocess.run(
                ["git", *settings, *arguments],
                cwd=self.directory,
                env=self.env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="surrogateescape",
            )
        except FileNotFoundError:
            raise Stop(
                Exit.CONTENT,
                "content",
                "The image has no git, so its repository cannot be put into a workspace. "
                "Add git to the environment of the repository (apt.txt, environment.yml or the "
                "Dockerfile) and launch again.",
            ) from None
        if done.returncode == 0:
            return done.stdout
        if any(words.lower() in done.stderr.lower() for words in NO_ROOM):
            raise storage_full("content", self.directory.parent)
        raise GitFailed(arguments[0], done.stderr.strip() or str(done.returncode))


def unpack(bundle: Path, content: Content, git: Git) -> None:
    """Make git's empty directory a clone of what `bundle` holds, with nothing checked out yet.

    Objects are unpacked without any transport, and refs have their full names throughout: nothing
    that a branch or URL is called can become an option or reach out.
    """
    git("init", "--quiet", "--template=")
    refs = unbundle(bundle, git)
    set_origin(content.repo_url, git)
    branch = f"refs/heads/{content.ref}"
    if branch in refs:
        git("symbolic-ref", "HEAD", branch)
        git("update-ref", branch, content.commit)
        git("update-ref", f"refs/remotes/origin/{content.ref}", content.commit)
        set_option(git, f"branch.{content.ref}.remote", "origin")
        set_option(git, f"branch.{content.ref}.merge", branch)
    else:
        git("update-ref", "--no-deref", "HEAD", content.commit)
    git("update-ref", LAUNCHED, content.commit)


def check_out(commit: str, git: Git) -> None:
    """Have the files of a commit where there are none yet."""
    git("reset", "--quiet", "--hard", commit, "--")


def unbundle(bundle: Path, git: Git) -> set[str]:
    """Take in the objects of a bundle; the refs that it names are only told."""
    lines = git("bundle", "unbundle", str(bundle)).splitlines()
    return {line.partition(" ")[2] for line in lines}


def set_origin(url: str, git: Git) -> None:
    """Where a clone comes from."""
    set_option(git, "remote.origin.url", url)
    set_option(git, "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")


def set_option(git: Git, key: str, value: str) -> None:
    """A line of a clone's own configuration."""
    git("config", "--local", "--add", "--", key, value)
