"""A hub's spawners, for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from jupyterhub import orm, roles
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from .calls import Calls
from .rig import Node, Rig


@pytest.fixture
def hub_database() -> Iterator[Session]:
    """A hub's database, with what JupyterHub puts into each."""
    session = orm.new_session_factory("sqlite://", poolclass=StaticPool)()
    session.add(orm.OAuthClient(identifier="jupyterhub"))
    for role in roles.get_default_roles():
        roles.create_role(session, role)
    session.commit()
    yield session
    session.close()


@pytest.fixture
async def rig(hub_database: Session, tmp_path: Path) -> AsyncIterator[Rig]:
    """See the file."""
    node = Node(tmp_path)
    made = Rig(hub_database, node)
    yield made
    await made.close()
    node.close()


@pytest.fixture
async def calls(rig: Rig) -> AsyncIterator[Calls]:
    """See the class."""
    made = Calls(rig)
    yield made
    made.close()
