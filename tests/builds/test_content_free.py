"""Environments that are made from a few files: every line of those names something remote."""

from __future__ import annotations

import pytest
from builds.commits import ingredients, tree_of

from hpcbinderhub.builds.contentfree.decide import WholeTree, decide

REMOTE = [
    "numpy",
    "numpy==1.26.4",
    "numpy >= 1.20, < 2 # not yet",
    "dask[array,distributed]; python_version < '3.12'",
    "torch==2.1.0+cpu",
    "zope.interface~=5.0",
    "# a comment alone",
    "https://example.org/wheels/thing-1.0-py3-none-any.whl",
    "thing @ https://example.org/thing-1.0.tar.gz",
    "thing @ git+https://github.com/org/thing@main",
    "git+https://github.com/org/thing.git@v1.0#egg=thing&subdirectory=python",
    "--index-url https://pypi.example.org/simple",
    "--extra-index-url=https://download.pytorch.org/whl/cpu",
    "-i https://pypi.example.org",
    "--find-links https://example.org/wheels/",
    "--pre",
    "--no-binary :all:",
    "--only-binary=numpy,scipy",
    "numpy==1.26.4 --hash=sha256:0123abcd --hash=sha256:4567",
    "numpy==1.26.4 \\\n    --hash=sha256:0123abcd \\\n    --hash=sha256:4567\n    # via scipy",
]

NOT_KNOWN_TO_BE = [
    ".",
    "./package",
    "../package",
    "package/",
    "/srv/wheels/thing.whl",
    "thing.whl",
    "thing.zip",
    "thing-1.0.tar.gz",
    "Thing.TAR.GZ[extra]",
    "-e .",
    "-e git+https://github.com/org/thing#egg=thing",
    "--editable=.",
    "file:///srv/repo",
    "thing @ file:///srv/repo/thing",
    "thing @ ./thing",
    "thing @ thing-1.0.whl",
    "git+file:///srv/repo",
    "git+ssh://git@github.com/org/thing",
    "svn+https://example.org/thing",
    "--find-links wheels",
    "--find-links=file:///srv/repo/wheels",
    "-f ./wheels",
    "--index-url ./simple",
    "-i file:///srv/index",
    "--extra-index-url wheels",
    "${THING}",
    "https://${TOKEN}@example.org/thing.whl",
    "-r missing.txt",
    "-r https://example.org/requirements.txt",
    "-r /etc/requirements.txt",
    "-r ../outside.txt",
    "-r down/../requirements.txt",
    "-r pyproject.toml",
    "-rmore.txt",
    "--requirements more.txt",
    "--use-feature=fast-deps",
    "--config-settings x=y",
    "numpy -e .",
    "numpy; extra == 'a -e .'",
    "numpy === ./thing",
    "numpy #not a comment\\\nscipy",
    "num\\\npy",
    "numpy \\",
    "numpy \\ ",
    "numpy\rscipy",
    "numpy\x0cscipy",
    "numpy\u2028scipy",
    "\ufeffnumpy",
    "# -*- coding: utf-16 -*-\nnumpy",
    "numpy\u00a0",
    "--trusted-host",
    "version https://git-lfs.github.com/spec/v1",
    "num py",
]


@pytest.mark.parametrize("line", REMOTE)
def test_what_names_something_remote(line: str) -> None:
    text = f"{line}\n".encode()
    assert ingredients({"requirements.txt": text, "a.ipynb": b"{}"}) == {"requirements.txt": text}
    if not line.startswith("#") and "\n" not in line and "--hash" not in line:
        line = line.partition(" #")[0]
        text = f'dependencies: [python, {{pip: ["{line}"]}}]\n'.encode()
        expected = None if "#" in line else {"environment.yml": text}
        assert ingredients({"environment.yml": text}) == expected


@pytest.mark.parametrize("line", NOT_KNOWN_TO_BE)
def test_what_may_name_something_in_the_repository(line: str) -> None:
    assert ingredients({"requirements.txt": f"{line}\n".encode()}) is None
    assert ingredients({"requirements.txt": f"scipy\n{line}".encode()}) is None
    if line.isprintable():
        quoted = line.replace("\\", "\\\\").replace('"', '\\"')
        text = f'dependencies:\n- pip:\n  - "{quoted}"\n'.encode()
        assert ingredients({"environment.yml": text}) is None


