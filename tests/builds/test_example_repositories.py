"""Repositories in the shapes that people show each other, built and opened as they are."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from builds.conftest import make_base, site_options
from builds.outcomes import built, failed, paths

if TYPE_CHECKING:
    from conftest import Builder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LIBRARY = "srv/hpcbinder/env/lib/python3.11/site-packages"
NOTEBOOK = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
PACKAGE = """\
[project]
name = "shapes"
version = "1.5"
dependencies = ["tqdm==4.66.5"]
[project.optional-dependencies]
binder = ["toolz==0.12.1"]
docs = ["sphinx"]
[dependency-groups]
binder = ["locket==1.0.0"]
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[tool.setuptools]
packages = ["shapes"]
"""
SETUP = "from setuptools import setup\nsetup(name='shapes', version='2.0', py_modules=['shapes'])\n"

# Each has what the public example of that name has: its files, and how they say what is needed.
EXAMPLES: dict[str, tuple[dict[str, str], set[str]]] = {
    "requirements": (
        {
            "requirements.txt": "-r more.txt\npackaging==24.2\nsix==1.16.0\n",
            "more.txt": "tqdm<4.67\n",
        },
        {"packaging==24.2", "six==1.16.0", "tqdm==4.66.6"},
    ),
    "jupyterlab": (
        {
            "binder/requirements.txt": "traitlets>=4.3.1\nipython\nvdom\n",
            "binder/postBuild": "#!/bin/bash\njupyter labextension list 2>&1 | grep -q enabled\n",
            "requirements.txt": "nobody-reads-this==1\n",
        },
        {"vdom==0.6"},
    ),
    "apt_install": (
        {"apt.txt": "cowsay\n", "postBuild": "#!/bin/bash\n/usr/games/cowsay built > said\n"},
        set(),
    ),
    "getting-data": (
        {
            "requirements.txt": "tqdm==4.66.5",
            "postBuild": "set -e\nmkdir data\npython3 -c \"print('1,2')\" > data/table.csv\n",
        },
        {"tqdm==4.66.5"},
    ),
    "jupyter-extension": (
        {
            "requirements.txt": "ipywidgets==8.1.5\n",
            "index.ipynb": NOTEBOOK,
            "postBuild": "jupyter trust index.ipynb\npip install --quiet tqdm==4.66.5\n",
        },
        {"ipywidgets==8.1.5", "tqdm==4.66.5"},
    ),
    "start": (
        {"requirements.txt": "", "start": '#!/bin/bash\nexport GREETING=hello\nexec "$@"\n'},
        set(),
    ),
    "voila": ({"requirements.txt": "voila\nipywidgets\n", "index.ipynb": NOTEBOOK}, set()),
    "pipfile": (
        {
            "Pipfile": "[packages]\ntqdm = '==4.66.5'\n[dev-packages]\niniconfig = '*'\n"
            "[requires]\npython_version = '3.11'\n"
        },
        {"tqdm==4.66.5"},
    ),
    "setup.py": ({"setup.py": SETUP, "shapes.py": ""}, {"shapes==2.0"}),
    "package": (
        {"pyproject.toml": PACKAGE, "shapes/__init__.py": ""},
        {"shapes==1.5", "tqdm==4.66.5", "toolz==0.12.1", "locket==1.0.0"},
    ),
    "project without a backend": (
        {
            "pyproject.toml": "[project]\nname = 'x'\nversion = '1'\n"
            "dependencies = ['tqdm==4.66.5']\n"
        },
        {"tqdm==4.66.5"},
    ),
    "editable": (
        {"binder/requirements.txt": "-e .\n", "setup.py": SETUP, "shapes.py": ""},
        {"shapes==2.0"},
    ),
    "minimal-dockerfile": (
        {
            "Dockerfile": "FROM docker.io/library/debian:bookworm\n"
            "RUN apt-get -qq update && apt-get -qq install --yes python3 > /dev/null\n"
            "ARG NB_USER\nARG NB_UID\nENV HOME=/home/${NB_USER}\n"
            "RUN useradd --create-home --uid ${NB_UID} ${NB_USER}\n"
            "COPY . ${HOME}\nWORKDIR ${HOME}\nUSER ${NB_USER}\n",
            "index.ipynb": NOTEBOOK,
        },
        set(),
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_built_and_opens(builder: Builder, name: str) -> None:
    files, packages = EXAMPLES[name]
    event = built(builder.build(builder.repository(files)))
    assert packages <= set(event["packages"])
    opens(builder, event["artefact"])


def opens(builder: Builder, artefact: dict[str, Any]) -> None:
    """JupyterLab of an artefact starts and answers, in an engine that any account may run."""
    if shutil.which("ch-run") is None or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("Charliecloud cannot run a squashfs file on this host")
    engine = ["env", "USER=builder", "ch-run", "--home", artefact["path"], "--"]
    done = builder.run(*engine, "/srv/hpcbinder/bin/python3", "-I", "-c", OPEN)
    assert done.returncode == 0, done.stdout + done.stderr


OPEN = """
import json, os, subprocess, sys, tempfile, time, urllib.request
os.chdir(tempfile.mkdtemp())
os.environ.update(HOME=os.getcwd(), JUPYTER_RUNTIME_DIR=os.getcwd())
options = ["--no-browser", "--ip=127.0.0.1", "--ServerApp.token=t", "--ServerApp.root_dir=."]
server = subprocess.Popen([sys.executable, "-m", "jupyterlab", "--port=0", *options])
try:
    for _ in range(600):
        assert server.poll() is None, "it ended"
        found = [name for name in os.listdir(".") if name.endswith(".json")]
        if found:
            break
        time.sleep(0.1)
    url = json.load(open(found[0]))["url"]
    with urllib.request.urlopen(url + "lab?token=t") as page:
        assert b"JupyterLab" in page.read()
