"""Names inside a file: bytes there, text on the way to the browser and back.

HDF5 says that names are UTF-8, but keeps whatever it was given. An odd byte travels as a letter of
Unicode's private use area, because a browser can neither show nor send a lone surrogate.
"""

from __future__ import annotations

ODD = 0xF700


def written(raw: bytes) -> str:
    """A name as text that leads back to it."""
    text = raw.decode("utf-8", "surrogateescape")
    return "".join(
        chr(ord(letter) - 0xDC00 + ODD) if "\udc80" <= letter <= "\udcff" else letter
        for letter in text
    )


def shown(name: str) -> str:
    """The same for people."""
    return "".join("�" if _odd(letter) else letter for letter in name)


def spellings(name: str) -> tuple[bytes, ...]:
    """The bytes that a name may stand for, the likeliest first."""
    plain = name.encode("utf-8", "surrogateescape")
    if not any(map(_odd, name)):
        return (plain,)
    letters = "".join(chr(ord(each) - ODD + 0xDC00) if _odd(each) else each for each in name)
    return (plain, letters.encode("utf-8", "surrogateescape"))


def below(path: str, name: str) -> str:
    """The path of what a group holds."""
    return f"{path.rstrip('/')}/{name}"


def last(path: str) -> str:
    """A path's last name."""
    return path.rstrip("/").rpartition("/")[2]


def _odd(letter: str) -> bool:
    return ODD + 0x80 <= ord(letter) <= ODD + 0xFF
