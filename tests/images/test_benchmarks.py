"""The benchmarks of images, made small: they go on running while what they measure changes."""

from __future__ import annotations

import os
import shutil

import pytest

from benchmarks.images import content, conversion, registry, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TREE = (2000, 20_000_000)


def needs(*programs: str) -> None:
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        pytest.skip(f"not installed on this host: {', '.join(missing)}")


def test_from_a_mounted_tree() -> None:
    needs("buildah", "mksquashfs")
    figures = conversion.measure(TREE, rounds=1)
    assert figures.pop("convert_over_floor") > 0.2
    assert list(figures) == (["chconvert_over_ours"] if shutil.which("ch-convert") else [])


def test_from_a_registry() -> None:
    needs("mksquashfs", "skopeo")
    assert registry.measure(TREE, rounds=1)["registry_over_floor"] > 0.2


def test_a_commit_that_changes_a_notebook() -> None:
    assert 0 < content.measure(files=10, commits=2)["content_ready_s"] < 60


def test_imports_from_shared_storage() -> None:
    needs("mksquashfs", "squashfuse_ll", "fusermount")
    if not os.access("/dev/fuse", os.W_OK):
        pytest.skip("/dev/fuse is missing or closed")
    figures = start.measure(nodes=1)
    assert figures["shared_opens_squashfs"] < 10
    assert figures["shared_opens_tree"] > 500
