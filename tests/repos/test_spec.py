"""What people paste, and what must never get further than here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcbinderhub.errors import UserError
from hpcbinderhub.repos.pasted import parse_pasted
from hpcbinderhub.repos.spec import RepoSpec, parse_link


@pytest.mark.parametrize(
    ("pasted", "url", "ref", "file"),
    [
        ("https://github.com/org/repo", "https://github.com/org/repo", "HEAD", ""),
        ("https://github.com/org/repo.git", "https://github.com/org/repo", "HEAD", ""),
        ("https://github.com/org/repo/tree/dev", "https://github.com/org/repo", "dev", ""),
        (
            "https://github.com/org/repo/blob/main/a/b.ipynb",
            "https://github.com/org/repo",
            "main",
            "a/b.ipynb",
        ),
        ("org/repo", "https://github.com/org/repo", "HEAD", ""),
        ("http://git/quickstart.git", "http://git/quickstart.git", "HEAD", ""),
        ("  https://example.org:8443/x/y.git/  ", "https://example.org:8443/x/y.git", "HEAD", ""),
    ],
)
def test_what_people_paste(pasted: str, url: str, ref: str, file: str) -> None:
    found = parse_pasted(pasted)
    assert (found.spec.repo_url, found.spec.ref, found.file) == (url, ref, file)


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "hello world",
        "file:///etc/passwd",
        "ext::sh -c id",
        "--upload-pack=id",
        "https://",
        "https://example.org",
        "https://-oProxyCommand=id/x",
        "https://example.org/x\nhttps://example.org/y",
        "https://example.org/$(id)'\"",
        "https://example.org:99999/x",
        "https://[::1/x",
    ],
)
def test_what_is_no_repository_gets_a_sentence(pasted: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_pasted(pasted)
    assert "not the address of a Git repository" in refused.value.message
    assert "https://" in refused.value.advice


@pytest.mark.parametrize(
    "pasted",
    ["/", "//", "/scratch/../etc", "/scratch/./x", "/scratch//x", "/scratch/a\nb", "/a" * 600],
)
def test_what_is_no_path_gets_a_sentence(pasted: str) -> None:
    with pytest.raises(UserError, match="is not the path of a repository"):
        parse_pasted(pasted)


def test_paths_and_what_was_pushed_are_told_by_their_addresses() -> None:
    spec = parse_pasted(" /scratch/alice/my repo/ ", "main").spec
    assert spec == RepoSpec("path", "/scratch/alice/my repo", "main")
    assert spec.path == "path/%2Fscratch%2Falice%2Fmy%20repo/main"
    spec = parse_link("pushed", "a%2Fb%40example.org/soundings")
    assert spec == RepoSpec("pushed", "pushed://a%2Fb%40example.org/soundings", "HEAD")
    assert spec.path == "pushed/a%2Fb%40example.org/soundings/HEAD"
    for wrong in ("alice", "alice/", "/soundings", "alice/..", "alice/%2e%2e/HEAD", "alice/a%2Fb"):
        with pytest.raises(UserError, match="cannot be the name of a pushed repository"):
            parse_link("pushed", wrong)


@pytest.mark.parametrize("pasted", ["git@git.example.org:org/repo.git", "ssh://git@host/repo"])
def test_ssh_is_refused_for_what_it_is(pasted: str) -> None:
    with pytest.raises(UserError, match="over SSH"):
        parse_pasted(pasted)


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(UserError) as refused:
        parse_pasted("https://alice:s3cret@example.org/repo.git")
    assert "credentials" in refused.value.advice
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "ref",
    ["--upload-pack=id", "-x", "+main", "a..b", "a b", "a\nb", "a~1", "a:b", "@{1}", "x.lock"],
)
def test_refs_that_git_could_misread_are_refused(ref: str) -> None:
    with pytest.raises(UserError, match="cannot be the name of a branch"):
        parse_pasted("https://example.org/repo", ref)


def test_links_come_back_as_they_were_made() -> None:
    for text, ref in (
        ("org/repo", "feature/x"),
        ("http://git/a b.git".replace(" ", "-"), "v1.0"),
        ("/scratch/alice/my repo", "feature/x"),
        ("https://hub/services/binder/v2/pushed/a%40b/soundings/main", ""),
    ):
        spec = parse_pasted(text, ref).spec
        provider, _, rest = spec.path.partition("/")
        assert parse_link(provider, rest) == spec


@given(st.text(), st.text())
def test_anything_is_either_parsed_or_refused(text: str, ref: str) -> None:
    try:
        spec = parse_pasted(text, ref).spec
    except UserError as error:
        refusal = error
    else:
        refusal = None
        assert spec.repo_url.startswith(("http://", "https://", "/"))
        assert not spec.ref.startswith(("-", "+"))
        assert spec.repo_url.isprintable()
        assert spec.ref.isprintable() or spec.ref.strip()
    assert refusal is None or (refusal.message and refusal.advice)
