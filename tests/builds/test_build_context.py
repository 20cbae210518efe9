"""A repository's links may lead anywhere; the builder follows none out of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpcbinderhub.builds.context import refuse_links_out


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository beside a file that is none of its business."""
    (tmp_path / "worker-token").write_text("secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "repo" / "binder").mkdir(parents=True)
    (tmp_path / "repo" / "data").mkdir()
    return tmp_path / "repo"


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("apt.txt", "../worker-token"),
        ("binder/requirements.txt", "../../worker-token"),
        ("Dockerfile", "/etc/hostname"),
        ("chain", "binder/../../worker-token"),
    ],
)
def test_a_file_that_build_packs_read_stays_inside(
    repository: Path, name: str, target: str
) -> None:
    (repository / name).symlink_to(target)
    with pytest.raises(ValueError, match=f"^{name} is a link that leads out of the repository"):
        refuse_links_out(repository)


def test_so_does_the_folder_that_holds_them(repository: Path) -> None:
    (repository / ".binder").symlink_to("../elsewhere")
    with pytest.raises(ValueError, match=r"^\.binder is a link"):
        refuse_links_out(repository)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("requirements.txt", "binder/requirements.txt"),  # Inside, and not there.
        ("inputs", "/etc"),  # A folder of the system's: nothing reads it here.
        ("data/raw", "../../worker-token"),  # Copied as a link, like anything else below.
        ("self", "self"),
        ("scratch", "/scratch/of/the/cluster/file.h5"),
    ],
)
def test_other_links_are_a_repository_s_own_affair(
    repository: Path, name: str, target: str
) -> None:
    (repository / name).symlink_to(target)
    refuse_links_out(repository)
