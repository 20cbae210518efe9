"""Which recipes hold a password for a package index."""

from __future__ import annotations

from pathlib import Path

import pytest
from repos.forge import Forge

from hpcbinderhub.builds.indexes import PASSWORD, RECIPES, notice
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.spec import any_git


async def found(forge: Forge, cache: Path, name: str, text: str) -> list[str]:
    """What is found in a commit with this file."""
    commit = forge.commit(name, text)
    git = GitCache(cache, 20, Guard(private=["127.0.0.0/8"]))
    await git.fetch(any_git(forge.url, "main"), commit)
    return await git.files_with(forge.url, commit, PASSWORD, RECIPES)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "--index-url https://me:secret@pypi.example.org/simple\n"),
        ("binder/requirements.txt", "--extra-index-url=https://secret@pypi.example.org/simple\n"),
        ("requirements.txt", "-i https://secret@pypi.example.org/simple\n"),
        ("more/dev.txt", "tool @ git+https://me:secret@git.example.org/tool.git\n"),
        (
            "environment.yml",
            "- pip:\n  - --extra-index-url http://me:secret@10.0.0.1:8080/simple\n",
        ),
        ("Pipfile", '[[source]]\nurl = "https://me:secret@pypi.example.org/simple"\n'),
        ("pyproject.toml", '[[tool.uv.index]]\nurl = "https://me:secret@pypi.example.org"\n'),
        ("Dockerfile", "RUN pip install -i https://me:secret@pypi.example.org/simple tool\n"),
    ],
)
async def test_a_password_is_found(forge: Forge, tmp_path: Path, name: str, text: str) -> None:
    assert await found(forge, tmp_path, name, text) == [name]
    assert notice([name]).startswith(f"{name} holds a password of a package index")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "--index-url https://pypi.example.org:8080/simple/a@b\n"),
        ("requirements.txt", "--index-url https://me:${SECRET}@pypi.example.org/simple\n"),
        ("requirements.txt", "tool @ git+https://git@git.example.org/tool.git\n"),
        ("environment.yml", "channels: [https://conda.example.org/main]\n"),
        ("README.md", "Like https://me:secret@pypi.example.org/simple, but do not.\n"),
        ("data/table.csv", "https://me:secret@pypi.example.org/simple\n"),
    ],
)
async def test_what_holds_none_is_left_alone(
    forge: Forge, tmp_path: Path, name: str, text: str
) -> None:
    assert await found(forge, tmp_path, name, text) == []