def test_files_that_include_each_other_are_all_ingredients() -> None:
    commit = {
        "binder/requirements.txt": b"-r ../requirements/all.txt\n",
        "requirements/all.txt": b"numpy\n-c ./constraints.txt\n--requirement=dev/more.in\n",
        "requirements/constraints.txt": b"numpy<2\n-r all.txt\n",
        "requirements/dev/more.in": b"scipy\n",
    }
    others = {"requirements.txt": b"-e .\n", "requirements/other.txt": b"-e .\n"}
    assert ingredients(commit | others) == commit
    assert ingredients(commit | others | {"requirements/dev/more.in": b"./scipy\n"}) is None


def test_what_a_link_or_a_submodule_stands_for_is_not_known() -> None:
    commit = {"requirements.txt": b"-r more/all.txt\n"}
    for odd in ({"more/all.txt": "120000"}, {"more": "120000"}, {"more": "160000"}):
        assert ingredients(commit, odd) is None
    plain = {"requirements.txt": b"numpy\n"}
    assert ingredients(plain, {"data": "160000", "docs/a": "120000"}) == plain
    for odd in ({"binder": "120000"}, {".binder": "160000"}, {"apt.txt": "120000"}):
        assert ingredients(plain, odd) is None


def test_a_repository_without_environment_files_is_made_from_nothing() -> None:
    assert ingredients({"README.md": b"", "a.ipynb": b"{}", "data/b.csv": b"1"}) == {}


@pytest.mark.parametrize(
    "name",
    [
        *("postBuild", "start", "setup.py", "install.R", "DESCRIPTION", "Dockerfile"),
        *("uv.toml", "uv.lock", "pylock.toml", "Pipfile", "Pipfile.lock", "default.nix"),
        *("Project.toml", "REQUIRE", ".dockerignore", "poetry.lock", ".python-version"),
    ],
)
def test_what_may_use_any_file_of_the_repository(name: str) -> None:
    plain = {"requirements.txt": b"numpy\n"}
    assert ingredients(plain | {name: b""}) is None
    assert ingredients(plain | {f"docs/{name}": b""}) == plain
    assert ingredients(plain | {f"{name}/file": b""}) is None


def test_a_folder_of_environment_files_hides_what_is_outside() -> None:
    inside = {"binder/requirements.txt": b"numpy\n", "binder/apt.txt": b"gfortran # F\n"}
    outside = {"requirements.txt": b"-e .\n", "setup.py": b"", "postBuild": b"", "Dockerfile": b""}
    assert ingredients(inside | outside) == inside
    assert ingredients(inside | {".binder/apt.txt": b""}) is None
    # uv looks for its settings in the folder that it is started in.
    assert ingredients(inside | {"pyproject.toml": b"[project]\nname = 'x'\n"}) == inside
    assert ingredients(inside | {"pyproject.toml": b"[tool.uv]\nno-index = true\n"}) is None
    assert ingredients(inside | {"uv.toml": b""}) is None


@pytest.mark.parametrize(
    ("text", "free"),
    [
        (b"[tool.ruff]\nline-length = 99\n", True),
        (b"[project]\nname = 'x'\n", False),
        (b"[build-system]\nrequires = []\n", False),
        (b"[tool.uv]\n", False),
        (b"[tool.poetry]\nname = 'x'\n", False),
        (b"tool = 1\n", False),
        (b"[tool", False),
    ],
)
def test_a_pyproject_toml_that_is_only_for_other_tools(text: bytes, free: bool) -> None:
    commit = {"requirements.txt": b"numpy\n", "pyproject.toml": text}
    assert ingredients(commit) == (commit if free else None)


@pytest.mark.parametrize(
    ("name", "text", "free"),
    [
        ("apt.txt", b"gfortran\nlibfoo-dev=1.2-3 # why\n\n", True),
        ("apt.txt", b"./thing.deb\n", False),
        ("apt.txt", b"-o=x\n", False),
        ("apt.txt", b"a b\n", False),
        ("apt.txt", b"a; id\n", False),
        ("runtime.txt", b"python-3.11\n", True),
        ("runtime.txt", b"python-3.11-2024-01-01\n", True),
        ("runtime.txt", b"python-3.8\n", False),
        ("runtime.txt", b"r-4.3-2024-01-01\n", False),
        ("runtime.txt", b"python\n", False),
    ],
)
def test_the_other_files(name: str, text: bytes, free: bool) -> None:
    assert ingredients({name: text}) == ({name: text} if free else None)


