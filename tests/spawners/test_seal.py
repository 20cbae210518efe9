"""What of a server lies in the hub's database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jupyterhub import orm

from hpcbinderhub.credentials.keyring import add_key

from .rig import Rig, eventually


def stored(rig: Rig) -> str:
    """All states of servers, as a copy of the database holds them."""
    rig.db.expire_all()
    return json.dumps([one.state for one in rig.db.query(orm.Spawner)])


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The file that the site names."""
    path = tmp_path / "keys"
    add_key(path)
    return path


def replace(keys: Path) -> None:
    """Take the old key out, and put another in."""
    keys.unlink()
    add_key(keys)


async def test_a_copy_of_the_database_opens_no_server(rig: Rig, keys: Path) -> None:
    rig.configure(credential_keys_file=str(keys))
    job = await rig.ready("alice")
    token = rig.spawner().handed_out_token
    assert job in stored(rig)
    assert token not in stored(rig)
    assert "PRIVATE KEY" not in stored(rig)
    # What JupyterHub's API shows to admins is the same.
    assert token not in json.dumps(rig.chooser().get_state())

    add_key(keys)
    await rig.restart()
    assert await rig.chooser().poll() is None
    assert rig.spawner().handed_out_token == token
    assert await rig.spawner().get_url()


async def test_without_keys_it_is_kept_as_it_is(rig: Rig) -> None:
    await rig.ready("alice")
    assert rig.spawner().handed_out_token in stored(rig)


async def test_a_key_that_is_lost_costs_the_way_to_the_server_and_no_job(
    rig: Rig, keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rig.configure(credential_keys_file=str(keys))
    job = await rig.ready("alice")
    replace(keys)
    await rig.restart()
    await eventually(lambda: rig.chooser() and rig.facility.watcher.job(job, "alice"))
    assert f"No key opens what is kept of job {job}" in caplog.text
    assert await rig.chooser().poll() is None
    await rig.user("alice").stop("lab")
    assert rig.slurm.rows[job]["state"] == "CANCELLED"
