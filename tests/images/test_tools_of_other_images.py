"""What happens in an image that brings its own base, as far as it can be seen without one."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from hpcbinderhub.images.base import recipe_folder

BUILD = "import sys; from setuptools.build_meta import build_editable as b; b(sys.argv[1])"
SETUP = "from setuptools import setup; setup(name='waves', version='1', packages=[%s], %s)"


@pytest.fixture(scope="module")
def add_tools() -> ModuleType:
    """The script that runs in such an image, as a module."""
    spec = importlib.util.spec_from_file_location("add_tools", recipe_folder() / "add-tools.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_python_says_what_it_is_and_has(add_tools: ModuleType) -> None:
    python = add_tools.Python(sys.executable)
    assert python.version == sys.version_info[:2]
    assert str(python.prefix) == sys.prefix
    assert python.found["pytest"]
    assert (python.packages / "pytest").is_dir()


def test_a_python_that_does_not_run_is_said(add_tools: ModuleType, tmp_path: Path) -> None:
    broken = tmp_path / "python3"
    broken.write_text("#!/bin/sh\necho 'no libpython' >&2\nexit 127\n")
    broken.chmod(0o755)
    assert str(add_tools.asked(str(broken))) == f"{broken} does not run: no libpython"
    assert str(add_tools.asked(None)) == add_tools.NO_PYTHON


def test_without_a_python_all_is_the_tools_own(add_tools: ModuleType, tmp_path: Path) -> None:
    kernels = tmp_path / ".local/share/jupyter"
    kernels.mkdir(parents=True)
    why = add_tools.asked(None)
    assert add_tools.make_world(why, why, tmp_path) == {
        "server": [
            "/srv/hpcbinder/env/bin/python3",
            "-I",
            "/srv/hpcbinder/env/bin/jupyterhub-singleuser",
        ],
        "python": None,
        "packages": None,
        "jupyter_path": [str(kernels)],
        "home": str(tmp_path),
        "lacks": {"kernel": add_tools.NO_PYTHON, "workers": add_tools.NO_PYTHON},
    }


@pytest.mark.parametrize(
    ("version", "asked_for"),
    [
        ("1.6.3", "1.6.3"),
        ("2.1.0+cu118", "2.1.0"),
        ("1.6.3+git20221103.a2a3328", "1.6.3"),
        ("1.0rc1.dev3", "1.0rc1.dev3"),
        ("0.9-ubuntu1", None),
        ("UNKNOWN", None),
    ],
)
def test_what_is_there_is_asked_for_as_an_index_has_it(
    add_tools: ModuleType, version: str, asked_for: str | None
) -> None:
    found = add_tools.VERSION.fullmatch(version)
    assert (found and found["public"]) == asked_for


@pytest.mark.parametrize(
    ("found", "serves"),
    [
        ({"jupyterlab": "4.0.0", "jupyter-server": "2.1"}, True),
        ({"jupyterlab": "10.1rc1", "jupyter-server": "3"}, True),
        ({"jupyterlab": "3.6.9", "jupyter-server": "2.1"}, False),
        ({"jupyterlab": "4.4", "jupyter-server": "1.24"}, False),
        ({"jupyterlab": "4.4"}, False),
        ({"jupyterlab": "unknown", "jupyter-server": "2"}, False),
        ({}, False),
    ],
)
def test_an_environment_serves_itself_if_it_is_new_enough(
    add_tools: ModuleType, found: dict[str, str], serves: bool
) -> None:
    assert add_tools.brings_server(found) is serves


def test_the_python_of_notebooks_is_the_first_on_the_path(
    add_tools: ModuleType, tmp_path: Path
) -> None:
    for name in ("a/python", "b/python3", "env/bin/python", "kernel/bin/python"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    path = {"PATH": f"{tmp_path}/a:{tmp_path}/b"}
    python3 = f"{tmp_path}/b/python3"
    assert add_tools.find_pythons(path) == (python3, python3)
    conda = {**path, "NB_PYTHON_PREFIX": f"{tmp_path}/env"}
    assert add_tools.find_pythons(conda) == (python3, f"{tmp_path}/env/bin/python")
    two = {**conda, "KERNEL_PYTHON_PREFIX": f"{tmp_path}/kernel"}
    assert add_tools.find_pythons(two)[0] == f"{tmp_path}/kernel/bin/python"
    assert add_tools.find_pythons({"PATH": str(tmp_path)}) == (None, None)


def test_what_cannot_be_had_is_said_in_one_line(add_tools: ModuleType) -> None:
    words = """\
  × No solution found when resolving dependencies:
  ╰─▶ Because distributed>=2023.1.0 depends on tornado>=6.0.3 and you require
      tornado==5.1.1, we can conclude that your requirements are
      unsatisfiable.

      hint: Pre-releases are available for `tornado`
"""
    assert add_tools.explanation(words) == (
        "Because distributed>=2023.1.0 depends on tornado>=6.0.3 and you require tornado==5.1.1, "
        "we can conclude that your requirements are unsatisfiable."
    )
    other = "error: No solution found\n  cause: Because a depends on b,\n         we cannot.\n"
    assert add_tools.explanation(other) == "Because a depends on b, we cannot."
    assert add_tools.explanation("error: something else\n") == "error: something else"


def imported(tmp_path: Path, project: Path, workspace: Path | None) -> str:
    """Where a package comes from that was installed from `project` as editable."""
    subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path)], cwd=project, check=True, capture_output=True
    )
    site = tmp_path / "site"
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    hook = (recipe_folder() / "workspace_paths.py").read_text()
    (site / "_hpcbinder_workspace.py").write_text(hook)
    (site / "zz_hpcbinder.pth").write_text("import _hpcbinder_workspace\n")
    variables = {"HPCBINDER_REPO": str(project), "HPCBINDER_WORKSPACE": str(workspace or "")}
    code = f"import site; site.addsitedir({str(site)!r}); import waves; print(waves.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("package", "options"),
    [
        ("waves", ""),
        ("src/waves", "package_dir={'': 'src'}"),
        # Setuptools leaves a finder where names and folders differ.
        ("code", "package_dir={'waves': 'code'}"),
    ],
)
def test_an_editable_install_leads_to_the_workspace(
    tmp_path: Path, package: str, options: str
) -> None:
    project, workspace = tmp_path / "repo", tmp_path / "workspace"
    for place in (project, workspace):
        (place / package).mkdir(parents=True)
        (place / package / "__init__.py").write_text("")
    (project / "setup.py").write_text(SETUP % ("'waves'", options))
    file = f"{package}/__init__.py"
    assert imported(tmp_path, project, workspace) == f"{workspace}/{file}"
    # What is not in the workspace, or not for a launch, is in the image.
    (workspace / file).unlink()
    (workspace / package).rmdir()
    (workspace / "src").is_dir() and (workspace / "src").rmdir()
    assert imported(tmp_path, project, workspace) == f"{project}/{file}"
    assert imported(tmp_path, project, None) == f"{project}/{file}"
