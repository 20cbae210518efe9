"""Submodules and files in Git LFS, as a workspace gets them from the hub; with the real Git LFS."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from compute_node import Broken, Launch, Node, Origin, Outcome, git

pytestmark = pytest.mark.skipif(not shutil.which("git-lfs"), reason="there is no git-lfs here")

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"


def pointer(content: bytes) -> bytes:
    oid = hashlib.sha256(content).hexdigest()
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"
    return text.encode()


class Project:
    """A repository with others in it, and the hub's offer of all of them."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.repositories: list[dict[str, Any]] = []
        self.notices: list[str] = []
        self.objects: list[bytes] = []
        self.offer("", node.origin)

    def offer(self, path: str, origin: Origin, *objects: bytes, **more: Any) -> None:
        """Have the hub offer a repository at its commit, with what of it is in Git LFS."""
        number = len(self.repositories)
        named = [[hashlib.sha256(one).hexdigest(), len(one)] for one in objects]
        self.repositories.append(
            {
                "path": path,
                "within": "",
                "name": path,
                "url": f"https://example.org/{origin.directory.name}.git",
                "commit": origin.commit,
                "in_lfs": bool(objects),
                "objects": named,
            }
            | more
        )
        self.objects += objects
        bundle = origin.bundle("refs/heads/hpcbinder")
        self.node.hub.replies[f"/content/submodules/{number}"] = [(200, bundle)]

    def add(self, path: str, origin: Origin, within: Origin | None = None) -> None:
        """Commit a submodule."""
        parent = within or self.node.origin
        with (parent.directory / ".gitmodules").open("a") as modules:
            url = f"https://example.org/{origin.directory.name}.git"
            modules.write(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n')
        (parent.directory / path).mkdir(parents=True, exist_ok=True)
        entry = f"160000,{origin.commit},{path}"
        parent.git("update-index", "--add", "--cacheinfo", entry)
        parent.git("add", ".gitmodules")
        parent.git("commit", "--quiet", "--message=A submodule")
        parent.commit = parent.git("rev-parse", "HEAD")

    def offered_objects(self, *numbers: int) -> bytes:
        """Have the hub give out some of its objects."""
        stream = b"".join(self.objects[number] for number in numbers)
        bits = sum(1 << number for number in numbers)
        self.node.hub.replies[f"/content/objects?some={bits:x}"] = [(200, stream)]
        return stream

    def launched(self, existing: str = "keep", image: dict[str, str] | None = None) -> Outcome:
        """Launch what the origin's branch stands for now."""
        node = self.node
        self.repositories[0] |= {"commit": node.origin.commit}
        parts = {"repositories": self.repositories, "notices": self.notices}
        node.hub.replies["/content"] = [(200, node.origin.bundle())]
        node.hub.replies["/content/parts"] = [(202, {"message": "Still fetching."}), (200, parts)]
        launch: Launch = node.launch(f"launch-{len(node.hub.requests)}")
        launch.grant["content"] |= {"commit": node.origin.commit, "existing": existing}
        node.hub.replies["/claim"] = [(200, launch.grant)]
        node.image_env |= image or {}
        return launch.run()

    def told(self) -> str:
        """What the hub was told for the owner by the last launch."""
        return str(self.node.hub.asked("/ready")[-1].body["notice"])


@pytest.fixture
def project(node: Node) -> Project:
    return Project(node)


def other(project: Project, name: str, files: dict[str, bytes]) -> Origin:
    """Another repository."""
    made = Origin(project.node.root / name)
    made.add(files)
    return made


def is_clean(workspace: Path) -> bool:
    return git(workspace, "status", "--porcelain", "--untracked-files=all") == ""


def test_submodules_are_real_ones_and_theirs_too(project: Project) -> None:
    inner = other(project, "inner", {"deep.txt": b"deep\n"})
    outer = other(project, "outer", {"lib.py": b"lib\n"})
    project.add("sub/inner", inner, outer)
    project.add("libs/outer", outer)
    project.offer("libs/outer", outer)
    project.offer("libs/outer/sub/inner", inner, within="libs/outer", name="sub/inner")
    outcome = project.launched()
    assert outcome.code == 0, outcome.log
    assert "Still fetching." in outcome.log

    workspace = project.node.workspace
    assert (workspace / "libs/outer/sub/inner/deep.txt").read_text() == "deep\n"
    assert is_clean(workspace)
    status = git(workspace, "submodule", "status", "--recursive").splitlines()
    # Without a sign before them: they are there, at the commits that are named.
    assert [line.split()[:2] for line in status] == [
        [outer.commit, "libs/outer"],
        [inner.commit, "libs/outer/sub/inner"],
    ]
    # As Git itself would have made them: nothing is left to do, and nothing is asked for.
    git(workspace, "submodule", "update", "--init", "--recursive")
    assert git(workspace / "libs/outer", "remote", "get-url", "origin").endswith("/outer.git")
    moved = workspace.rename(workspace.with_name("elsewhere"))
    assert is_clean(moved)
    assert project.told() == ""


def test_a_submodule_goes_forward_with_its_commit(project: Project) -> None:
    lib = other(project, "lib", {"lib.py": b"one\n"})
    project.add("lib", lib)
    project.offer("lib", lib)
    assert project.launched().code == 0
    lib.add({"lib.py": b"two\n"})
    project.node.origin.git("update-index", "--cacheinfo", f"160000,{lib.commit},lib")
    new = other(project, "new", {"new.py": b"new\n"})
    project.add("new", new)
    project.repositories[1:] = []
    project.offer("lib", lib)
    project.offer("new", new)
    outcome = project.launched(existing="update")
    assert outcome.code == 0, outcome.log
    workspace = project.node.workspace
    assert (workspace / "lib/lib.py").read_text() == "two\n"
    assert (workspace / "new/new.py").read_text() == "new\n"
    assert is_clean(workspace)
    assert project.told() == ""


@pytest.mark.parametrize("hers", ["a file", "a commit", "a branch"])
def test_what_is_hers_in_a_submodule_stays(project: Project, hers: str) -> None:
    lib = other(project, "lib", {"lib.py": b"one\n"})
    project.add("lib", lib)
    project.offer("lib", lib)
    assert project.launched().code == 0
    mine = project.node.workspace / "lib"
    (mine / "lib.py").write_text("mine\n")
    if hers != "a file":
        git(mine, "checkout", "--quiet", "-b", "mine") if hers == "a branch" else None
        git(mine, "commit", "--quiet", "--all", "--message=Mine")
    head = git(mine, "rev-parse", "HEAD")
    lib.add({"lib.py": b"two\n"})
    project.node.origin.git("update-index", "--cacheinfo", f"160000,{lib.commit},lib")
    project.node.origin.git("commit", "--quiet", "--message=Newer")
    project.node.origin.commit = project.node.origin.git("rev-parse", "HEAD")
    project.repositories[1:] = []
    project.offer("lib", lib)
    assert project.launched(existing="update").code == 0
    assert (mine / "lib.py").read_text() == "mine\n"
    assert git(mine, "rev-parse", "HEAD") == head
    assert "The submodule lib was left as it was: " in project.told()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("lib", "../../hooks"),
        ("lib", "/tmp/x"),
        ("lib", "a//b"),
        ("../lib", "lib"),
        ("data", "lib"),
        ("out", "lib"),
        ("nowhere", "lib"),
    ],
)
def test_a_submodule_goes_nowhere_else(project: Project, path: str, name: str) -> None:
    outside = project.node.root / "outside"
    outside.mkdir()
    project.node.origin.add({}, {"out": str(outside)})
    lib = other(project, "lib", {"lib.py": b"one\n"})
    project.add("lib", lib)
    project.offer(path, lib, name=name)
    outcome = project.launched()
    assert outcome.code == 0, outcome.log
    assert f"The submodule {path} was left as it was: " in project.told()
    assert os.listdir(outside) == []
    assert not (project.node.workspace / ".git/hooks").exists()
    assert not list(project.node.workspace.rglob("lib.py"))


