"""Artefacts for a store that their builder does not mount, as the account that owns the store.

A file comes in pieces under a temporary name, each at its place, so that any may come again and a
transfer goes on where a connection broke. It gets its name when it is whole, is the right one, and
is on disk.
"""

import base64
import glob
import hashlib
import os
import re
from typing import Any, Dict, List

from .basics import Refused, Request, send
from .leftovers import remove_leftovers
from .readers import make_readers_folder

PREFIX = ".partial-sent-"
HASHED_BYTES = 256 << 20
OPEN_MODE, CLOSED_MODE = 0o644, 0o640
NOTES = ("json", "cdx.json", "sig")


def begin(request: Request) -> Dict[str, Any]:
    """How much of an artefact is there, and whether that is all."""
    folder = folder_of(request)
    if request["reader"] is not None:
        make_readers_folder(folder, request["reader"])
    remove_leftovers(str(request["store"]))
    if os.path.exists(named(request, "squashfs")):
        return {"size": 0, "whole": True}
    try:
        return {"size": os.stat(partial(request)).st_size, "whole": False}
    except FileNotFoundError:
        return {"size": 0, "whole": False}


def piece(request: Request) -> Dict[str, Any]:
    """Take in one piece."""
    data = base64.b64decode(request["data"])
    handle = os.open(partial(request), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with open(handle, "wb") as file:
        file.seek(request["offset"])
        file.write(data)
    return {}


def finish(request: Request) -> Dict[str, Any]:
    """Give an artefact its name, if it is the right one."""
    if os.path.exists(named(request, "squashfs")):
        return {}
    with open(partial(request), "rb+") as file:
        if hashed(request, file) != request["artefact"]:
            os.unlink(partial(request))
            raise Refused("damaged", "What came is not what was sent.")
        file.flush()
        os.fchmod(file.fileno(), mode(request))
        os.fsync(file.fileno())
    for ending, text in request["beside"].items():
        write_beside(request, ending, text)
    os.rename(partial(request), named(request, "squashfs"))
    sync(folder_of(request))
    return {}


def write_beside(request: Request, ending: str, text: str) -> None:
    beside = "%s.%s" % (partial(request), checked_ending(ending))
    with open(beside, "w") as note:
        os.fchmod(note.fileno(), mode(request))
        note.write(text)
        note.flush()
        os.fsync(note.fileno())
    os.rename(beside, named(request, ending))


def remove(request: Request) -> Dict[str, Any]:
    """Remove an artefact, whoever may read it; one that is gone is no error."""
    for folder in all_folders(request):
        for ending in ("squashfs",) + NOTES:
            path = os.path.join(folder, "%s.%s" % (checked_name(request), ending))
            if os.path.lexists(path):
                os.unlink(path)
    return {}


def tidy(request: Request) -> Dict[str, Any]:
    """Remove what was left of conversions, imports and transfers that were killed."""
    remove_leftovers(str(request["store"]))
    return {}


def room(request: Request) -> Dict[str, Any]:
    """The space that is left."""
    system = os.statvfs(request["store"])
    return {"free": system.f_bavail * system.f_frsize}


def folder_of(request: Request) -> str:
    store = str(request["store"])
    if request["reader"] is None:
        return store
    return os.path.join(store, "readers", str(int(request["reader"])))


def all_folders(request: Request) -> List[str]:
    return [request["store"], *glob.glob(os.path.join(request["store"], "readers", "*"))]


def checked_name(request: Request) -> str:
    if not re.match(r"[0-9a-f]{64}\Z", request["artefact"]):
        raise Refused("name", "%r is no artefact's name." % request["artefact"])
    return str(request["artefact"])


def checked_ending(ending: str) -> str:
    if ending not in NOTES:
        raise Refused("name", "%r is not what lies beside an artefact." % ending)
    return ending


def named(request: Request, ending: str) -> str:
    return os.path.join(folder_of(request), "%s.%s" % (checked_name(request), ending))


def partial(request: Request) -> str:
    return os.path.join(folder_of(request), PREFIX + checked_name(request))


def mode(request: Request) -> int:
    return OPEN_MODE if request["reader"] is None else CLOSED_MODE


def hashed(request: Request, file: Any) -> str:
    """The hash of a file. A piece without data from time to time says that it goes on."""
    sha256 = hashlib.sha256()
    since = 0
    for block in iter(lambda: file.read(1 << 20), b""):
        sha256.update(block)
        since += len(block)
        if since >= HASHED_BYTES:
            since = 0
            send(request, b"")
    return sha256.hexdigest()


def sync(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
