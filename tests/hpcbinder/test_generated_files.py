"""What the image's build made beside the commit, in a new workspace and nowhere else."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest
from compute_node import Node, git
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hpcbinder import generated
from hpcbinder.generated import exclude_pattern
from hpcbinder.image import Generated, Image, World


def test_generated_files_are_there_and_git_does_not_see_them(node: Node) -> None:
    node.generate("data/depths.csv", b"1,2\n")
    node.generate("soundings/_fast [x86]*.so", b"\x7fELF").chmod(0o555)
    node.generate("latest.csv", link="data/depths.csv")
    outcome = node.launch().run()

    assert (node.workspace / "data/depths.csv").read_bytes() == b"1,2\n"
    assert (node.workspace / "soundings/_fast [x86]*.so").stat().st_mode & 0o777 == 0o755
    assert (node.workspace / "latest.csv").readlink() == Path("data/depths.csv")
    assert git(node.workspace, "status", "--porcelain") == ""
    assert "generated: Added 3 of 3 files that the build of the image made." in outcome.log


def test_what_the_build_left_in_home_is_in_the_launchs_own(node: Node) -> None:
    node.leave_in_home("nltk_data/words.txt", b"sea\n")
    node.leave_in_home(".config/tool/settings", b"a = 1\n")
    node.leave_in_home("weights/1.bin", b"1")
    node.in_home[-1] = {"path": "weights", "size": 1, "link": None, "folder": True}
    launch = node.launch()
    home = Path(launch.grant["home"])
    outcome = launch.run()
    assert (home / "nltk_data/words.txt").read_text() == "sea\n"
    assert not (home / ".config/tool/settings").is_symlink()
    assert (home / "weights").readlink() == node.image_home / "weights"
    assert "Added 3 of 3 files that the build of the image left in HOME." in outcome.log


def test_nothing_of_the_image_s_home_leads_out_of_the_launchs_own(node: Node) -> None:
    node.leave_in_home("fine")
    for path in ("../report.json", "/etc/x", "folder"):
        node.in_home.append({"path": path, "size": 1, "link": None, "folder": path == "folder"})
    (node.image_home / "folder").write_text("no folder")
    launch = node.launch()
    outcome = launch.run()
    assert os.listdir(launch.grant["home"]) == ["fine"]
    assert outcome.log.count("was left out") == 3


def test_a_large_file_stays_in_the_image(node: Node) -> None:
    grid = node.generate("grid.nc")
    os.truncate(grid, 64 * 2**20 + 1)
    at_most = node.generate("small.nc")
    os.truncate(at_most, 64 * 2**20)
    assert node.launch().run().code == 0
    assert (node.workspace / "grid.nc").readlink() == grid
    assert not (node.workspace / "small.nc").is_symlink()


def test_the_commits_own_files_win(node: Node) -> None:
    node.generate("README.md", b"built\n")
    outcome = node.launch().run()
    assert (node.workspace / "README.md").read_text() == "# Soundings\n"
    assert "'README.md' was left out: the commit has a file there." in outcome.log


def test_hostile_paths_are_left_out_and_the_launch_goes_on(node: Node, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    links = {"out": str(outside), "hooks": ".git/hooks", "dangling": "nowhere"}
    node.origin.add({}, links)
    node.hub.replies["/content"] = [(200, node.origin.bundle())]
    hostile = ["out/x", "hooks/pre-commit", "dangling/x", "README.md/x"]
    hostile += [".git/config", "sub/.GIT/config", "../x", "data/../../x", f"{outside}/x"]
    for path in hostile:
        node.generated.append({"path": path, "size": 1, "link": None})
    for path, link in {
        "a": "/etc/passwd",
        "b": "../x",
        "data/c": "../../x",
        "d": "",
        "e": "data/../x",
    }.items():
        node.generate(path, link=link)
    node.generate("fine.txt", b"fine\n")
    outcome = node.launch().run()

    assert outcome.code == 0
    assert outcome.log.count("was left out") == len(hostile) + 5
    assert os.listdir(outside) == []
    assert not (node.workspace / ".git" / "hooks").exists()
    assert sorted(os.listdir(node.workspace.parent)) == [
        f".{node.workspace.name}.lock",
        node.workspace.name,
    ]
    assert (node.workspace / "fine.txt").exists()


def test_what_the_image_does_not_have_is_left_out(node: Node) -> None:
    (node.generate("pipe")).unlink()
    os.mkfifo(node.repo_dir / "pipe")
    node.generate("gone", b"").unlink()
    log = node.launch().run().log
    assert "'pipe' was left out: it is not a regular file in the image." in log
    assert "'gone' was left out: the image has no such file" in log


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = tmp_path_factory.mktemp("ignored")
    git(repository, "init", "--quiet")
    return repository


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)


@given(names)
@example("a b ")
@example("!#\\*?[x] ")
@example("two\nlines")
@example("\r")
@settings(max_examples=50, deadline=None)
def test_the_exclude_pattern_means_the_path_to_git(repository: Path, name: str) -> None:
    if name in (".", "..") or name.lower() == ".git":
        return
    (repository / ".git/info").mkdir(exist_ok=True)
    (repository / ".git/info/exclude").write_bytes(os.fsencode(exclude_pattern(name)) + b"\n")
    # With "./" in front, a name that starts with a colon is no magic of Git's.
    asked = b"./" + os.fsencode(name) + b"\0" + b"something else\0"
    found = subprocess.run(
        ["git", "check-ignore", "--stdin", "-z"],
        cwd=repository,
        input=asked,
        capture_output=True,
    )
    assert found.stdout == b"./" + os.fsencode(name) + b"\0"


paths = st.lists(st.sampled_from(["..", ".", "", "a", "out", "in", ".git", "é", "\n"])).map(
    "/".join
)


def end_of(path: Path, nowhere: Path) -> Path:
    """Where a path leads, through all links; one that leads to itself leads nowhere."""
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return nowhere
    return Path(os.path.realpath(path))


@given(path=paths, link=st.none() | paths)
@example(path="a", link="a//.")
@settings(max_examples=300, deadline=None)
def test_no_path_and_no_link_leads_out(
    tmp_path_factory: pytest.TempPathFactory, path: str, link: str | None
) -> None:
    root = tmp_path_factory.mktemp("any")
    workspace, repo_dir = root / "workspace", root / "image"
    for directory in (workspace / ".git", repo_dir / "a", root / "beside"):
        directory.mkdir(parents=True)
    (workspace / "out").symlink_to("../beside")
    (workspace / "in").symlink_to(".git")
    (repo_dir / "é").write_text("x")
    (repo_dir / "a" / "é").write_text("x")

    world = World(["x"], None, [], root / "home", {}, [])
    generated.place(Image({}, repo_dir, None, [Generated(path, link)], [], world), workspace)
    made = [p for p in workspace.rglob("*") if p.name not in (".git", "info", "exclude")]
    ends = [end_of(p, nowhere=workspace) for p in made if p.name != "out"]
    assert all(end.is_relative_to(workspace) for end in ends)
    assert os.listdir(root / "beside") == []
    assert set(os.listdir(workspace / ".git")) <= {"info"}
