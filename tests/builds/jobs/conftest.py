"""A Slurm of the tests' own, and the service account whose jobs build on it."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from builds.jobs.agent_as import can_read_our_python
from builds.jobs.own_slurm import OwnSlurm, running


@pytest.fixture(scope="session")
def own_slurm() -> Iterator[OwnSlurm]:
    """One cluster for all tests, which leave no jobs behind."""
    with running() as made:
        yield made


@pytest.fixture(scope="session")
def service_account() -> str:
    """As root, `builder`; otherwise whoever runs the tests."""
    account = "builder" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    try:
        readable = can_read_our_python(account)
    except KeyError:
        pytest.skip(f"this host has no account {account!r}")
    if not readable:
        pytest.skip(f"the account {account!r} cannot read the Python of these tests")
    return account


@pytest.fixture
def shared(service_account: str) -> Iterator[Path]:
    """A folder of the service account's, as on storage that nodes share."""
    folder = Path(tempfile.mkdtemp(prefix="own-slurm-shared-"))
    shutil.chown(folder, service_account, pwd.getpwnam(service_account).pw_gid)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
