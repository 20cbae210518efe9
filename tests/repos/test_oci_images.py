"""Images that are launched by their digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpcbinderhub.errors import UserError
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.oci_images import OciImages
from hpcbinderhub.repos.pasted import parse_pasted
from hpcbinderhub.repos.spec import RepoSpec, image, parse_link
from hpcbinderhub.workspaces import workspace_name

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
NAME = f"registry.example.org/science/ocean@{DIGEST}"
SPEC = RepoSpec("oci", f"oci://{NAME}", "HEAD")


@pytest.mark.parametrize(
    "text",
    [
        f"oci:{NAME}",
        f"oci://{NAME}",
        f"oci:registry.example.org/science/ocean:1.2@{DIGEST}",
        f"https://hub.example.org/services/binder/v2/oci/{NAME}",
        f"https://mybinder.org/v2/oci/{NAME.replace('@', '%40').replace(':', '%3A')}",
    ],
)
def test_ways_to_write_one(text: str) -> None:
    assert parse_pasted(text).spec == SPEC


def test_a_link_is_read_as_it_is_written() -> None:
    assert SPEC.path == f"oci/{NAME}"
    assert parse_link(*SPEC.path.split("/", 1)) == SPEC
    assert image(f"debian@{DIGEST}").path == f"oci/docker.io/library/debian@{DIGEST}"
    assert workspace_name(SPEC.repo_url).startswith("ocean-sha256-0123")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("oci:registry.example.org/science/ocean:latest", "may be another image tomorrow"),
        ("oci:registry.example.org/science/ocean", "may be another image tomorrow"),
        ("oci:registry.example.org/science/ocean@sha256:abc", "no name of an image"),
        (f"oci:registry.example.org/Sci\nRUN x@{DIGEST}", "no name of an image"),
        (f"oci:registry.example.org/a b@{DIGEST}", "no name of an image"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        parse_pasted(text)


def test_it_has_no_branches() -> None:
    with pytest.raises(UserError, match="no branches"):
        parse_pasted(f"oci:{NAME}", "main")


def opened(folder: Path, *allowed: str) -> tuple[OciImages, GitCache]:
    folder.mkdir()
    cache = GitCache(folder, 20, Guard())
    return OciImages(cache, allowed), cache


async def test_it_is_a_repository_with_a_dockerfile(tmp_path: Path) -> None:
    images, cache = opened(tmp_path / "one", "registry.example.org/science/")
    commit, reader = await images.open(SPEC, "alice")
    assert reader is None
    assert await cache.listing(SPEC.repo_url, commit, None)
    name = f"{commit}:Dockerfile"
    async with cache.opened(SPEC.repo_url) as repository:
        assert await repository("cat-file", "blob", name) == f"FROM {NAME}\n"
    # The same for ever, and on every machine.
    assert commit == "6c24904adf6aeafc49af4dc5d2db59ca07c5edd7"
    others, _ = opened(tmp_path / "two", "registry.example.org")
    await others.fetch(SPEC, commit, None)
    assert await others.open(RepoSpec("git", SPEC.repo_url, commit), "bob") == (commit, None)


async def test_another_commit_is_not_there(tmp_path: Path) -> None:
    images, _ = opened(tmp_path / "one", "registry.example.org")
    with pytest.raises(UserError, match="has no branch"):
        await images.fetch(SPEC, "0" * 40, None)


@pytest.mark.parametrize(
    ("allowed", "why"),
    [
        ((), "launches no images from registries"),
        (("registry.example.org/sci", "docker.io"), "takes those below"),
        (("registry.example.or",), "launches no images from registry.example.org/science/ocean"),
    ],
)
async def test_a_registry_that_the_site_does_not_name(
    tmp_path: Path, allowed: tuple[str, ...], why: str
) -> None:
    images, _ = opened(tmp_path / "one", *allowed)
    with pytest.raises(UserError, match=why):
        await images.open(SPEC, "alice")
    with pytest.raises(UserError, match=why):
        await images.fetch(SPEC, "0" * 40, None)
