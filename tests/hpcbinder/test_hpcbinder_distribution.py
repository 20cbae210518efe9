"""What is installed into images."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from compute_node import PROJECT

SOURCES = PROJECT / "hpcbinder"
LAB = "share/jupyter/labextensions/@hpcbinder/lab"


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_wheel_holds_the_modules_and_nothing_else(tmp_path: Path) -> None:
    project = tmp_path / "hpcbinder"
    shutil.copytree(SOURCES, project, ignore=shutil.ignore_patterns("node_modules"))
    for junk in ("build/junk.py", "lab/index.py", "lab/node_modules/x.js", "notes.txt"):
        (project / junk).parent.mkdir(parents=True, exist_ok=True)
        (project / junk).touch()
    build = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build, tmp_path], cwd=project, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("hpcbinder-*.whl")
    archive = zipfile.ZipFile(wheel)
    names = {name for name in archive.namelist() if ".dist-info/" not in name}
    data = {name for name in names if ".data/data/" in name}
    # Every folder with an `__init__.py` is a package; pyproject.toml has to name each.
    folders = {path.parent for path in SOURCES.rglob("__init__.py") if "build" not in path.parts}
    modules = {path for folder in folders for path in folder.glob("*.py")}
    modules -= {SOURCES / "setup.py"}
    assert names - data == {f"hpcbinder/{path.relative_to(SOURCES)}" for path in modules}
    installed = {name.partition(".data/data/")[2]: archive.read(name) for name in data}
    # Browsers keep what they load for a year: another content needs another address.
    described = json.loads(installed[f"{LAB}/package.json"])
    entry = described["jupyterlab"]["_build"]["load"]
    assert f"{LAB}/{entry}" in installed
    loaded = [name for name in installed if name.endswith(".js")]
    # What is for a JupyterLab that is built anew with it, no browser loads.
    loaded.remove(f"{LAB}/static/style.js")
    assert all(re.search(r"\.[0-9a-f]{16}\.js$", name) for name in loaded)
    extension = SOURCES / "lab" / "extension"
    assert set(installed) == {
        "etc/dask/hpcbinder.yaml",
        "etc/jupyter/labconfig/default_setting_overrides.json",
        "etc/jupyter/jupyter_server_config.d/hpcbinder.json",
        f"{LAB}/install.json",
        *(f"{LAB}/{path.relative_to(extension)}" for path in files_of(extension)),
    }
    (settings,) = (name for name in data if "/labconfig/" in name)
    # JupyterLab would ask everybody whether it may fetch news, on nodes without internet.
    (notification,) = json.loads(archive.read(settings)).values()
    assert notification == {"fetchNews": "false", "checkForUpdates": False}
    (metadata_name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
    metadata = archive.read(metadata_name).decode()
    assert re.findall(r"^Requires-Dist: (?!.*extra == )", metadata, re.MULTILINE) == []


def test_the_start_command_needs_the_standard_library_alone() -> None:
    names = {path.stem for path in SOURCES.glob("[a-z]*.py")} - {"kernelspecs", "setup"}
    names |= {"session", "session.terms"}
    modules = ", ".join(f"hpcbinder.{name}" for name in sorted(names))
    # -S: without site-packages.
    code = f"import sys; sys.path.append({str(PROJECT)!r}); import {modules}"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_nothing_of_the_hubs_side_is_imported() -> None:
    sources = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    assert not re.search(r"^\s*(from|import) hpcbinderhub", sources, re.MULTILINE)


def test_the_version_is_printed() -> None:
    command = [sys.executable, "-m", "hpcbinder", "--version"]
    printed = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True)
    assert re.fullmatch(r"hpcbinder \d+\.\d+\.\d+\n", printed.stdout)
