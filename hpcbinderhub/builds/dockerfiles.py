"""The text of a repository's own Dockerfile, as it is given to the builder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping


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


def with_stages_for_images(dockerfile: str) -> str:
    """Make a stage of every other image that a Dockerfile copies from, for a builder that copies
    from stages alone."""
    copied, known = [], set()
    for name, rest in instructions(dockerfile):
        stage = re.search(r"\sAS\s+(\S+)\s*$", rest, re.IGNORECASE) if name == "FROM" else None
        if stage:
            known.add(stage[1].lower())
        found = re.match(r"(?:--\S+\s+)*?--from=(\S+)", rest) if name == "COPY" else None
        if found and not found[1].isdigit() and found[1].lower() not in known:
            copied.append(found[1])
    stages = {image: f"copied-{number}" for number, image in enumerate(dict.fromkeys(copied))}
    for image, stage_name in stages.items():
        dockerfile = dockerfile.replace(f"--from={image} ", f"--from={stage_name} ")
    added = "".join(f"FROM {image} AS {stage_name}\n" for image, stage_name in stages.items())
    # What comes before the first stage holds for all of them.
    return re.sub(r"(?im)^(?=\s*FROM\s)", lambda _: added, dockerfile, count=1)


def with_named_bases(dockerfile: str, arguments: Mapping[str, str]) -> str:
    """Write out what arguments say in FROM lines, for a builder that reads no ``${...}`` there."""
    values: dict[str, str] = {}
    for name, rest in instructions(dockerfile):
        if name != "ARG":
            break
        argument, _, value = rest.partition("=")
        values[argument] = arguments.get(argument, value.strip("\"'"))

    def named(line: re.Match[str]) -> str:
        return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda v: values.get(v[1] or v[2], v[0]), line[0])

    return re.sub(r"(?im)^\s*FROM\s.*$", named, dockerfile)


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Dockerfile with what follows them, on one line each."""
    escape, line = _escape_character(dockerfile), ""
    for part in dockerfile.splitlines():
        text = part.strip()
        if text.startswith("#") or not text:
            continue
        if text.endswith(escape):
            line += text[:-1]
            continue
        name, _, rest = (line + text).strip().partition(" ")
        yield name.upper(), rest.strip()
        line = ""


def _escape_character(dockerfile: str) -> str:
    """The character that continues a line, which a directive at the very top may change."""
    for line in dockerfile.splitlines():
        directive = re.match(r"#\s*(\w+)\s*=\s*(\S+)\s*$", line.strip())
        if directive is None:
            break
        if directive[1].lower() == "escape":
            return directive[2]
    return "\\"
