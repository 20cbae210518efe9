"""Volume maps, `FROM:TO[:flag]...;...`, and the rules for users (contract 2, Volumes)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

USER_FLAGS = ("ro", "perNodeCache")
SITE_ONLY_FLAGS = ("rec", "slave", "private")
REFUSED_PREFIXES = ("/etc", "/var", "/opt/udiImage")
REFUSED_EXACTLY = ("/opt",)
ALLOWED_DESPITE_PREFIX = ("/var/tmp",)


class VolumeError(Exception):
    """A map that is refused; the code is the one Shifter prints behind it."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(f"Invalid Volume Map: {text}, aborting! {code}")


@dataclass(frozen=True)
class Volume:
    """One bind: a directory, where it appears, and how."""

    source: str
    target: str
    flags: tuple[str, ...] = field(default=())

    def has(self, flag: str) -> bool:
        """Whether a flag was given, with or without options of its own."""
        return any(given.partition("=")[0] == flag for given in self.flags)

    def __str__(self) -> str:
        return ":".join((self.source, self.target, *self.flags))


def parse_user_volumes(text: str) -> list[Volume]:
    """Parse what a user asked for and refuse what a user may not have."""
    return [_checked(_split(entry), entry) for entry in _entries(text)]


def parse_site_volumes(text: str) -> list[Volume]:
    """Parse `siteFs`; the site may leave TO out (contract 7) and mount anywhere."""
    return [_split(entry if ":" in entry else f"{entry}:{entry}") for entry in _entries(text)]


def volume_map(volumes: Iterable[Volume]) -> str:
    """Write volumes as shifterConfig.json has them: `a:b;c:d:ro`."""
    return ";".join(str(volume) for volume in volumes)


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(";") if entry.strip()]


def _split(entry: str) -> Volume:
    source, colon, rest = entry.partition(":")
    target, *flags = rest.split(":")
    if not colon:
        raise VolumeError(entry)
    return Volume(_clean(source), _clean(target), tuple(flag for flag in flags if flag))


def _clean(path: str) -> str:
    # Contract 2: other characters are dropped (the ':' of the contract's list is the separator).
    return re.sub(r"[^A-Za-z0-9_.+/-]", "", path)


def _checked(volume: Volume, entry: str) -> Volume:
    for path in (volume.source, volume.target):
        if not path.startswith("/") or ".." in path.split("/"):
            raise VolumeError(entry)
    # Contract 2: the prefix match is textual, so /etcetera is refused too.
    refused = volume.target.startswith(REFUSED_PREFIXES) or volume.target in REFUSED_EXACTLY
    if refused and volume.target not in ALLOWED_DESPITE_PREFIX:
        raise VolumeError(entry)
    for flag in volume.flags:
        name = flag.partition("=")[0]
        if name in SITE_ONLY_FLAGS:
            raise VolumeError(entry, 2)
        if name not in USER_FLAGS:
            raise VolumeError(entry)
    return volume
