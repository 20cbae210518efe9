"""The package from a wheel and from a strict editable install, each in a fresh environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LOOK = """
import sys
from importlib.metadata import distribution, entry_points
from pathlib import Path
import hpcbinderhub, hpcbinderhub.migrations
for name in ("spawners", "services"):
    path = Path(hpcbinderhub.__path__[0], name, "__init__.py")
    assert path.is_file(), path
steps = Path(hpcbinderhub.migrations.__file__).parent / "versions"
assert list(steps.glob("0001*.py"))
assert [e for e in entry_points(group="repo2docker.engines") if e.name == "buildah"]
print(hpcbinderhub.__path__[0])
"""

LOOK_FOR_DATA = """
import sys
from pathlib import Path
share = Path(sys.prefix, "share")
assert (share / "jupyterhub/templates/hpcbinderhub/launch.html").is_file()
assert (share / "jupyterhub/static/hpcbinderhub/launch.js").is_file()
assert (share / "hpcbinderhub/jupyterhub_config.d/10-site.py").is_file()
assert (share / "hpcbinderhub/base-image/Containerfile").is_file()
assert (share / "hpcbinderhub/base-image/install/__main__.py").is_file()
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what git tracks, so that nothing is built into the tree itself."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    )  # fmt: skip
    copy = tmp_path / "source"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    return copy


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("how", ["wheel", "editable"])
def test_an_install_has_all_its_parts(how: str, source: Path, tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    venv = tmp_path / "venv"
    # The dependencies are this environment's own; the package itself must come from the new one.
    run(uv, "venv", "--quiet", "--python", sys.executable, venv, cwd=tmp_path)
    pth = next((venv / "lib").glob("python*/site-packages")) / "dependencies.pth"
    options = ["--quiet", "--no-deps", "--python", venv / "bin/python"]
    if how == "wheel":
        run(uv, "build", "--quiet", "--wheel", "--out-dir", tmp_path / "dist", source, cwd=tmp_path)
        (wheel,) = (tmp_path / "dist").glob("*.whl")
        run(uv, "pip", "install", *options, wheel, cwd=tmp_path)
    else:
        strict = ["--config-settings", "editable_mode=strict"]
        run(uv, "pip", "install", *options, *strict, "--editable", source, cwd=tmp_path)
    site_packages = next(p for p in sys.path if p.endswith("site-packages"))
    pth.write_text(site_packages + "\n")
    found = run(venv / "bin/python", "-I", "-c", LOOK, cwd=tmp_path)
    if how == "wheel":  # setuptools installs no data for an editable install.
        run(venv / "bin/python", "-I", "-c", LOOK_FOR_DATA, cwd=tmp_path)
    assert found.startswith(str(venv if how == "wheel" else source))


def test_types(tmp_path: Path) -> None:
    mypy = Path(sys.executable).with_name("mypy")
    run(
        *(mypy, "--config-file", ROOT / "pyproject.toml", "--cache-dir", tmp_path / "cache"),
        *("--package", "hpcbinderhub"),
        cwd=tmp_path,
    )


def test_format_and_lint() -> None:
    ruff = Path(sys.executable).with_name("ruff")
    run(ruff, "format", "--check", "--no-cache", ".", cwd=ROOT)
    run(ruff, "check", "--no-cache", ".", cwd=ROOT)
