"""What an address may lead to, with names that resolve to what a test says."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from repos.forge import Forge

from hpcbinderhub.errors import NotAllowed, UserError
from hpcbinderhub.repos.git import GitCache
from hpcbinderhub.repos.guard import Guard, Resolve
from hpcbinderhub.repos.spec import any_git

LOCAL = ["127.0.0.1/32"]


def names(**known: list[str]) -> Resolve:
    """A resolver that knows these names, with dots for underscores."""

    async def resolve(host: str, _port: int) -> list[str]:
        return known.get(host.replace(".", "_"), [host])

    return resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "::1", "::", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "::127.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::", "fec0::1", "ff02::1", "224.0.0.1",
    ],
)  # fmt: skip
async def test_what_is_inside_is_refused(address: str) -> None:
    guard = Guard(resolve=names(repo_example=[address]))
    with pytest.raises(NotAllowed, match="inside a network"):
        await guard.way_to("https://repo.example/x.git")


async def test_one_address_inside_is_enough(forge: Forge) -> None:
    guard = Guard(resolve=names(repo_example=["93.184.216.34", "10.0.0.1"]))
    with pytest.raises(NotAllowed):
        await guard.way_to("https://repo.example/x.git")


@pytest.mark.parametrize(
    "literal", ["http://127.0.0.1/x", "http://2130706433/x", "http://0x7f.1/x"]
)
async def test_other_spellings_of_an_address_are_that_address(literal: str) -> None:
    with pytest.raises((NotAllowed, UserError)):
        await Guard().way_to(literal)


async def test_lists_of_hosts() -> None:
    guard = Guard(["*.example.org", "github.com"], ["bad.example.org"], resolve=names())
    for host in ("bad.example.org", "BAD.example.org", "example.com", "example.org"):
        with pytest.raises(NotAllowed, match="takes no repositories from"):
            await guard.addresses(host, 443)
    assert await Guard(["github.com"], resolve=names(github_com=["140.82.121.4"])).addresses(
        "github.com", 443
    ) == ["140.82.121.4"]


async def test_git_connects_to_what_was_looked_at(forge: Forge, tmp_path: Path) -> None:
    """The name is known to nobody but the guard, so Git can only have the guard's address."""
    (tmp_path / "cache").mkdir()
    guard = Guard(private=LOCAL, resolve=names(repo_example=["127.0.0.1"]))
    cache = GitCache(tmp_path / "cache", 20, guard)
    spec = any_git(forge.url.replace("127.0.0.1", "repo.example"), "main")
    commit = await cache.resolve(spec)
    await cache.fetch(spec, commit)
    assert await cache.tree(spec.repo_url, commit)


async def test_a_redirect_is_followed_where_it_may(forge: Forge, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    cache = GitCache(tmp_path / "cache", 20, Guard(private=LOCAL))
    spec = any_git(forge.url.replace("/repo.git", "/moved/repo.git"), "main")
    assert await cache.resolve(spec) == await cache.resolve(any_git(forge.url, "main"))


async def test_a_redirect_inwards_is_refused(forge: Forge) -> None:
    with pytest.raises(NotAllowed, match=r"127\.0\.0\.2 is inside"):
        await Guard(private=LOCAL).way_to(forge.url.replace("/repo.git", "/inwards/repo.git"))


async def test_redirects_end(forge: Forge) -> None:
    url = forge.url.replace("/repo.git", "/moved" * 9 + "/repo.git")
    with pytest.raises(UserError, match="without end"):
        await Guard(private=LOCAL).way_to(url)


async def test_a_proxy_is_trusted_with_names_but_not_with_hosts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example.org:3128")
    guard = Guard(denied=["bad.example.org"])
    assert (await guard.way_to("https://good.example.org/x")).pin == ""
    with pytest.raises(NotAllowed):
        await guard.way_to("https://bad.example.org/x")


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """A proxy that lets nothing through, and what it was asked for."""
    asked: list[str] = []

    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(403)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    for name in ("http_proxy", "no_proxy"):
        for variable in (name, name.upper()):
            monkeypatch.delenv(variable, raising=False)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


async def test_git_takes_the_proxy_that_the_guard_counts_on(
    forge: Forge, tmp_path: Path, proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git itself reads this variable in small letters alone, and would go where nobody looked."""
    address, asked = proxy
    monkeypatch.setenv("HTTP_PROXY", address)
    with pytest.raises(UserError):
        await GitCache(tmp_path, 20, Guard()).resolve(any_git(forge.url, "main"))
    assert asked
    assert asked[0].startswith(forge.url)


async def test_a_host_that_needs_no_proxy_is_looked_at(
    forge: Forge, proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hosts that a site lists there are most often those inside."""
    monkeypatch.setenv("http_proxy", proxy[0])
    monkeypatch.setenv("no_proxy", "127.0.0.1,.internal.example.org")
    with pytest.raises(NotAllowed, match="inside a network"):
        await Guard().way_to(forge.url)
    assert (await Guard(private=LOCAL).way_to(forge.url)).pin
