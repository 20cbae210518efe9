"""The folders and the walls between them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {"spawners", "services", "share", "jupyterhub_config", "benchmarks"}


def python_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module)
    return found


def test_nobody_imports_a_top_level_folder_by_its_name() -> None:
    files = python_files()
    assert len(files) > 50
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        for name in imports(path)
        if name.partition(".")[0] in TOP_LEVEL - {"benchmarks"}
    }
    assert not wrong


def test_the_walls_hold(tmp_path: Path) -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    # Not from the root: there, the folder `hpcbinderhub` would stand for the installed package.
    done = subprocess.run(
        [str(lint), "--config", str(ROOT / "pyproject.toml"), "--no-cache"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_spawners_and_services_are_parts_of_the_package() -> None:
    import hpcbinderhub.services.binder.app
    import hpcbinderhub.spawners

    assert hpcbinderhub.spawners.ProfileSpawner.__module__ == "hpcbinderhub.spawners.profile"
    assert hpcbinderhub.services.binder.app.__name__ == "hpcbinderhub.services.binder.app"


def test_batchspawners_own_callback_cannot_be_reached() -> None:
    import hpcbinderhub.spawners  # noqa: F401
    from jupyterhub.apihandlers import default_handlers

    assert not [path for path, *_ in default_handlers if "batchspawner" in path]


def test_the_reference_is_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "build.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
