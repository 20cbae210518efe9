"""Tries matters at the same time, but each after those that it needs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from ..errors import Unavailable, UserError
from .finding import Finding, Looked, Matter, failed, skipped
from .ground import Ground

log = logging.getLogger(__name__)


async def look_at(matters: Sequence[Matter], ground: Ground) -> list[Looked]:
    """What was found, in the order of the matters. What is needed and not among them is taken to
    be well: the admin asked for no more."""
    tasks: dict[str, asyncio.Task[Looked]] = {}
    for matter in matters:
        needed = {name: tasks[name] for name in matter.needs if name in tasks}
        tasks[matter.name] = asyncio.create_task(_after(needed, matter, ground))
    return list(await asyncio.gather(*tasks.values()))


async def _after(
    needed: Mapping[str, asyncio.Task[Looked]], matter: Matter, ground: Ground
) -> Looked:
    before = await asyncio.gather(*needed.values())
    wrong = [looked.matter for looked in before if looked.failed or looked.held_up]
    if wrong:
        why = f"Not tried before this works: {', '.join(wrong)}."
        return Looked(matter.name, (skipped(matter.name, why),), held_up=True)
    if matter.applies and (why := matter.applies(ground)):
        return Looked(matter.name, (skipped(matter.name, why),))
    return Looked(matter.name, tuple(await _found(matter, ground)))


async def _found(matter: Matter, ground: Ground) -> list[Finding]:
    """All findings; one that takes too long or breaks the check is a finding as well, and leaves
    the others as they are."""
    found: list[Finding] = []
    try:
        async with asyncio.timeout(matter.seconds):
            async for finding in matter.look(ground):
                found.append(finding)
    except TimeoutError:
        found.append(
            failed(
                matter.name,
                f"There was no answer in {matter.seconds:.0f} s.",
                "Look whether the host or service that is asked hangs, and check again.",
            )
        )
    except UserError as error:
        found.append(failed(matter.name, _words(error.message, error.detail), error.advice))
    except Unavailable as error:
        advice = "See that it runs and can be reached from here, and check again."
        found.append(failed(matter.name, str(error), advice))
    except Exception as error:
        log.debug("The check “%s” broke", matter.name, exc_info=True)
        found.append(
            failed(
                matter.name,
                f"The check itself broke: {type(error).__name__}: {error}",
                "Please report this, with the file of `hpcbinderhub check --report FILE`.",
            )
        )
    return found


def _words(message: str, detail: str) -> str:
    return f"{message} ({detail})" if detail else message