def test_a_very_large_file_is_no_list_of_packages() -> None:
    commit = {"requirements.txt": b"numpy\n"}
    found = decide(tree_of(commit), {"requirements.txt": None}, ["3.11"])
    assert found == WholeTree("requirements.txt is too large for a list of packages")


CONDA = [
    (b"", False),
    (b"name: x\n", True),
    (b"name: x\nchannels:\n- conda-forge\ndependencies:\n- python=3.10\n- numpy\n", True),
    (b"channels: [conda-forge/label/dev, https://conda.example.org/x]\n", True),
    (b"dependencies: ['conda-forge::numpy >=1.2,<2', 'xarray=2024.*', pip]\n", True),
    (b"dependencies:\n- pip:\n  - numpy\n  - -r requirements.txt\n", True),
    (b"prefix: /home/me/conda\ndependencies: ['numpy=1.26.4=py310h5f9d8c6_0']\n", True),
    (b"channels: [./channel]\n", False),
    (b"channels: [/srv/channel]\n", False),
    (b"channels: [~/channel]\n", False),
    (b"channels: ['file:///srv/channel']\n", False),
    (b"channels: [local]\n", False),
    (b"channels: ['https://conda.example.org/../x']\n", False),
    (b"dependencies: [./numpy-1.conda]\n", False),
    (b"dependencies: [numpy-1.26.tar.bz2]\n", False),
    (b"dependencies: [numpy-1.26.conda]\n", False),
    (b"dependencies: ['local::numpy']\n", False),
    (b"dependencies: ['file:///srv/channel::numpy']\n", False),
    (b"dependencies: ['numpy[channel=/srv/x]']\n", False),
    (b"dependencies: [3.10]\n", False),
    (b"dependencies: {numpy: 1}\n", False),
    (b"dependencies:\n- npm:\n  - x\n", False),
    (b"dependencies:\n- pip: [numpy]\n- pip: [scipy]\n", False),
    (b"dependencies:\n- pip: 'numpy'\n", False),
    (b'dependencies:\n- pip: ["numpy\\n-e ."]\n', False),
    (b"dependencies:\n- pip:\n  - -r missing.txt\n", False),
    (b"dependencies: ['{{ name }}']\n", False),
    (b"dependencies: ['$NAME']\n", False),
    (b"variables: {PIP_FIND_LINKS: .}\n", False),
    (b"name: x\nname: y\n", False),
    (b"name: &a x\n", False),
    (b"name: !!str x\n", False),
    (b"<<: {name: x}\n", False),
    (b"---\nname: x\n---\nname: y\n", False),
    (b"- numpy\n", False),
    (b"{", False),
    (b"name: [x]\n", False),
]


@pytest.mark.parametrize(("text", "free"), CONDA)
def test_environment_yml(text: bytes, free: bool) -> None:
    commit = {"environment.yml": text}
    if b"-r requirements.txt" in text:
        commit["requirements.txt"] = b"scipy\n"
    assert ingredients(commit | {"a.py": b""}) == (commit if free else None)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", b" " * 900_000 + b"x"),
        ("requirements.txt", b"x" + b" --hash=sha256:ab" * 50_000 + b" y"),
        ("requirements.txt", b"-r " + b"a/" * 400_000),
        ("requirements.txt", b"x\\\n " * 200_000),
        ("environment.yml", b"dependencies:\n" + b"- a\n" * 200_000),
        ("environment.yml", b"a: " + b"[" * 90_000),
        ("environment.yml", b"- " * 45_000),
        ("environment.yml", b"".join(b" " * n + b"a:\n" for n in range(300))),
        ("environment.yml", b"a: &a [1]\n" + b"b: [*a, *a]\n" * 5000),
        ("pyproject.toml", b"a = " + b"[" * 90_000),
        ("apt.txt", b"a" * 900_000 + b" "),
    ],
)
def test_nothing_takes_long_to_be_looked_at(name: str, text: bytes) -> None:
    ingredients({name: text})
