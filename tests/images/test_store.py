"""The artefact store, as other accounts of the host see it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcbinderhub.errors import NotAllowed, UserError
from hpcbinderhub.images import convert
from hpcbinderhub.images.engines import Charliecloud, Shifter
from hpcbinderhub.images.store import CLOSED_MODE, OPEN_MODE, artefact_file, make_folder
from hpcbinderhub.launches.options import LaunchOptions
from hpcbinderhub.launches.plan import Plan
from hpcbinderhub.profiles import Profile
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.members import Member
from hpcbinderhub.workspaces import Account, places

ALICE, BOB = 2001, 2002
DIGEST = "a" * 64


@pytest.fixture
def store() -> Iterator[Path]:
    """A store that every account of this host can reach."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def put(store: Path, reader: int | None) -> str:
    """Put an artefact into the store, as a builder with a careless umask does."""
    before = os.umask(0)
    try:
        make_folder(store, reader)
        path = Path(artefact_file(store, DIGEST, reader))
        path.write_text("squash")
        path.chmod(OPEN_MODE if reader is None else CLOSED_MODE)
    finally:
        os.umask(before)
    return str(path)


def may(account: int, *command: str) -> bool:
    """Whether a command works for an account."""
    become = ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups"]
    return subprocess.run([*become, *command], capture_output=True).returncode == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_readers_artefact_is_read_by_her_alone(store: Path) -> None:
    hers, everybodys = put(store, ALICE), put(store, None)
    assert may(ALICE, "cat", hers)
    assert not may(BOB, "cat", hers)
    assert not may(BOB, "ls", str(Path(hers).parent))
    assert not may(BOB, "ls", str(store / "readers"))
    for account in (ALICE, BOB):
        assert may(account, "cat", everybodys)
        assert not may(account, "touch", hers)
    # The service, which has yet another account, sees whether an artefact is there.
    assert may(BOB, "test", "-e", hers)


def test_making_a_folder_again_changes_nothing(store: Path) -> None:
    path = put(store, ALICE)
    rights = os.getxattr(Path(path).parent, "system.posix_acl_access")
    assert put(store, ALICE) == path
    assert os.getxattr(Path(path).parent, "system.posix_acl_access") == rights


def test_a_store_that_cannot_keep_readers_apart_says_so(store: Path) -> None:
    (store / "readers").write_text("in the way")
    with pytest.raises(UserError, match="for its reader alone"):
        make_folder(store, ALICE)


def test_unfinished_files_are_removed_wherever_they_are(store: Path) -> None:
    for folder in (make_folder(store, ALICE), make_folder(store, None)):
        for name in (".partial-here-1.squashfs", ".partial-there-1.squashfs"):
            (folder / name).write_text("")
    convert.remove_partial(store, "here")
    left = [path.name for path in store.rglob("*") if path.is_file()]
    assert left == [".partial-there-1.squashfs"] * 2


async def test_an_engine_runs_what_is_the_users_own(store: Path) -> None:
    engine = Charliecloud(Site(artefacts=str(store)))
    engine.check(private=True)
    assert (
        await engine.ensure("alice", DIGEST, ALICE) == f"{store}/readers/{ALICE}/{DIGEST}.squashfs"
    )
    assert await engine.ensure("alice", DIGEST, None) == f"{store}/{DIGEST}.squashfs"


def test_whose_artefact_is_run_is_not_for_the_request_to_say() -> None:
    account = Account("bob", BOB, "/home/bob")
    profile = Profile(name="p", title="P", partition="p")
    for private, reader in ((True, BOB), (False, None)):
        options = LaunchOptions(
            launch="0abc1234",
            profile="p",
            artefact=DIGEST,
            private=private,
            repo_url="https://git.example.org/x",
            ref="main",
            commit="b" * 40,
            spec="git/x/main",
            workspace="x",
        )
        where = places("{home}/x", account, options.launch, options.workspace)
        assert Plan(options, profile, Member(account, ()), where).reader == reader


def test_an_engine_with_one_store_for_all_runs_nothing_private() -> None:
    Shifter.check(private=False)
    with pytest.raises(NotAllowed, match="Shifter keeps no image for one user alone"):
        Shifter.check(private=True)
