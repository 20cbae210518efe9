"""The service's side of crews, without a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from crews.rig import Rig, running

from hpcbinderhub.crews import keeper
from hpcbinderhub.database import Database
from hpcbinderhub.launches.records import Launch


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """At work, and in a hurry."""
    monkeypatch.setattr(keeper, "LEAST_SECONDS", 0.01)
    monkeypatch.setattr(keeper, "SERVER_SECONDS", 0.05)
    database = Database(f"sqlite:///{tmp_path}/crews.sqlite")
    await asyncio.to_thread(database.upgrade)
    async with running(tmp_path, database) as made:
        yield made
    await database.close()


@pytest.fixture
async def launch(rig: Rig) -> Launch:
    """Alice's, whose server runs."""
    return await rig.launch()
