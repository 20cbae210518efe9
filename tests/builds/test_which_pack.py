"""The pack that is told from a listing is the one that repo2docker picks in a checkout."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from builds.commits import tree_of
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcbinderhub.builds.contentfree.files import Files, NotContentFree
from hpcbinderhub.builds.contentfree.packs import folder_of, pack_of
from hpcbinderhub.builds.detect import build_packs

NAMES = {
    "LegacyBinderDockerBuildPack": "refused",
    "DockerfilePack": "docker",
    "JuliaProjectTomlBuildPack": "julia",
    "JuliaRequireBuildPack": "julia",
    "NixBuildPack": "nix",
    "RBuildPack": "r",
    "UvPack": "uv",
    "CondaBuildPack": "conda",
    "PipfileBuildPack": "pipfile",
    "PythonBuildPack": "python",
}
FILES = (
    *("Dockerfile", "Project.toml", "JuliaProject.toml", "REQUIRE", "default.nix"),
    *("DESCRIPTION", "install.R", "environment.yml", "environment.yaml", "Pipfile", "Pipfile.lock"),
    *("requirements.txt", "runtime.txt", "setup.py", "apt.txt", "postBuild", "README.md"),
)
TEXTS = st.sampled_from(
    [
        *(
            b"",
            b"python-3.11\n",
            b"python-3",
            b"python-3.8",
            b"python-3.13.1",
            b"python-2024-01-01",
            b"r-2024-01-01",
        ),
        *(b"r-4.3-2024-01-01", b"r-4.3", b"julia-1.9", b"x", b"python-3.11-01-01", b"a--b"),
        b"FROM andrewosh/binder-base\n",
    ]
)
PYTHONS = {"3.11": "localhost/base-3.11:1", "3.13": "localhost/base-3.13:1"}
PIPFILES = ("Pipfile", "Pipfile.lock")
FOLDERS = ("", "binder/", ".binder/")
PATHS = st.sampled_from([folder + name for folder in FOLDERS for name in FILES])


@contextmanager
def checkout(commit: dict[str, bytes]) -> Iterator[None]:
    """Be in a folder with the commit's files."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in commit.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text)
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def picked(commit: dict[str, bytes]) -> str:
    """What repo2docker does; it refuses some."""
    logging.getLogger("repo2docker").setLevel(logging.CRITICAL)
    with checkout(commit):
        try:
            packs = (make(base_image="x:1") for make in build_packs(PYTHONS))
            found = next((pack for pack in packs if pack.detect()), None)
        except (RuntimeError, ValueError):
            return "refused"
    return NAMES[type(found).__name__] if found else "python"


def told(commit: dict[str, bytes]) -> str:
    """What the service says."""
    tree = tree_of(commit)
    try:
        return pack_of(Files(tree, commit), folder_of(tree), list(PYTHONS))
    except NotContentFree:
        return "refused"


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(PATHS, TEXTS, max_size=4))
def test_any_commit(commit: dict[str, bytes]) -> None:
    found = told(commit)
    if found == "refused" and any(path.endswith(PIPFILES) for path in commit):
        return  # Only a checkout tells which Python it names.
    assert found == picked(commit)


@pytest.mark.parametrize("name", FILES)
def test_each_file_alone(name: str) -> None:
    for folder in ("", "binder/"):
        commit = {folder + name: b"r-2024-01-01"}
        assert told(commit) == ("refused" if name in PIPFILES else picked(commit))
