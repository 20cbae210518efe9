"""Lock files as the requirement lines that the installer in the image gives to uv."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from images.installer import module

HASH = "a" * 64
OTHER = "b" * 64


@pytest.fixture(scope="module")
def locks() -> ModuleType:
    """The installer's part that reads them."""
    made = module("locks")
    made.STANDS_FOR |= {"index.example.org", "files.example.org"}
    return made


def pylock(packages: str, top: str = "") -> dict[str, object]:
    """A lock with some packages."""
    return tomllib.loads(f"lock-version = '1.0'\ncreated-by = 'test'\n{top}\n{packages}")


def wheel(url: str, digest: str = HASH) -> str:
    """A wheel of a lock."""
    return f"{{ url = '{url}', hashes = {{ sha256 = '{digest}' }} }}"


def test_a_file_that_the_site_s_index_has_is_asked_for_by_version_and_hashes(
    locks: ModuleType,
) -> None:
    content = pylock(
        f"""
        [[packages]]
        name = "six"
        version = "1.17.0"
        index = "https://index.example.org/simple"
        sdist = {wheel("https://files.example.org/six-1.17.0.tar.gz", OTHER)}
        wheels = [{wheel("https://files.example.org/six-1.17.0-py2.py3-none-any.whl")}]
        """
    )
    (line,) = locks.pylock_lines(content, Path("/srv/repo"))
    assert line == f"six==1.17.0 --hash=sha256:{HASH} --hash=sha256:{OTHER}"
    assert locks.names([line]) == {"six"}


def test_a_file_of_another_index_is_named_by_its_address(locks: ModuleType) -> None:
    address = "https://wheels.example.org/cpu/torch-2.1.0-py3-none-any.whl"
    content = pylock(
        f"""
        [[packages]]
        name = "torch"
        version = "2.1.0"
        index = "https://wheels.example.org/cpu"
        wheels = [{wheel(address)}]
        """
    )
    (line,) = locks.pylock_lines(content, Path("/srv/repo"))
    assert line == f"torch @ {address} --hash=sha256:{HASH}"
    assert locks.names([line]) == {"torch"}


def test_what_is_for_another_system_is_left_out(locks: ModuleType) -> None:
    content = pylock(
        f"""
        [[packages]]
        name = "colorama"
        version = "0.4.6"
        marker = "sys_platform == 'win32'"
        wheels = [{wheel("https://files.example.org/colorama-0.4.6-py3-none-any.whl")}]
        """
    )
    assert locks.pylock_lines(content, Path("/srv/repo")) == []


def test_groups_that_are_default_or_for_notebooks_are_taken(locks: ModuleType) -> None:
    def package(name: str, marker: str) -> str:
        address = f"https://files.example.org/{name}-1-py3-none-any.whl"
        return (
            f"[[packages]]\nname = '{name}'\nversion = '1'\nmarker = \"{marker}\"\n"
            f"wheels = [{wheel(address)}]\n"
        )

    content = pylock(
        package("a", "'dev' in dependency_groups")
        + package("b", "'test' in dependency_groups")
        + package("c", "'binder' in dependency_groups")
        + package("d", "'binder' in extras")
        + package("e", "'docs' in extras"),
        "dependency-groups = ['dev', 'test', 'binder']\ndefault-groups = ['dev']\n"
        "extras = ['binder', 'docs']",
    )
    assert locks.names(locks.pylock_lines(content, Path("/srv/repo"))) == {"a", "c", "d"}


def test_the_repository_and_git_are_sources_too(locks: ModuleType) -> None:
    content = pylock(
        """
        [[packages]]
        name = "mine"
        directory = { path = "." }
        [[packages]]
        name = "theirs"
        vcs = { type = "git", url = "https://example.org/a.git", commit-id = "c0ffee" }
        """
    )
    assert locks.pylock_lines(content, Path("/srv/repo")) == [
        "mine @ file:///srv/repo",
        "theirs @ git+https://example.org/a.git@c0ffee",
    ]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"lock-version": "9.0", "created-by": "x", "packages": []},
        {"lock-version": "1.0", "created-by": "x", "packages": [], "requires-python": ">=9"},
        {"lock-version": "1.0", "created-by": "x", "packages": [{"name": "a"}]},
    ],
)
def test_a_lock_that_cannot_be_followed(locks: ModuleType, content: dict[str, object]) -> None:
    with pytest.raises(locks.BadLock):
        locks.pylock_lines(content, Path("/srv/repo"))


def test_a_pipfile_lock_with_all_its_sections(locks: ModuleType) -> None:
    content = json.loads(
        """
        {"_meta": {"sources": [
            {"name": "pypi", "url": "https://index.example.org/simple", "verify_ssl": true},
            {"name": "ours", "url": "https://pypi.example.org/simple", "verify_ssl": true}]},
         "default": {
            "numpy": {"version": "==1.26.4", "hashes": ["sha256:aa", "sha256:bb"], "index": "pypi"},
            "colorama": {"version": "==0.4.6", "markers": "sys_platform == 'win32'"},
            "requests": {"version": "==2.31.0", "extras": ["socks"], "hashes": ["sha256:cc"]},
            "tool": {"git": "https://example.org/tool.git", "ref": "c0ffee"}},
         "develop": {
            "numpy": {"version": "==1.26.4", "hashes": ["sha256:aa", "sha256:bb"], "index": "pypi"},
            "a1b2c3": {"path": ".", "editable": true}}}
        """
    )
    assert locks.pipfile_lock_lines(content, Path("/srv/repo")) == [
        "--extra-index-url https://pypi.example.org/simple",
        "numpy==1.26.4 --hash=sha256:aa --hash=sha256:bb",
        "requests[socks]==2.31.0 --hash=sha256:cc",
        "tool @ git+https://example.org/tool.git@c0ffee",
        "/srv/repo",
    ]


def test_a_pipfile_that_nobody_has_locked(locks: ModuleType) -> None:
    content = tomllib.loads(
        """
        [[source]]
        url = "https://index.example.org/simple"
        [packages]
        numpy = "*"
        pandas = ">=2,<3"
        pywin32 = { version = "*", sys_platform = "== 'win32'" }
        dask = { version = "==2024.1.0", extras = ["array", "distributed"] }
        [dev-packages]
        pytest = "*"
        """
    )
    assert locks.pipfile_lines(content, Path("/srv/repo")) == [
        "numpy",
        "pandas>=2,<3",
        "dask[array,distributed]==2024.1.0",
        "pytest",
    ]


def test_what_only_pipenv_could_fetch_is_said(locks: ModuleType) -> None:
    with pytest.raises(locks.BadLock, match="tool comes from hg"):
        locks.pipfile_lines({"packages": {"tool": {"hg": "https://example.org/t"}}}, Path("/"))
