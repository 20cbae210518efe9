"""What HDF5 says of a damaged or hostile file, as a refusal in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import Refusal

# What h5py raises when HDF5 fails, or when it finds something that NumPy has no word for.
FAILURES = (
    AttributeError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)


@contextmanager
def in_words(what: str) -> Iterator[None]:
    """Whatever HDF5 fails with while it reads `what` becomes a `Refusal`."""
    try:
        yield
    except MemoryError:
        raise _too_large(what) from None
    except FAILURES as error:
        words = " ".join(str(part) for part in error.args) or type(error).__name__
        if "memory allocation failed" in words:
            raise _too_large(what) from None
        raise Refusal(
            422,
            f"{what} cannot be read. HDF5 says: {printable(words[:500])}.",
            "The file may be damaged, or still be being written.",
            "damaged",
        ) from None


def _too_large(what: str) -> Refusal:
    return Refusal(
        413,
        f"{what} needs more memory than may be taken for it.",
        "Ask for a smaller part. A damaged file can claim any size.",
        "memory",
    )


def printable(text: str) -> str:
    """Text from a file, without what a log or a page could stumble over."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)