def test_the_name_of_a_submodule_leads_into_no_other(project: Project) -> None:
    lib, trap = other(project, "lib", {"a": b"a"}), other(project, "trap", {"b": b"b"})
    project.add("lib", lib)
    project.add("trap", trap)
    project.offer("lib", lib)
    project.offer("trap", trap, name="lib/hooks")
    assert project.launched().code == 0
    assert "trap was left as it was: its name leads into another submodule" in project.told()
    assert (project.node.workspace / "lib/a").exists()


def test_files_in_lfs_are_there_and_nothing_is_changed(project: Project) -> None:
    one, two, lost = b"\0one" * 1000, b"two", b"lost"
    files = {"a.bin": pointer(one), "lost.bin": pointer(lost)}
    project.node.origin.add({".gitattributes": ATTRIBUTES, **files})
    lib = other(project, "lib", {".gitattributes": ATTRIBUTES, "b.bin": pointer(two)})
    project.add("lib", lib)
    project.repositories, project.notices = [], ["One file came as a pointer: lost.bin."]
    project.offer("", project.node.origin, one)
    project.offer("lib", lib, two)
    project.offered_objects(0, 1)
    outcome = project.launched()
    assert outcome.code == 0, outcome.log

    workspace = project.node.workspace
    assert (workspace / "a.bin").read_bytes() == one
    assert (workspace / "lib/b.bin").read_bytes() == two
    assert (workspace / "lost.bin").read_bytes() == pointer(lost)
    assert is_clean(workspace)
    # Looked at as by somebody who touched everything, so that content is compared.
    for file in workspace.rglob("*.bin"):
        os.utime(file)
    assert is_clean(workspace)
    listed = git(workspace, "lfs", "ls-files").splitlines()
    assert {line.split(" ", 1)[1] for line in listed} == {"* a.bin", "- lost.bin"}
    assert "git lfs pre-push" in (workspace / ".git/hooks/pre-push").read_text()
    assert project.told() == "One file came as a pointer: lost.bin."


