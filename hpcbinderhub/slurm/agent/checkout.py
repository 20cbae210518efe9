"""What a workspace's repository says, asked without trusting it.

A launch's code could write there, and Git's configuration can name programs: filters, a monitor, a
transport. Here they would run outside the container, with the whole home of the user. So Git looks
through a folder of our own, with links to the workspace's objects and refs and none to its
configuration.
"""

import hashlib
import os
import re
import stat
import subprocess
import tempfile
import time
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Optional, Tuple

COMMAND_SECONDS = 10.0
LINKED = ("refs", "packed-refs", "objects", "index")
SETTINGS = ("core.hooksPath=/dev/null", "core.fsmonitor=", "protocol.allow=never", "gc.auto=0")
# Commits of these came from somewhere else.
ELSEWHERE = ("refs/remotes", "refs/hpcbinder")
TOLD = ("repo_url", "branch", "commit", "changes", "unshared")
SMALL = 4096
POINTER = re.compile(
    r"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize ([0-9]{1,15})\n"
)


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

    def __init__(
        self, git: str, workspace: str, directory: str, deadline: float, own: str = ""
    ) -> None:
        self._program = git
        self._workspace = workspace
        self._directory = directory
        self._deadline = deadline
        own = own or os.path.join(workspace, ".git")
        if not all(stat.S_ISDIR(os.lstat(path).st_mode) for path in (workspace, own)):
            raise Unknown("no repository")
        self._own = own
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
        """How many files differ from the commit or are in no commit, ignored ones left out; those
        of submodules are among them."""
        status = ["status", "--porcelain", "-z", "--untracked-files=normal"]
        changed = changes_in(self._git(status + ["--ignore-submodules=all"]))
        number = sum(1 for how, path in changed if how != " M" or not self._is_in_lfs(path))
        for path, commit in self._submodules():
            if self._holds_anything(path):
                with self._submodule(path) as inner:
                    number += 1 if inner is None else inner.changes()
                    number += 0 if inner is None or inner.commit() == commit else 1
        return number

    def unshared(self) -> Optional[int]:
        """How many commits are here and were never seen elsewhere; None if nothing tells."""
        if not self._git(["for-each-ref", "--count=1"] + list(ELSEWHERE)):
            return None
        stashed = self._git(["for-each-ref", "--format=%(objectname)", "refs/stash"]).split()
        known = ["--glob=" + name for name in ELSEWHERE]
        counting = ["rev-list", "--count", "HEAD", "--branches"] + stashed + ["--not"] + known
        number = int(self._git(counting))
        for path, _commit in self._submodules():
            with self._submodule(path) as inner:
                number += 0 if inner is None else inner.unshared() or 0
        return number

    def _is_in_lfs(self, path: str) -> bool:
        """Whether a file is what the pointer in the index stands for: without its filter, Git takes
        the one for a change of the other."""
        if not os.path.isdir(os.path.join(self._own, "lfs")):
            return False
        if int(self._git(["cat-file", "-s", ":0:" + path])) > SMALL:
            return False
        told = POINTER.match(self._git(["cat-file", "blob", ":0:" + path]))
        whole = os.path.join(self._workspace, path)
        if not told or os.lstat(whole).st_size != int(told.group(2)):
            return False
        digest = hashlib.sha256()
        with open(os.open(whole, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            for chunk in iter(lambda: file.read(1 << 20), b""):
                digest.update(chunk)
                if time.monotonic() > self._deadline:
                    raise Unknown("no time left")
        return digest.hexdigest() == told.group(1)

    def _submodules(self) -> Iterator[Tuple[str, str]]:
        for entry in self._git(["ls-files", "--stage", "-z"]).split("\0"):
            if entry.startswith("160000 "):
                head, _, path = entry.partition("\t")
                yield path, head.split(" ")[1]

    @contextmanager
    def _submodule(self, path: str) -> Iterator[Optional["View"]]:
        """The view of a submodule, if it is one as launches and Git make them: its repository is
        below our own."""
        tree = os.path.join(self._workspace, path)
        link = os.path.join(tree, ".git")
        if os.path.realpath(tree) != os.path.join(os.path.realpath(self._workspace), path):
            raise Unknown("%s is behind a link" % path)
        named = small_file(link) if os.path.isfile(link) else ""
        own = os.path.realpath(os.path.join(tree, named[len("gitdir: ") :]))
        modules = os.path.join(os.path.realpath(self._own), "modules") + os.sep
        if not named.startswith("gitdir: ") or not own.startswith(modules):
            yield None
            return
        with tempfile.TemporaryDirectory() as directory:
            yield View(self._program, tree, directory, self._deadline, own)

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


def changes_in(status: str) -> Iterator[Tuple[str, str]]:
    """How each file changed, from what `git status --porcelain -z` prints: a rename has two
    names."""
    entries = iter(status.split("\0"))
    for entry in entries:
        if entry:
            yield entry[:2], entry[3:]
            if "R" in entry[:2] or "C" in entry[:2]:
                next(entries, None)


def small_file(path: str) -> str:
    """The text of a plain file; whatever else has its place is not waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unknown("%s is no plain file" % path)
        return file.read(SMALL).decode("utf-8", "replace").strip()
