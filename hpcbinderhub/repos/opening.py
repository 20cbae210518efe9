"""The file that a link asks to open, however it says so."""

from __future__ import annotations

import re

# The addresses below which Jupyter's interfaces show one file.
_FILE_VIEW = re.compile(
    r"^/*(?:(?:lab(?:/workspaces/[^/]+)?|doc)/tree|tree|notebooks|edit)/+(?P<path>.+)$"
)


def file_to_open(labpath: str = "", filepath: str = "", urlpath: str = "") -> str:
    """The file in the repository that a link names.

    BinderHub's `urlpath` may name any address of the server. Only those that show a file are known
    before there is a server; its own clients append the others to the address that they get.
    """
    if labpath or filepath:
        return (labpath or filepath).strip("/")
    found = _FILE_VIEW.match(urlpath.partition("?")[0])
    return found["path"].rstrip("/") if found else ""
