"""What is to be seen in a container, with the engine itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hpcbinderhub.images.engines import Charliecloud, ContainerRun
from hpcbinderhub.site import Site
from hpcbinderhub.trust.reach import Reach
from hpcbinderhub.workspaces import Account, Places, places

pytestmark = pytest.mark.skipif(
    not (shutil.which("ch-run") and shutil.which("busybox")),
    reason="needs Charliecloud and busybox-static",
)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A system of one program, with an empty directory for the tests' own file system."""
    made = tmp_path / "image"
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp", tmp_path.parts[1]):
        (made / name).mkdir(parents=True, exist_ok=True)
    for name in ("hosts", "passwd", "group", "resolv.conf"):
        (made / "etc" / name).touch()
    shutil.copy(shutil.which("busybox") or "", made / "bin" / "busybox")
    return made


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    """alice's home and bob's, with a file in each."""
    for user in ("alice", "bob"):
        (tmp_path / "homes" / user).mkdir(parents=True)
        (tmp_path / "homes" / user / "thesis.txt").write_text(f"{user}'s thesis")
    return tmp_path / "homes"


def seen(image: Path, where: Places, reach: Reach, *command: str) -> str:
    """What a command in the container prints."""
    copies = [where.copy_of(path) for path in where.shown(reach)]
    for directory in (where.launch, where.workspace, *copies):
        Path(directory).mkdir(parents=True, exist_ok=True)
    run = ContainerRun(str(image), where, (), ("/bin/busybox", *command), reach)
    env = {"PATH": os.environ["PATH"], "USER": "alice", "HOME": str(where.real_home)}
    command_line = Charliecloud(Site()).command(run)
    done = subprocess.run(command_line, env=env, capture_output=True, text=True)
    return done.stdout + done.stderr


@pytest.mark.parametrize("root", ["{home}/hpcbinder", "{base}/workspaces/{user}"])
def test_a_home_is_seen_where_that_was_granted_and_nowhere_else(
    root: str, image: Path, homes: Path
) -> None:
    template = root.replace("{base}", str(homes.parent))
    alice = Account("alice", 0, str(homes / "alice"))
    where = places(template, alice, "0abc1234", "quickstart-123456")
    thesis = str(homes / "alice" / "thesis.txt")

    assert "No such file" in seen(image, where, Reach.CLOSED, "cat", thesis)
    assert seen(image, where, Reach.HOME, "cat", thesis) == "alice's thesis"
    seen(image, where, Reach.HOME, "touch", f"{homes}/alice/by-the-code")
    assert (homes / "alice" / "by-the-code").exists()
    for reach in Reach:
        assert "No such file" in seen(image, where, reach, "ls", str(homes / "bob"))
        assert seen(image, where, reach, "ls", str(where.workspace.parent)).split() == ["files"]


def test_one_launch_does_not_see_what_another_will_run(image: Path, homes: Path) -> None:
    alice = Account("alice", 0, str(homes / "alice"))
    trusted = places("{home}/hpcbinder", alice, "0abc1234", "trusted-123456")
    seen(image, trusted, Reach.HOME, "touch", f"{trusted.workspace}/run.py")
    strange = places("{home}/hpcbinder", alice, "0abc1235", "strange-123456")
    found = seen(image, strange, Reach.CLOSED, "find", str(strange.root), "-maxdepth", "2")
    assert sorted(line.removeprefix(str(strange.root)) for line in found.split()) == [
        "",
        "/launches",
        "/launches/0abc1235",
        "/workspaces",
        "/workspaces/strange-123456",
    ]
