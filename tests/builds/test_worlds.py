"""Which Python serves and which runs notebooks, in images of every kind; built and started."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builds.launched import launched

if TYPE_CHECKING:
    from conftest import Builder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DEBIAN = "FROM docker.io/library/debian:bookworm"
TOOLS = ["/srv/hpcbinder/env/bin/python3", "-I", "/srv/hpcbinder/env/bin/jupyterhub-singleuser"]
WHO = "import sys; print(*sys.version_info[:2], sys.executable)"
FALSE = json.dumps({"argv": ["false"], "display_name": "Poison", "language": "python"})


def notebook(kernel: str, language: str) -> str:
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel, "language": language}}
    return json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a user who has tried many things."""
    home = tmp_path / "home"
    trap = "open('/scratch/sprung', 'w')\n"
    for name, text in {
        "sitecustomize.py": trap,
        ".local/lib/python3.11/site-packages/usercustomize.py": trap,
        ".local/lib/python3.8/site-packages/usercustomize.py": trap,
        ".local/share/jupyter/kernels/python3/kernel.json": FALSE,
        ".local/share/jupyter/kernels/mine/kernel.json": FALSE,
        ".jupyter/jupyter_server_config.py": trap,
        ".bash_profile": "exit 1\n",
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home


def built(builder: Builder, files: dict[str, str], **more: Path) -> dict[str, Any]:
    """The artefact of a repository; `more` goes into it from this host."""
    context = builder.repository(files)
    for name, path in more.items():
        if path.is_dir():
            shutil.copytree(path, context / name, symlinks=True)
        else:
            shutil.copy(path, context / name)
    *lines, last = builder.build(context)
    assert last["phase"] == "built", (last, lines[-20:])
    artefact: dict[str, Any] = last["artefact"]
    return artefact


PROXIED = """\
def clock():
    return {"command": ["python3", "-m", "http.server", "--bind=127.0.0.1", "{port}"]}
"""
PYPROJECT = """\
[project]
name = "clockwork"
version = "1"
[project.entry-points.jupyter_serverproxy_servers]
clock = "clockwork:clock"
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[tool.setuptools]
py-modules = ["clockwork"]
"""


def test_extensions_of_the_requirements_are_those_of_the_server(
    builder: Builder, home: Path
) -> None:
    """A program behind jupyter-server-proxy is what RStudio is; it need not be R to show that."""
    files = {
        "binder/requirements.txt": "voila\nipympl\njupyter-server-proxy\n",
        "binder/postBuild": "#!/bin/sh\npip install --quiet --editable .\n",
        "pyproject.toml": PYPROJECT,
        "clockwork.py": PROXIED,
        "index.ipynb": notebook("conda-env-clock-py", "python"),
    }
    with launched(builder, built(builder, files), files, home) as server:
        assert server.record["world"]["server"] == ["/srv/hpcbinder/env/bin/jupyterhub-singleuser"]
        assert "index.ipynb asks for the kernel 'conda-env-clock-py'" in server.notice
        assert "clockwork.py" in server.get("clock/").text
        assert server.get("voila").status_code == 200
        assert server.get("lab/extensions/jupyter-matplotlib/package.json").status_code == 200
        assert list(server.kernels()) == ["python3"]
        assert "3 11 /srv/hpcbinder/env/bin/python" in server.run(WHO)
        server.run("import h5py; h5py.File('a.h5', 'w')['x'] = range(5)")
        assert server.get("hpcbinder/slicer/node?file=a.h5&path=/x").json()["shape"] == [5]
        # A kernel by a name that only a notebook knows.
        assert "3 11" in server.run(WHO, kernel="conda-env-clock-py")
        # What was installed as editable is what one edits.
        assert server.run("import clockwork; print(clockwork.__file__)").strip() == (
            "/scratch/workspace/clockwork.py"
        )
        assert "agg" in server.run(
            "import matplotlib; matplotlib.use('module://ipympl.backend_nbagg'); print('agg')"
        )
        assert not (server.workspace.parent / "sprung").exists()


def test_a_repository_that_needs_an_old_h5py_goes_without_the_slicer(
    builder: Builder, home: Path
) -> None:
    files = {"requirements.txt": "h5py==3.8.0\nnumpy<2\n"}
    artefact = built(builder, files)
    with launched(builder, artefact, files, home) as server:
        assert server.run("import h5py; print(h5py.__version__)").strip() == "3.8.0"
        assert server.get("lab").status_code == 200


def test_an_image_without_python_git_or_any_library_has_jupyterlab(
    builder: Builder, home: Path
) -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox, which needs no library, is not installed on this host")
    lines = ["FROM scratch", "COPY busybox /bin/sh", "ENV PATH=/bin:/usr/local/bin"]
    files = {"Dockerfile": "\n".join(lines), "README.md": "x"}
    artefact = built(builder, files, busybox=Path(busybox))
    with launched(builder, artefact, files, home) as server:
        assert server.record["world"]["server"] == TOOLS
        assert server.record["world"]["python"] is None
        assert "holds no Python" in server.notice
        assert server.kernels() == {}
        assert (server.workspace / "README.md").read_text() == "x"
        assert server.get("lab").status_code == 200
        assert not (server.workspace.parent / "sprung").exists()


def python_3_8() -> Path:
    """A Python 3.8 of this host's, which needs no more than the C library and OpenSSL."""
    found = sorted(Path.home().glob(".pyenv/versions/3.8*"))
    if not found:
        pytest.skip("this host has no Python 3.8 that could go into an image")
    return found[-1]


def test_an_old_python_runs_its_notebooks_beside_a_new_server(
    builder: Builder, home: Path, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    out = shutil.ignore_patterns("test", "*.a", "__pycache__", "*egress*")
    shutil.copytree(python_3_8(), python, symlinks=True, ignore=out)
    packages = "libssl3 libffi8 zlib1g libsqlite3-0 libbz2-1.0 liblzma5 libreadline8"
    lines = [
        DEBIAN,
        f"RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends {packages}",
        "COPY python /opt/python",
        "ENV LD_LIBRARY_PATH=/opt/python/lib PATH=/opt/python/bin:/usr/bin:/bin:/usr/local/bin",
        "RUN chmod -R a+rX /opt/python && python3.8 -m pip install --quiet tornado==5.1.1",
        "RUN ln -sf python3.8 /opt/python/bin/python3",
    ]
    files = {"Dockerfile": "\n".join(lines)}
    with launched(builder, built(builder, files, python=python), {"a.txt": ""}, home) as server:
        world = server.record["world"]
        assert (world["server"], world["python"]) == (TOOLS, "/opt/python/bin/python3")
        why = "its Python 3.8 is older than 3.9."
        assert f"Dask cannot be had in this environment: {why}" in server.notice
        assert list(server.kernels()) == ["python3"]
        assert "3 8 /opt/python/bin/python3" in server.run(WHO)
        assert server.run("import tornado; print(tornado.version)").strip() == "5.1.1"
        assert not (server.workspace.parent / "sprung").exists()


def test_a_dockerfile_s_own_jupyterlab_serves_with_its_extensions(
    builder: Builder, home: Path
) -> None:
    kernels = "/home/jo/.local/share/jupyter/kernels"
    lines = [
        DEBIAN,
        "RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends python3-venv git",
        "RUN python3 -m venv /opt/env && /opt/env/bin/pip install -q 'jupyterlab>=4' voila",
        "RUN useradd --create-home jo",
        "ENV HOME=/home/jo PATH=/home/jo/.local/bin:/opt/env/bin:/usr/bin:/bin",
        "COPY . /home/jo/work",
        "WORKDIR /home/jo/work",
        f"RUN mkdir -p {kernels}/python3 {kernels}/sas ~/models",
        f"RUN echo '{FALSE}' > {kernels}/python3/kernel.json",
        f"RUN echo '{FALSE.replace('python', 'sas')}' > {kernels}/sas/kernel.json",
        "RUN echo 1 > ~/models/weights && echo 2 > made-by-the-build",
        "USER jo",
    ]
    files = {"Dockerfile": "\n".join(lines), "README.md": "x"}
    with launched(builder, built(builder, files), files, home) as server:
        record = server.record
        assert record["world"]["server"] == ["/opt/env/bin/jupyterhub-singleuser"]
        assert record["world"]["lacks"] == {}
        assert record["repo_dir"] == "/srv/home/work"
        assert record["env"]["PATH"].startswith("/srv/home/.local/bin:/opt/env/bin:")
        assert (server.workspace / "made-by-the-build").read_text() == "2\n"
        assert (server.home / "models/weights").read_text() == "1\n"
        assert not (server.home / "work").exists()
        assert set(server.kernels()) == {"python3", "sas"}
        assert server.get("voila").status_code == 200
        assert server.get("hpcbinder/slicer/limits").status_code == 200
        assert "3 11 /opt/env/bin/python" in server.run(WHO)
        assert "fine" in server.run("import dask, distributed, hpcbinder; print('fine')")
        assert not (server.workspace.parent / "sprung").exists()