def test_a_stream_that_breaks_goes_on_where_it_broke(project: Project) -> None:
    objects = [os.urandom(3000), b"", os.urandom(5000)]
    files = {f"{number}.bin": pointer(one) for number, one in enumerate(objects)}
    project.node.origin.add({".gitattributes": ATTRIBUTES, **files})
    project.repositories = []
    project.offer("", project.node.origin, *objects)
    stream = project.offered_objects(0, 1, 2)
    url = "/content/objects?some=7"
    replies = [(200, Broken(stream, 2000)), (0, ""), (200, Broken(stream, 3000)), (200, stream)]
    project.node.hub.replies[url] = list(replies)
    outcome = project.launched()
    assert outcome.code == 0, outcome.log
    for number, one in enumerate(objects[::2]):
        assert (project.node.workspace / f"{2 * number}.bin").read_bytes() == one
    assert len(project.node.hub.asked(url)) == 4
    assert [n for n in project.node.hub.sent if n in (8000, 6000, 3000)] == [8000, 6000, 3000]


def test_what_came_damaged_is_not_used(project: Project) -> None:
    project.node.origin.add({".gitattributes": ATTRIBUTES, "a.bin": pointer(b"right")})
    project.repositories = []
    project.offer("", project.node.origin, b"right")
    project.node.hub.replies["/content/objects?some=1"] = [(200, b"wrong")]
    outcome = project.launched()
    assert outcome.code == 5
    assert "came damaged from the hub" in outcome.log
    assert not project.node.workspace.exists()


def test_an_update_fetches_what_is_new_alone(project: Project) -> None:
    files = {"a.bin": pointer(b"one"), "hers.bin": pointer(b"one")}
    project.node.origin.add({".gitattributes": ATTRIBUTES, **files})
    project.repositories = []
    project.offer("", project.node.origin, b"one")
    project.offered_objects(0)
    assert project.launched().code == 0
    hers = project.node.workspace / "hers.bin"
    hers.unlink()
    project.node.origin.add({"a.bin": pointer(b"two"), "b.bin": pointer(b"one")})
    project.repositories, project.objects = [], []
    project.offer("", project.node.origin, b"one", b"two")
    project.offered_objects(1)
    outcome = project.launched(existing="update")
    assert outcome.code == 0, outcome.log
    workspace = project.node.workspace
    assert (workspace / "a.bin").read_bytes() == b"two"
    assert (workspace / "b.bin").read_bytes() == b"one"
    assert git(workspace, "status", "--porcelain") == "D hers.bin"


def test_an_image_without_lfs_has_pointers_and_says_so(project: Project, tmp_path: Path) -> None:
    project.node.origin.add({".gitattributes": ATTRIBUTES, "a.bin": pointer(b"one")})
    project.repositories = []
    project.offer("", project.node.origin, b"one")
    programs = tmp_path / "programs"
    programs.mkdir()
    core = Path(git(tmp_path, "--exec-path"))
    shutil.copytree(core, tmp_path / "core", symlinks=False)
    (tmp_path / "core/git-lfs").unlink(missing_ok=True)
    for name in ("git", "sh", "env"):
        (programs / name).symlink_to(str(shutil.which(name)))
    project.node.program(
        "git", f'#!/bin/sh\nGIT_EXEC_PATH={tmp_path}/core exec /usr/bin/git "$@"\n'
    )
    project.node.image_env["PATH"] = f"{project.node.image}/bin:{programs}"
    outcome = project.launched()
    assert outcome.code == 0, outcome.log
    assert (project.node.workspace / "a.bin").read_bytes() == pointer(b"one")
    assert project.told() == "Files in Git LFS came as pointers: the image has no git-lfs."
    assert is_clean(project.node.workspace)
