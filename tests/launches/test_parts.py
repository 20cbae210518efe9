"""What a workspace gets beside its commit, gathered from servers that speak Git and LFS."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from repos.forge import Forge, git

from hpcbinderhub.credentials.hosts import host_of
from hpcbinderhub.credentials.keyring import Keyring, add_key
from hpcbinderhub.credentials.store import Credential, Credentials
from hpcbinderhub.database import Database
from hpcbinderhub.launches.content import ContentStore
from hpcbinderhub.launches.parts import MAX_OBJECTS, Parts, PartsStore, Wanted, told
from hpcbinderhub.repos.forges import Forges
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard
from hpcbinderhub.repos.lfs import Lfs
from hpcbinderhub.repos.records.records import Records
from hpcbinderhub.repos.repositories import Repositories
from hpcbinderhub.repos.web import Web
from hpcbinderhub.repos.whole import WholeTrees

TOKEN = "a token of alice's"
ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
LIMIT = 1000
SOON = 20.0


class Place:
    """One site's way to what belongs to a commit."""

    def __init__(self, directory: Path, database: Database):
        for name in ("cache", "content"):
            (directory / name).mkdir()
        add_key(directory / "keys")
        keyring = Keyring(str(directory / "keys"))
        self.credentials = Credentials(database, keyring, ["127.0.0.1"])
        guard = Guard(private=["127.0.0.1/32"])
        cache = GitCache(directory / "cache", 20, guard, self.credentials.for_url)
        web, lfs = Web(guard), Lfs(Web(guard))
        self.repositories = Repositories(cache, Forges(web), Records(cache, web, 10**6))
        whole = WholeTrees(cache, lfs, LIMIT)
        self.content = ContentStore(self.repositories, whole, directory / "content")
        self.parts = PartsStore(self.content, self.repositories, lfs, LIMIT, directory / "content")

    async def of(
        self, url: str, commit: str, reader: str | None = None, launch: str = "one"
    ) -> Parts:
        """What a launch gets."""
        parts = await self.parts.of(Wanted(launch, url, "main", commit, reader), SOON)
        assert parts is not None
        return parts


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    database = Database(f"sqlite:///{tmp_path}/site.sqlite")
    await asyncio.to_thread(database.upgrade)
    made = Place(tmp_path, database)
    yield made
    await made.parts.close()
    await database.close()


def stored(forge: Forge, content: bytes) -> str:
    """The pointer to something that the server has."""
    oid = hashlib.sha256(content).hexdigest()
    forge.objects[oid] = content
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"


def data(forge: Forge, files: dict[str, str]) -> str:
    """A commit in which these are what LFS looks after."""
    for name, text in files.items():
        (forge.work / name).write_text(text)
    return forge.commit(".gitattributes", ATTRIBUTES)


def other(forge: Forge, name: str) -> str:
    """Serve another repository beside it; its commit."""
    served, work = forge.work.parent / f"served/{name}.git", forge.work.parent / name
    git(forge.work, "init", "--quiet", "--bare", "--initial-branch=main", str(served))
    git(forge.work, "clone", "--quiet", str(served), str(work))
    (work / "lib.py").write_text(f"{name}\n")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", "All")
    git(work, "push", "--quiet", "origin", "HEAD:main")
    return git(work, "rev-parse", "HEAD")


