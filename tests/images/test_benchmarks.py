"""The benchmarks of images, made small: they go on running while what they measure changes."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TREE = (2000, 20_000_000)


def measure(part: str) -> Callable[..., dict[str, float]]:
    """A part's own function. Last on the path, since the project's folders are not its packages."""
    root = str(Path(__file__).parents[2])
    if root not in sys.path:
        sys.path.append(root)
    found: Callable[..., dict[str, float]] = importlib.import_module(
        f"benchmarks.images.{part}"
    ).measure
    return found


def needs(*programs: str) -> None:
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        pytest.skip(f"not installed on this host: {', '.join(missing)}")


def test_from_a_mounted_tree() -> None:
    needs("buildah", "mksquashfs")
    figures = measure("conversion")(TREE, rounds=1)
    assert figures.pop("convert_over_floor") > 0.2
    assert list(figures) == (["chconvert_over_ours"] if shutil.which("ch-convert") else [])


def test_from_a_registry() -> None:
    needs("mksquashfs", "skopeo")
    assert measure("registry")(TREE, rounds=1)["registry_over_floor"] > 0.2


def test_a_commit_that_changes_a_notebook() -> None:
    assert measure("content")(files=10, commits=2)["content_ready_s"] > 0


def test_imports_from_shared_storage() -> None:
    needs("mksquashfs", "squashfuse_ll", "fusermount")
    if not os.access("/dev/fuse", os.W_OK):
        pytest.skip("/dev/fuse is missing or closed")
    figures = measure("start")(nodes=1)
    assert figures["shared_opens_squashfs"] < 10
    assert figures["shared_opens_tree"] > 500
