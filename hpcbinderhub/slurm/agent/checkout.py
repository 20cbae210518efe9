"""What a workspace's repository says, asked without trusting it.

A launch's code could write there, and Git's configuration can name programs: filters, a monitor, a
transport. Here they would run outside the container, with the whole home of the user. So Git looks
through a folder of our own, with links to the workspace's objects and refs and none to its
configuration.
"""

import os
import stat
import subprocess
import tempfile
import time
from typing import Any, Dict, Iterator, List, Optional

COMMAND_SECONDS = 10.0
LINKED = ("refs", "packed-refs", "objects", "index")
SETTINGS = ("core.hooksPath=/dev/null", "core.fsmonitor=", "protocol.allow=never", "gc.auto=0")
# Commits of these came from somewhere else.
ELSEWHERE = ("refs/remotes", "refs/hpcbinder")
TOLD = ("repo_url", "branch", "commit", "changes", "unshared")
SMALL = 4096


class Unknown(Exception):
    """Git cannot tell, or not in time."""


def look(git: str, workspace: str, deadline: float) -> Dict[str, Any]:
    """What can be told of the repository; None stands for what cannot."""
    found: Dict[str, Any] = dict.fromkeys(TOLD)
    try:
        with tempfile.TemporaryDirectory() as view:
            asked = View(git, workspace, view, deadline)
            found["repo_url"] = asked.origin()
            found["branch"] = asked.branch
            found["commit"] = asked.commit()
            found["changes"] = asked.changes()
            found["unshared"] = asked.unshared()
    except (Unknown, OSError):
        pass
    return found


class View:
    """Git's view of one workspace, through the folder `directory`."""

    def __init__(self, git: str, workspace: str, directory: str, deadline: float) -> None:
        self._program = git
        self._workspace = workspace
        self._directory = directory
        self._deadline = deadline
        own = os.path.join(workspace, ".git")
        if not all(stat.S_ISDIR(os.lstat(path).st_mode) for path in (workspace, own)):
            raise Unknown("no repository")
        self._config = os.path.join(own, "config")
        head = small_file(os.path.join(own, "HEAD"))
        self.branch = head[len("ref: refs/heads/") :] if head.startswith("ref: refs/heads/") else ""
        for name in LINKED:
            os.symlink(os.path.join(own, name), os.path.join(directory, name))
        os.mkdir(os.path.join(directory, "info"))
        os.symlink(os.path.join(own, "info", "exclude"), os.path.join(directory, "info", "exclude"))
        for name, text in (("HEAD", head + "\n"), ("config", "")):
            with open(os.path.join(directory, name), "w") as file:
                file.write(text)

    def origin(self) -> str:
        """The address that the workspace was cloned from."""
        reading = ["config", "--no-includes", "--file", self._config]
        return self._git(reading + ["--get", "remote.origin.url"]).strip()

    def commit(self) -> str:
        """What is checked out."""
        return self._git(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).strip()

    def changes(self) -> int:
        """How many files differ from the commit or are in no commit, ignored ones left out.

        A repository within it that is part of the commit is not looked into: one that holds
        anything counts as a change.
        """
        status = ["status", "--porcelain", "-z", "--untracked-files=normal"]
        changed = count_changes(self._git(status + ["--ignore-submodules=all"]))
        return changed + sum(1 for path in self._submodules() if self._holds_anything(path))

    def unshared(self) -> Optional[int]:
        """How many commits are here and were never seen elsewhere; None if nothing tells."""
        if not self._git(["for-each-ref", "--count=1"] + list(ELSEWHERE)):
            return None
        stashed = self._git(["for-each-ref", "--format=%(objectname)", "refs/stash"]).split()
        known = ["--glob=" + name for name in ELSEWHERE]
        counting = ["rev-list", "--count", "HEAD", "--branches"] + stashed + ["--not"] + known
        return int(self._git(counting))

    def _submodules(self) -> Iterator[str]:
        for entry in self._git(["ls-files", "--stage", "-z"]).split("\0"):
            if entry.startswith("160000 "):
                yield entry.partition("\t")[2]

    def _holds_anything(self, path: str) -> bool:
        try:
            return bool(os.listdir(os.path.join(self._workspace, path)))
        except OSError:
            return False

    def _git(self, arguments: List[str]) -> str:
        settings = [part for setting in SETTINGS for part in ("-c", setting)]
        places = ["--git-dir=" + self._directory, "--work-tree=" + self._workspace]
        left = min(COMMAND_SECONDS, self._deadline - time.monotonic())
        if left <= 0:
            raise Unknown("no time left")
        try:
            done = subprocess.run(
                [self._program] + settings + places + arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment(),
                cwd=self._workspace,
                timeout=left,
            )
        except subprocess.TimeoutExpired:
            raise Unknown("no answer in time") from None
        if done.returncode != 0:
            raise Unknown("git %s failed" % arguments[0])
        return done.stdout.decode("utf-8", "replace")


def environment() -> Dict[str, str]:
    """No configuration but the folder's own, no question, and nothing written."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": os.devnull,
        "XDG_CONFIG_HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
    }


def count_changes(status: str) -> int:
    """The number of entries in what `git status --porcelain -z` prints: a rename has two names."""
    number, entries = 0, iter(status.split("\0"))
    for entry in entries:
        if entry:
            number += 1
            if "R" in entry[:2] or "C" in entry[:2]:
                next(entries, None)
    return number


def small_file(path: str) -> str:
    """The text of a plain file; whatever else has its place is not waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unknown("%s is no plain file" % path)
        return file.read(SMALL).decode("utf-8", "replace").strip()
