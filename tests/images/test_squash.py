"""What is done to a tree that a stranger filled, before it becomes an artefact."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hpcbinderhub.errors import UserError
from hpcbinderhub.images import squash


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The tree of a finished image."""
    root = tmp_path / "root"
    for folder in ("srv/hpcbinder/bin", "srv/repo", "proc", "tmp", "run", "etc"):
        (root / folder).mkdir(parents=True)
    for name in ("hpcbinder", "jupyterhub-singleuser", "python3"):
        (root / "srv/hpcbinder/bin" / name).write_text("#!/bin/sh\n", "utf-8")
    return root


def test_no_link_of_the_image_leads_out_of_it(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "repo").mkdir(parents=True)
    (outside / "repo/secret").write_text("x", "utf-8")
    shutil.rmtree(root / "srv")
    (root / "srv").symlink_to(outside)
    squash.add_folders(root, ["/srv/new", "/fine/inner"])
    assert not (outside / "new").exists()
    assert (root / "fine/inner").is_dir()


def test_an_image_that_could_not_be_launched_is_refused(root: Path) -> None:
    squash.check_programs(root)
    (root / "srv/hpcbinder/bin/hpcbinder").unlink()
    with pytest.raises(UserError, match="lacks hpcbinder"):
        squash.check_programs(root)
