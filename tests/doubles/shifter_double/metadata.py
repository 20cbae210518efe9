"""`ID.squashfs` and `ID.meta` in imagePath (contract 5)."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .errors import DoubleError


@dataclass(frozen=True)
class ImageMetadata:
    """What the .meta file of an image says."""

    format: str = "squashfs"
    entry: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    workdir: str = ""
    env: dict[str, str] = field(default_factory=dict)
    user_acl: tuple[int, ...] = ()
    group_acl: tuple[int, ...] = ()
    user: str = ""

    def readable_by(self, uid: int, gids: Iterable[int]) -> bool:
        """Apply the ACLs, which count only when there are any (contract 4, ACL)."""
        if not self.user_acl and not self.group_acl:
            return True
        return uid in self.user_acl or not set(gids).isdisjoint(self.group_acl)


def read_metadata(image_path: Path, image_id: str) -> ImageMetadata:
    """Read imagePath/ID.meta."""
    try:
        text = (image_path / f"{image_id}.meta").read_text()
    except OSError as error:
        raise DoubleError("FAILED to find requested image.") from error
    return parse_metadata(text)


def parse_metadata(text: str) -> ImageMetadata:
    """Parse `KEY: value` lines; ENV repeats, lists are Python's repr."""
    values: dict[str, str] = {}
    env: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key == "ENV":
            name, _, setting = value.strip().partition("=")
            env[name] = setting
        else:
            values[key.strip()] = value.strip()
    return ImageMetadata(
        format=values.get("FORMAT", ""),
        entry=_words(values.get("ENTRY", "")),
        cmd=_words(values.get("CMD", "")),
        workdir=values.get("WORKDIR", ""),
        env=env,
        user_acl=_numbers(values.get("USERACL", "")),
        group_acl=_numbers(values.get("GROUPACL", "")),
        user=values.get("USER", ""),
    )


def format_metadata(meta: ImageMetadata) -> str:
    """Write the lines that parse_metadata reads."""
    lines = [f"FORMAT: {meta.format}"]
    for key, value in (
        ("ENTRY", repr(list(meta.entry)) if meta.entry else ""),
        ("CMD", repr(list(meta.cmd)) if meta.cmd else ""),
        ("WORKDIR", meta.workdir),
        ("USERACL", ",".join(map(str, meta.user_acl))),
        ("GROUPACL", ",".join(map(str, meta.group_acl))),
        ("USER", meta.user),
    ):
        if value:
            lines.append(f"{key}: {value}")
    lines += [f"ENV: {name}={value}" for name, value in meta.env.items()]
    return "\n".join(lines) + "\n"


def _words(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    value = ast.literal_eval(text)
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(",") if word.strip())