def with_submodules(forge: Forge, modules: dict[str, tuple[str, str]]) -> str:
    """A commit that names others, by path: address and commit."""
    text = ""
    for path, (url, commit) in modules.items():
        text += f'[submodule "my {path}"]\n\tpath = {path}\n\turl = {url}\n'
        git(forge.work, "update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    (forge.work / ".gitmodules").write_text(text)
    git(forge.work, "add", ".gitmodules")
    git(forge.work, "commit", "--quiet", "--message", "Submodules")
    git(forge.work, "push", "--quiet", "--all")
    return git(forge.work, "rev-parse", "HEAD")


async def test_submodules_come_as_bundles_under_their_names(
    forge: Forge, place: Place, tmp_path: Path
) -> None:
    lib = other(forge, "lib")
    commit = with_submodules(forge, {"libs/one": ("../lib.git", lib)})
    parts = await place.of(forge.url, commit)
    itself, one = (part.repository for part in parts.parts)
    assert (itself.path, itself.commit, parts.notices) == ("", commit, ())
    assert (one.path, one.name, one.within, one.commit) == ("libs/one", "my libs/one", "", lib)
    bundle = await place.parts.bundle(parts.parts[1])
    git(tmp_path, "clone", "--quiet", "--branch=hpcbinder", str(bundle), "clone")
    assert (tmp_path / "clone/lib.py").read_text() == "lib\n"


async def test_a_server_that_does_not_answer_leaves_a_folder_empty(
    forge: Forge, place: Place
) -> None:
    lib = other(forge, "lib")
    modules = {"down": ("http://127.0.0.1:9/x.git", lib), "lib": ("../lib.git", lib)}
    parts = await place.of(forge.url, with_submodules(forge, modules))
    assert [part.repository.path for part in parts.parts] == ["", "lib"]
    assert parts.notices[0].startswith("The submodule down is not fetched. ")
    assert "`git submodule update --init --recursive`" in parts.notices[1]


async def test_a_private_submodule_comes_with_a_private_repository_alone(
    forge: Forge, place: Place
) -> None:
    forge.tokens.add(TOKEN)
    await place.credentials.keep("alice", host_of(forge.url), Credential(TOKEN))
    private = forge.url.replace("/repo.git", "/private/lib.git")
    commit = with_submodules(forge, {"lib": (private, other(forge, "lib"))})

    parts = await place.of(forge.private_url, commit, "alice", "hers")
    assert [part.repository.reader for part in parts.parts] == ["alice", "alice"]
    # A public repository could name anything that its launcher may read.
    for url, reader in ((forge.url, None), (forge.url, "alice"), (forge.private_url, "bob")):
        if url == forge.private_url:
            forge.tokens.add("bob's")
            await place.credentials.keep("bob", host_of(url), Credential("bob's"))
        shown = len(forge.shown)
        parts = await place.of(url, commit, reader, f"{url} {reader}")
        if reader == "bob":
            assert [part.repository.reader for part in parts.parts] == ["bob", "bob"]
            assert TOKEN not in forge.shown[shown:]
        else:
            assert len(parts.parts) == 1
            assert "is private, or does not exist" in parts.notices[0]

    forge.tokens.clear()
    again = await place.of(forge.url, commit, "alice", "again")
    assert len(again.parts) == 1


async def test_a_credential_goes_to_no_submodule_on_another_host(
    forge: Forge, place: Place
) -> None:
    forge.tokens.add(TOKEN)
    await place.credentials.keep("alice", host_of(forge.url), Credential(TOKEN))
    elsewhere = forge.url.replace("127.0.0.1", "localhost").replace("/repo.git", "/private/lib.git")
    commit = with_submodules(forge, {"lib": (elsewhere, other(forge, "lib"))})
    await place.credentials.keep("alice", host_of(elsewhere), Credential("another"))
    parts = await place.of(forge.private_url, commit, "alice")
    assert len(parts.parts) == 1
    assert "another" not in forge.shown


async def test_files_in_lfs_come_once_for_all_launches(forge: Forge, place: Place) -> None:
    small, large = b"s" * 10, b"l" * 900
    commit = data(forge, {"l.bin": stored(forge, large), "s.bin": stored(forge, small)})
    parts = await place.of(forge.url, commit)
    assert parts.notices == ()
    assert b"".join(path.read_bytes() for path in place.parts.objects(parts)) == small + large
    forge.objects.clear()
    again = await place.of(forge.url, commit, launch="two")
    assert again.parts[0].objects == parts.parts[0].objects
    # What was removed meanwhile is looked for again, and may be gone.
    for path in place.parts.objects(parts):
        path.unlink()
    lacking = await place.of(forge.url, commit)
    assert lacking.parts[0].objects == ()
    assert lacking.parts[0].in_lfs


async def test_what_is_too_much_is_named_with_its_size(forge: Forge, place: Place) -> None:
    files = {f"{number}.bin": stored(forge, b"%d" % number * 600) for number in range(1, 4)}
    parts = await place.of(forge.url, data(forge, files))
    assert [one.size for one in parts.parts[0].objects] == [600]
    first, second = parts.notices
    assert first.startswith("2 files in Git LFS, 1 kB, came as pointers: ")
    assert "(600 bytes)" in first
    assert f"A new workspace gets 1 kB of them, and {MAX_OBJECTS} files, at most." in first
    assert "`git lfs pull`" in second


async def test_what_the_server_does_not_have_is_said(forge: Forge, place: Place) -> None:
    pointer = stored(forge, b"lost")
    forge.objects.clear()
    parts = await place.of(forge.url, data(forge, {"lost.bin": pointer}))
    assert parts.parts[0].objects == ()
    assert parts.notices[0] == (
        "One file in Git LFS, 4 bytes, came as pointers: lost.bin (4 bytes). "
        "Its server does not have them for everybody."
    )


async def test_files_in_lfs_of_a_private_repository(forge: Forge, place: Place) -> None:
    forge.tokens.add(TOKEN)
    await place.credentials.keep("alice", host_of(forge.url), Credential(TOKEN))
    commit = data(forge, {"a.bin": stored(forge, b"hers alone")})
    parts = await place.of(forge.private_url, commit, "alice")
    (hers,) = place.parts.objects(parts)
    assert hers.read_bytes() == b"hers alone"
    # What everybody gets of the same hash is another file.
    public = await place.of(forge.url, commit, launch="two")
    assert place.parts.objects(public) != [hers]


async def test_a_job_does_not_wait_for_what_takes_long(forge: Forge, place: Place) -> None:
    forge.tokens.add(TOKEN)
    await place.credentials.keep("alice", host_of(forge.url), Credential(TOKEN))
    commit = git(forge.work, "rev-parse", "HEAD")
    wanted = Wanted("one", forge.private_url, "main", commit, "alice")
    forge.hurry.clear()
    assert await place.parts.of(wanted, 0.1) is None
    forge.hurry.set()
    parts = await place.parts.of(wanted, SOON)
    assert parts is not None
    assert len(parts.parts) == 1


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (1500, "2 kB"), (1000 * 2**20, "1.0 GB"), (3.4e12, "3400.0 GB")],
)
def test_sizes_as_people_read_them(size: float, words: str) -> None:
    assert told(size) == words
