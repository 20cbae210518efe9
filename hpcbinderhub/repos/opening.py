"""What a link asks to open, however it says so: a file of the repository, or an address of the
server, which is told from a file by the slash that it begins with."""

from __future__ import annotations

import re
from urllib.parse import quote

# The addresses below which Jupyter's interfaces show one file.
_FILE_VIEW = re.compile(
    r"^/*(?:(?:lab(?:/workspaces/[^/]+)?|doc)/tree|tree|notebooks|edit)/+(?P<path>.+)$"
)
# What opens anyway.
_LAB = re.compile(r"/+(?:lab|tree|lab/tree)?/*")
# Letters that keep their meaning in an address.
_OF_ADDRESSES = "/:@!$&'()*+,;=~%"


def what_to_open(labpath: str = "", filepath: str = "", urlpath: str = "") -> str:
    """The file in the repository that a link names, or the address of the server.

    BinderHub's `urlpath` may name any: `rstudio`, `voila/render/index.ipynb`. Its own clients
    append it to the address that they get.
    """
    if labpath or filepath:
        return (labpath or filepath).strip("/")
    path, mark, query = urlpath.partition("?")
    found = _FILE_VIEW.match(path)
    if found:
        return found["path"].rstrip("/")
    address = "/" + path.lstrip("/")
    if _LAB.fullmatch(address) or ".." in address.split("/") or "\\" in address:
        return ""
    return address + mark + query


def file_of(opened: str) -> str:
    """The file, if it is one."""
    return "" if opened.startswith("/") else opened


def server_address(opened: str) -> str:
    """Where the server leads to, below its own address."""
    if file_of(opened):
        return f"/lab/tree/{quote(opened)}"
    path, mark, query = opened.partition("?")
    return (quote(path, safe=_OF_ADDRESSES) or "/lab") + mark + query
