"""The text of a repository's own Dockerfile, as it is given to the builder."""

from __future__ import annotations

import re
from collections.abc import Iterable


def with_build_arguments(dockerfile: str, names: Iterable[str]) -> str:
    """Declare build arguments in every stage of a Dockerfile.

    An argument is what reaches a build step as a variable and yet does not become part of the
    image; a variable of the Dockerfile's own goes before it.
    """
    declared = [f"ARG {name}" for name in names]
    escape = _escape_character(dockerfile)
    lines: list[str] = []
    continued = in_from = False
    for line in dockerfile.splitlines():
        lines.append(line)
        text = line.strip()
        if text.startswith("#") or (continued and not text):
            continue
        if not continued:
            in_from = bool(re.match(r"FROM\s", text, re.IGNORECASE))
        continued = text.endswith(escape)
        if in_from and not continued:
            lines += declared
            in_from = False
    return "\n".join(lines) + "\n"


def _escape_character(dockerfile: str) -> str:
    """The character that continues a line, which a directive at the very top may change."""
    for line in dockerfile.splitlines():
        directive = re.match(r"#\s*(\w+)\s*=\s*(\S+)\s*$", line.strip())
        if directive is None:
            break
        if directive[1].lower() == "escape":
            return directive[2]
    return "\\"
