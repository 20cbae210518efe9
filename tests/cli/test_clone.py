"""What `hpcbinderhub push` makes of a clone, and that it leaves the clone as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from repos.forge import git

from hpcbinderhub.cli.clone import Clone
from hpcbinderhub.errors import UserError


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A clone with one commit, and with every kind of change beside it."""
    work = tmp_path / "soundings"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(work))
    for name in ("staged.txt", "edited.txt", "removed.txt"):
        (work / name).write_text("as committed\n")
    (work / ".gitignore").write_text("*.log\n")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", "First")
    (work / "staged.txt").write_text("staged\n")
    git(work, "add", "staged.txt")
    (work / "staged.txt").write_text("staged, and edited again\n")
    (work / "edited.txt").write_text("edited\n")
    (work / "removed.txt").unlink()
    (work / "notes").mkdir()
    (work / "notes" / "new.txt").write_text("new\n")
    (work / "run.log").write_text("ignored\n")
    return work


@pytest.fixture
def clone(work: Path, tmp_path: Path) -> Clone:
    (tmp_path / "scratch").mkdir()
    return Clone.at(work, tmp_path / "scratch")


def snapshot(work: Path) -> dict[str, bytes]:
    """Every file of a clone, Git's own included."""
    return {str(path): path.read_bytes() for path in work.rglob("*") if path.is_file()}


def unbundled(bundle: Path) -> Path:
    """A bundle as whoever gets it sees it."""
    target = bundle.with_name("got")
    git(bundle.parent, "clone", "--quiet", str(bundle), str(target))
    return target


def test_what_is_committed_is_sent_with_its_history(clone: Clone, work: Path) -> None:
    head = clone.commit("HEAD")
    assert head == clone.commit("main") == git(work, "rev-parse", "HEAD")
    got = unbundled(clone.bundle(head))
    assert git(got, "rev-parse", "HEAD") == head
    assert (got / "edited.txt").read_text() == "as committed\n"
    assert clone.changes() == 4


def test_changes_are_sent_as_they_are_on_the_disk(clone: Clone, work: Path) -> None:
    commit = clone.commit_changes(clone.commit("HEAD"))
    got = unbundled(clone.bundle(commit))
    assert sorted(path.name for path in got.iterdir() if path.name != ".git") == [
        ".gitignore", "edited.txt", "notes", "staged.txt"
    ]  # fmt: skip
    assert (got / "staged.txt").read_text() == "staged, and edited again\n"
    assert (got / "edited.txt").read_text() == "edited\n"
    assert (got / "notes" / "new.txt").read_text() == "new\n"
    assert git(got, "rev-parse", "HEAD~1") == git(work, "rev-parse", "HEAD")


def test_the_clone_stays_as_it_is(clone: Clone, work: Path) -> None:
    before, moments = snapshot(work), (work / ".git/index").stat().st_mtime_ns
    clone.bundle(clone.commit_changes(clone.commit("HEAD")))
    assert snapshot(work) == before
    assert (work / ".git/index").stat().st_mtime_ns == moments
    assert git(work, "status", "--porcelain").splitlines()[0].startswith("M edited.txt")


def test_the_same_changes_are_the_same_commit_every_time(
    clone: Clone, work: Path, tmp_path: Path
) -> None:
    first = clone.commit_changes(clone.commit("HEAD"))
    os.utime(work / "edited.txt")
    (tmp_path / "again").mkdir()
    again = Clone.at(work / "notes", tmp_path / "again")
    assert again.commit_changes(again.commit("HEAD")) == first
    (work / "edited.txt").write_text("edited once more\n")
    assert again.commit_changes(again.commit("HEAD")) != first


def test_a_worktree_is_a_clone_like_any_other(clone: Clone, work: Path, tmp_path: Path) -> None:
    git(work, "worktree", "add", "--quiet", str(tmp_path / "other"), "-b", "other")
    (tmp_path / "other" / "new.txt").write_text("new\n")
    other = Clone.at(tmp_path / "other", tmp_path / "scratch")
    got = unbundled(other.bundle(other.commit_changes(other.commit("HEAD"))))
    assert (got / "new.txt").read_text() == "new\n"
    assert (got / "edited.txt").read_text() == "as committed\n"


@pytest.mark.parametrize(
    ("folder", "name"),
    [("soundings", "soundings"), ("My Thesis (2)", "My-Thesis-2-"), (".hidden", "hidden"),
     ("日本", "repository")],
)  # fmt: skip
def test_a_repository_is_named_as_its_folder(folder: str, name: str, tmp_path: Path) -> None:
    assert Clone(tmp_path / folder, tmp_path).name == name


def test_what_cannot_be_sent_is_explained(clone: Clone, work: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(UserError, match="is not in a Git repository"):
        Clone.at(tmp_path / "plain", tmp_path)
    git(tmp_path / "plain", "init", "--quiet")
    with pytest.raises(UserError, match="Nothing has been committed here yet"):
        Clone.at(tmp_path / "plain", tmp_path).commit("HEAD")
    with pytest.raises(UserError, match="no branch, tag or commit “nothing”"):
        clone.commit("nothing")
    git(tmp_path, "clone", "--quiet", "--depth=1", work.as_uri(), "shallow")
    with pytest.raises(UserError, match="history is cut off"):
        Clone.at(tmp_path / "shallow", tmp_path)
