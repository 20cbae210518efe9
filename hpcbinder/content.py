"""The workspace: the user's writable clone of the commit, made once and never overwritten; brought
forward to a newer commit if she said so."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import generated
from .claim import Content, Grant
from .forward import Impossible, forward
from .git import Git, unpack
from .image import Image
from .report import Exit, Stop, say, storage
from .web import Hub, Transient, patiently

PATIENCE = 5 * 60.0
# Another launch may be downloading with all its patience, and then has to check out.
LOCK_PATIENCE = 15 * 60.0
# Her files get what she would get in a shell of her own on most sites. The directories that we make
# around them are hers alone, so nobody sees in unless she opens one.
UMASK = 0o022
UPDATE = "update"


def prepare(grant: Grant, image: Image, launch: Path, hub: Hub) -> str:
    """See to it that the workspace is there and complete. The sentence is for its owner, if what
    she asked for was not to be had."""
    workspace = grant.workspace
    with storage("content", workspace):
        workspace.parent.mkdir(parents=True, exist_ok=True)
        with _alone(workspace.with_name(f".{workspace.name}.lock")):
            if os.path.lexists(workspace):
                return _reuse(grant, image, launch, hub)
            with _downloaded(grant, launch, hub) as bundle:
                _create(bundle, grant, image)
            return ""


def _reuse(grant: Grant, image: Image, launch: Path, hub: Hub) -> str:
    workspace, content = grant.workspace, grant.content
    if not workspace.is_dir():
        raise Stop(
            Exit.CONTENT,
            "content",
            f"{workspace} is in the way: it is not a directory. Rename it and launch again.",
        )
    git = Git(workspace, image.env)
    try:
        head = git("rev-parse", "--verify", "HEAD^{commit}").strip()
    except Stop:
        head = ""
    where = f"Reusing your workspace {workspace}"
    if head == content.commit:
        say("content", f"{where}.")
    elif not head:
        say("content", f"{where}: git cannot tell at which commit it is.")
    elif content.existing == UPDATE:
        with _downloaded(grant, launch, hub) as bundle:
            return _update(bundle, content, git)
    else:
        say("content", f"{where}: it is at commit {head[:12]}, not {content.commit[:12]}.")
    return ""


def _update(bundle: Path, content: Content, git: Git) -> str:
    wanted = content.commit[:12]
    private = os.umask(UMASK)
    try:
        forward(bundle, content, git)
    except Impossible as impossible:
        notice = f"Your workspace was not updated to {wanted} and is as you left it: {impossible}"
        say("content", notice)
        return notice
    finally:
        os.umask(private)
    say("content", f"Updated your workspace {git.directory} to commit {wanted}.")
    return ""


@contextmanager
def _downloaded(grant: Grant, launch: Path, hub: Hub) -> Iterator[Path]:
    """The hub's bundle of the commit, for as long as it is needed."""
    bundle = launch / "content.bundle"
    say("content", f"Downloading commit {grant.content.commit[:12]} from the hub.")
    try:
        with bundle.open("wb") as file:
            hub.download(grant.content.url, file, f"Bearer {grant.token}")
        yield bundle
    finally:
        bundle.unlink(missing_ok=True)


def _create(bundle: Path, grant: Grant, image: Image) -> None:
    """Complete beside the workspace's place, then renamed into it: a crash leaves nothing half."""
    workspace = grant.workspace
    partial = workspace.with_name(f".{workspace.name}.partial")
    if partial.exists():
        from shutil import rmtree

        rmtree(partial)
    say("content", f"Making your workspace {workspace}.")
    private = os.umask(UMASK)
    try:
        partial.mkdir()
        unpack(bundle, grant.content, Git(partial, image.env))
        generated.place(image, partial)
    finally:
        os.umask(private)
    partial.rename(workspace)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Keep other launches into the same workspace waiting, on whichever node they are.

    The file stays: another launch may already wait for it by its name.
    """
    with lock.open("ab") as file:
        patiently(lambda: _take(file.fileno()), "content", LOCK_PATIENCE, Exit.CONTENT)
        yield


def _take(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Transient("Another launch of yours is preparing this workspace.") from None
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK):
            raise
        say("content", "This file system has no locks: launch one server at a time here.")
