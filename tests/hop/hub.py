"""A hub that does nothing but have one way opened: `python hub.py FOLDER`.

It reads an `Open` from standard input and says the port; a further line has it closed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hpcbinderhub.hop.folder import Folder
from hpcbinderhub.hop.keeper import Keeper
from hpcbinderhub.hop.messages import Open


async def main() -> None:
    """Live until standard input ends."""
    keeper = Keeper(Folder(Path(sys.argv[1])), starts=True)
    asked = Open.model_validate_json(sys.stdin.readline())
    print(await keeper.open(asked), flush=True)
    if await asyncio.to_thread(sys.stdin.readline):
        keeper.close(asked.name)
    await keeper.leave()


asyncio.run(main())
