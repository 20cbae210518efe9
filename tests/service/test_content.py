"""What a job gets of its launch's commit: the start command, against the real service."""

from __future__ import annotations

import hashlib
import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cluster.person import Person
from repos.forge import Forge, git
from service.repository import ServedRepository
from service.running import RunningService

from hpcbinder.claim import Content, Grant, Tls
from hpcbinder.content import prepare
from hpcbinder.image import Image, World
from hpcbinder.web import Hub
from hpcbinderhub.launches.conductor import launch_options
from hpcbinderhub.launches.parts import Wanted

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("git-lfs"), reason="there is no git-lfs here"),
]

MEASURED = b"\0measured\xff" * 300_000


@pytest.fixture
def commit(repository: ServedRepository, forge: Forge) -> str:
    """A commit with a submodule and a file in Git LFS, and one that is too large."""
    served, work = forge.work.parent / "served/lib.git", forge.work.parent / "lib"
    git(forge.work, "init", "--quiet", "--bare", "--initial-branch=main", str(served))
    git(forge.work, "clone", "--quiet", str(served), str(work))
    (work / "lib.py").write_text("lib\n")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", "All")
    git(work, "push", "--quiet", "origin", "HEAD:main")
    modules = '[submodule "lib"]\n\tpath = lib\n\turl = ../lib.git\n'
    (forge.work / ".gitmodules").write_text(modules)
    inner = git(work, "rev-parse", "HEAD")
    git(forge.work, "update-index", "--add", "--cacheinfo", f"160000,{inner},lib")
    version = "version https://git-lfs.github.com/spec/v1"
    for name, content in (("a.bin", MEASURED), ("large.bin", b"x" * 2**20 * 5)):
        oid = hashlib.sha256(content).hexdigest()
        forge.objects[oid] = content
        (forge.work / name).write_text(f"{version}\noid sha256:{oid}\nsize {len(content)}\n")
    (forge.work / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    git(forge.work, "add", ".gitattributes", ".gitmodules", "a.bin", "large.bin")
    git(forge.work, "commit", "--quiet", "--message", "All of it")
    git(forge.work, "push", "--quiet", "--all")
    return git(forge.work, "rev-parse", "HEAD")


@pytest.fixture
def launch(alice: Person, service: RunningService, forge: Forge, commit: str) -> str:
    """A launch of it that is ready."""
    launch = alice.launch(forge.url)
    assert alice.follow(launch)["phase"] == "ready"
    return launch


@pytest.fixture
def service(start_service: Callable[..., RunningService]) -> RunningService:
    """A site that sends little in LFS."""
    return start_service(lfs_mb=5)


def test_a_job_makes_the_whole_workspace(
    alice: Person, service: RunningService, forge: Forge, launch: str, tmp_path: Path
) -> None:
    known = service.do(service.services.book.get(launch))
    assert known is not None
    options = launch_options(known)
    where = (known.repo_url, known.ref, options.commit, known.reader)
    # The launch has them fetched while it is built, so a job finds them here.
    assert service.do(service.services.parts.of(Wanted(launch, *where), 15)) is not None
    forge.objects.clear()
    oid = hashlib.sha256(MEASURED).hexdigest()
    url = f"{alice.url}/services/binder/api/content/{launch}"
    content = Content(url, known.repo_url, known.ref, options.commit, "keep")
    workspace = tmp_path / "workspaces/one"
    token = {"JUPYTERHUB_API_TOKEN": alice.token}
    home = tmp_path / "home"
    grant = Grant(token, [], "", content, workspace, home, Tls("", "", ""), None, None)
    world = World(["server"], None, [], tmp_path, {}, [])
    image = Image({"PATH": "/usr/bin:/bin"}, None, None, [], [], world)
    told = prepare(grant, image, tmp_path, Hub("content", ssl.create_default_context(), 30))

    assert (workspace / "lib/lib.py").read_text() == "lib\n"
    assert (workspace / "a.bin").read_bytes() == MEASURED
    assert (workspace / "large.bin").read_text().startswith("version https://git-lfs")
    assert git(workspace, "status", "--porcelain") == ""
    inner = git(workspace / "lib", "rev-parse", "HEAD")
    assert git(workspace, "submodule", "status").startswith(inner)
    assert (workspace / f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}").exists()
    assert "One file in Git LFS, 5 MB, came as pointers: large.bin (5 MB)." in told
    assert "`git lfs pull`" in told


def test_a_stream_may_begin_anywhere(alice: Person, launch: str) -> None:
    url = f"{alice.url}/services/binder/api/content/{launch}/objects"
    headers = {"Authorization": f"Bearer {alice.token}"}
    whole = httpx.get(url, headers=headers)
    assert (whole.status_code, whole.content) == (200, MEASURED)
    rest = httpx.get(url, headers=headers | {"Range": "bytes=1234567-"})
    assert (rest.status_code, rest.content) == (206, MEASURED[1234567:])
    assert rest.headers["Content-Range"] == f"bytes 1234567-{len(MEASURED) - 1}/{len(MEASURED)}"
    for odd in ("bytes=0-", "bytes=-5", "bytes=1-2,4-", f"bytes={len(MEASURED)}-", "lines=1-"):
        assert httpx.get(url, headers=headers | {"Range": odd}).content == MEASURED
    assert httpx.get(f"{url}?some=0", headers=headers).content == b""
    assert httpx.get(f"{url}?some=ff", headers=headers).content == MEASURED


def test_it_is_for_its_owner_alone(alice: Person, bob: Person, launch: str) -> None:
    for what in ("", "/parts", "/submodules/1", "/objects"):
        path = f"api/content/{launch}{what}"
        assert bob.call("GET", path).status_code == 403
        assert alice.call("GET", path).status_code == 200
        assert httpx.get(f"{alice.url}/services/binder/{path}").status_code in (302, 403)
    for nothing in ("0", "2", "99"):
        assert alice.call("GET", f"api/content/{launch}/submodules/{nothing}").status_code == 404
