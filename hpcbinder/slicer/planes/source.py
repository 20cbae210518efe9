"""What is asked of a reader of one data set; `reading/` has the real one, tests one in memory."""

from __future__ import annotations

from typing import Any, Protocol, Union

import numpy as np

from ..work import Work

Array = np.ndarray[Any, Any]
Key = tuple[Union[int, slice], ...]


class Source(Protocol):
    """Reads parts of one data set, exactly, in native byte order."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored."""
        ...

    @property
    def chunks(self) -> tuple[int, ...] | None: ...

    @property
    def verified(self) -> bool:
        """False while a writer may still be changing what nothing would show to be changed."""
        ...

    def read(self, key: Key, work: Work) -> Array:
        """Slices have positive steps. What is returned may be shared: nobody writes into it. Its
        memory has been claimed from `work`; whoever goes on without it gives that back."""
        ...

    def etag(self, key: Key) -> str:
        """Changes whenever anything that `key` touches may have changed."""
        ...
