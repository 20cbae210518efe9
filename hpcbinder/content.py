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
from .filling import Filling
from .forward import Impossible, fetch, forward
from .git import Git, check_out, unpack
from .image import Image
from .parts import Source
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
    """See to it that the workspace is there and complete. The sentences are for its owner, if what
    she asked for was not to be had."""
    workspace = grant.workspace
    source = Source(grant, launch, hub)
    with storage("content", workspace):
        workspace.parent.mkdir(parents=True, exist_ok=True)
        with _alone(workspace.with_name(f".{workspace.name}.lock")):
            if os.path.lexists(workspace):
                return _reuse(grant, image, source)
            with source.bundle() as bundle:
                return _create(bundle, grant, image, source)


def _reuse(grant: Grant, image: Image, source: Source) -> str:
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
        with source.bundle() as bundle:
            return _update(bundle, content, git, source, head)
    else:
        say("content", f"{where}: it is at commit {head[:12]}, not {content.commit[:12]}.")
    return ""


def _update(bundle: Path, content: Content, git: Git, source: Source, head: str) -> str:
    wanted = content.commit[:12]
    private = os.umask(UMASK)
    try:
        refs = fetch(bundle, content, git)
        filling = Filling(source, git)
        filling.fill(lambda: forward(content, refs, git), since=head)
    except Impossible as impossible:
        notice = f"Your workspace was not updated to {wanted} and is as you left it: {impossible}"
        say("content", notice)
        return notice
    finally:
        os.umask(private)
    say("content", f"Updated your workspace {git.directory} to commit {wanted}.")
    return " ".join(filling.notices)


def _create(bundle: Path, grant: Grant, image: Image, source: Source) -> str:
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
        git = Git(partial, image.env)
        unpack(bundle, grant.content, git)
        filling = Filling(source, git)
        filling.fill(lambda: check_out(grant.content.commit, git))
        generated.place(image, partial)
    finally:
        os.umask(private)
    partial.rename(workspace)
    return " ".join(filling.notices)


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
