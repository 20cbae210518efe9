"""Our errors, as JupyterHub shows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tornado import web

from hpcbinderhub.errors import Unavailable, UserError


class SpawnRefused(web.HTTPError):
    """A start that did not work, with the sentence that JupyterHub puts on its page.

    A status below 500 keeps a user's mistake from counting as a defect of the hub.
    """

    def __init__(self, status: int, text: str):
        super().__init__(min(status, 499), log_message=text.replace("%", "%%"))
        self.jupyterhub_message = text


@contextmanager
def refusing() -> Iterator[None]:
    """Turn the library's errors into JupyterHub's."""
    try:
        yield
    except UserError as error:
        raise SpawnRefused(error.status, str(error)) from error
    except Unavailable as error:
        raise SpawnRefused(
            424, f"The cluster cannot be reached at the moment ({error}). Try again in a minute."
        ) from error
