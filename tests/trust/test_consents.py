"""Consents, as they are kept."""

from __future__ import annotations

import asyncio

from hpcbinderhub.database import Database
from hpcbinderhub.trust.consents import Consents

TIDES = "https://git.example.org/stranger/tides"


async def test_a_consent_is_one_users_for_one_repository_until_it_is_withdrawn(
    database_url: str,
) -> None:
    database = Database(database_url)
    await asyncio.to_thread(database.upgrade)
    consents = Consents(database, clock=iter(range(100, 200)).__next__)
    # Two clicks at once are one consent.
    await asyncio.gather(consents.grant("alice", TIDES), consents.grant("alice", TIDES))
    await consents.grant("bob", TIDES)
    (hers,) = await consents.of_user("alice")
    assert (hers.repository, hers.granted in (100, 101)) == (TIDES, True)
    assert not await consents.withdraw("bob", hers.id)
    assert await consents.withdraw("alice", hers.id)
    assert not await consents.withdraw("alice", hers.id)
    assert await consents.of_user("alice") == []
    assert len(await consents.of_user("bob")) == 1
    await database.close()