finally:
    server.kill()
"""


UV_LOCK = """\
version = 1
revision = 3
requires-python = ">=3.9"

[[package]]
name = "locked"
version = "1.0"
source = {{ virtual = "." }}
dependencies = [{{ name = "toolz" }}]

[package.metadata]
requires-dist = [{{ name = "toolz" }}]

[[package]]
name = "toolz"
version = "0.12.1"
source = {{ registry = "https://index.example.org/simple" }}
wheels = [
    {{ url = "https://index.example.org/packages/toolz-0.12.1-py3-none-any.whl", \
hash = "sha256:{digest}" }},
]
"""
PYLOCK = """\
lock-version = "1.0"
created-by = "test"
requires-python = ">=3.9"

[[packages]]
name = "toolz"
version = "0.12.1"
index = "https://index.example.org/simple"

[[packages.wheels]]
url = "https://index.example.org/packages/toolz-0.12.1-py3-none-any.whl"
hashes = {{ sha256 = "{digest}" }}
"""
PIPFILE_LOCK = """\
{{"_meta": {{"requires": {{"python_version": "3.11"}}, "sources": []}},
"default": {{"toolz": {{"version": "==0.12.1", "hashes": ["sha256:{digest}"]}}}}, "develop": {{}}}}
"""
PROJECT = "[project]\nname = 'locked'\nversion = '1.0'\nrequires-python = '>=3.9'\n"
TOOLZ = "d22731364c07d72eea0a0ad45bafb2c2937ab6fd38a3507bf55eae8744aa7d85"
LOCKS = {
    "uv.lock": {"uv.lock": UV_LOCK, "pyproject.toml": PROJECT + "dependencies = ['toolz']\n"},
    "pylock.toml": {"pylock.toml": PYLOCK},
    "Pipfile.lock": {"Pipfile.lock": PIPFILE_LOCK},
}


def with_hash(name: str, digest: str) -> dict[str, str]:
    """The files of a repository whose lock says that toolz 0.12.1 has a certain hash."""
    lock = LOCKS[name]
    return {**lock, name: lock[name].format(digest=digest)}


def mirror() -> dict[str, Any]:
    """As if this host's index were one's that nobody can reach."""
    ours = site_options()["environment"]
    return {"environment": {**ours, "HPCBINDER_INDEX_STANDS_FOR": "index.example.org"}}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_followed_exactly(builder: Builder, name: str) -> None:
    event = built(builder.build(builder.repository(with_hash(name, TOOLZ)), **mirror()))
    # Newer ones would do for the tools, which need it too.
    assert "toolz==0.12.1" in event["packages"]


@pytest.mark.parametrize("name", LOCKS)
def test_a_file_that_is_not_the_locked_one_is_not_installed(builder: Builder, name: str) -> None:
    event = failed(
        builder.build(builder.repository(with_hash(name, "0" * 64)), **mirror()), "hash-mismatch"
    )
    assert "toolz==0.12.1" in event["message"]


def test_a_lock_that_the_tools_cannot_live_with_names_both_sides(builder: Builder) -> None:
    lock = {"default": {"tornado": {"version": "==6.0.4"}}}
    context = builder.repository({"Pipfile.lock": json.dumps(lock)})
    event = failed(builder.build(context), "tools-conflict")
    assert "requires tornado==6.0.4" in event["message"]
    assert "needs tornado>=6" in event["message"]


def test_a_day_pins_the_index(builder: Builder) -> None:
    files = {"requirements.txt": "toolz\ntqdm\n", "runtime.txt": "python-3.11-2024-01-10"}
    packages = built(builder.build(builder.repository(files)))["packages"]
    assert {"toolz==0.12.0", "tqdm==4.66.1"} <= set(packages)


def test_what_the_tools_share_gives_way_to_them_unless_it_is_named(builder: Builder) -> None:
    # Of that day are versions of requests' dependencies, which nobody asked for by name.
    files = {"requirements.txt": "nbformat\n", "runtime.txt": "python-3.11-2022-06-01"}
    packages = built(builder.build(builder.repository(files)))["packages"]
    assert "nbformat==5.4.0" in packages


def test_a_python_that_the_site_does_not_have_is_refused(builder: Builder) -> None:
    files = {"pyproject.toml": PROJECT.replace("3.9", "3.15") + "dependencies = ['tqdm']\n"}
    event = failed(builder.build(builder.repository(files)), "repository")
    assert "this site has Python 3.11." in event["message"]


def test_another_python_of_the_site_s(builder: Builder) -> None:
    trixie = "docker.io/library/debian:trixie"
    if trixie not in builder.buildah("images", "--format", "{{.Name}}:{{.Tag}}"):
        pytest.skip(f"{trixie} is not in {builder.folder}")
    other = make_base(builder, python="3.13", from_image=trixie)
    files = {"requirements.txt": "tqdm==4.66.5\n", "runtime.txt": "python-3.13"}
    event = built(builder.build(builder.repository(files), other_pythons={"3.13": other}))
    assert "tqdm==4.66.5" in event["packages"]
    packages = "srv/hpcbinder/env/lib/python3.13/site-packages"
    assert f"{packages}/tqdm/__pycache__/std.cpython-313.pyc" in paths(event["artefact"])
    opens(builder, event["artefact"])


def test_everything_is_byte_compiled(builder: Builder) -> None:
    files = {
        "requirements.txt": "tqdm==4.66.5\n",
        "setup.py": SETUP,
        "shapes.py": "",
        "postBuild": "/srv/hpcbinder/tools/uv pip install --quiet --no-cache iniconfig\n",
    }
    found = paths(built(builder.build(builder.repository(files)))["artefact"])
    sources = {path for path in found if path.startswith(LIBRARY) and path.endswith(".py")}
    compiled = {
        path.replace("/__pycache__/", "/").replace(".cpython-311.pyc", ".py")
        for path in found
        if path.endswith(".cpython-311.pyc")
    }
    assert {
        f"{LIBRARY}/{name}.py" for name in ("shapes", "tqdm/std", "iniconfig/__init__")
    } <= compiled
    # What is no Python of this version, or a template of some.
    assert len(sources - compiled) < 10, sorted(sources - compiled)
