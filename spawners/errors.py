"""Our errors, as JupyterHub shows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jupyterhub.spawner import SpawnException

from hpcbinderhub.errors import Unavailable, UserError


@contextmanager
def refusing() -> Iterator[None]:
    """Turn the library's errors into JupyterHub's, text and all."""
    try:
        yield
    except UserError as error:
        raise _refusal(error.as_text(), "refused", error.status) from error
    except Unavailable as error:
        text = f"The cluster cannot be reached at the moment.\nTry again in a minute.\n{error}"
        raise _refusal(text, "unavailable", 424) from error


def _refusal(text: str, reason: str, status: int) -> SpawnException:
    refusal = SpawnException(text, reason=reason, status_code=status)
    # What the hub's progress stream shows; without it, that would be the exception's own name too.
    refusal.jupyterhub_message = text
    return refusal
