"""h5grove by itself, on Tornado, as its documentation serves it: `python grove.py FOLDER PORT`."""

from __future__ import annotations

import asyncio
import sys

from h5grove.tornado_utils import get_handlers
from tornado.web import Application


async def main() -> None:
    """Until it is ended."""
    folder, port = sys.argv[1:]
    Application(get_handlers(folder)).listen(int(port), "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
