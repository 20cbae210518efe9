"""Hands a credential to Git without showing it to anybody.

Arguments are there for every account of a host to read, and an environment is handed on to whatever
is started. A pipe has neither fault: Git asks a helper, the helper empties the pipe, and nothing is
left to be read. The helper is set for one host, so Git asks it for no other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from ..credentials.store import Credential


@contextmanager
def handed_over(credential: Credential, url: str) -> Iterator[tuple[str, int]]:
    """A setting for one Git command that talks to `url`, and the pipe that it must inherit."""
    reading, writing = os.pipe()
    try:
        with open(writing, "w") as pipe:
            pipe.write(f"username={credential.user_name}\npassword={credential.token}\n")
        parts = urlsplit(url)
        # Git also offers what it used to its helpers, to be kept or forgotten; only `get` is meant.
        helper = f'!given() {{ test "$1" != get || cat /dev/fd/{reading}; }}; given'
        yield f"credential.{parts.scheme}://{parts.netloc}.helper={helper}", reading
    finally:
        os.close(reading)
