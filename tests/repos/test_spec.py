"""What people paste, and what must never get further than here."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize(
    ("provider", "spec"),
    [
        ("gh", "org/repo%0A"),
        ("gh", "org%0A/repo"),
        ("gl", "group%2Fproject%0A"),
        ("gist", "user%0A/0123456789"),
        ("swh", f"swh:1:dir:{'0' * 40}%0A;origin=x"),
        ("git", "https%3A%2F%2Fexample.org%2Frepo/main%C2%85x"),
    ],
)
def test_a_line_break_at_the_end_of_a_name_is_no_part_of_it(provider: str, spec: str) -> None:
    with pytest.raises(UserError):
        parse_link(provider, spec)


@pytest.mark.parametrize(
    "pasted",
    [
        "https://github.com/org/repo/blob/main/a%0Ab.ipynb",
        "https://mybinder.org/v2/gh/org/repo/main?labpath=a%00.ipynb",
    ],
)
def test_a_file_whose_name_no_launch_can_hold_is_refused_at_once(pasted: str) -> None:
    with pytest.raises(UserError, match="names a file with a line break"):
        parse_pasted(pasted)


@pytest.mark.parametrize("address", ["https://@example.org/x", "https://:@example.org/x"])
def test_an_empty_user_name_is_one_all_the_same(address: str) -> None:
    with pytest.raises(UserError, match="user name or password"):
        parse_pasted(address)


def test_a_host_that_only_looks_like_another_is_refused() -> None:
    """The Kelvin sign in lower case is a k, so the guard would look at another host than Git."""
    with pytest.raises(UserError, match="not the address"):
        parse_pasted("https://\u212aernel.org/repo")


@pytest.mark.parametrize(
    "pasted", ["https://github.com/org/repo.git.git", "https://gitlab.com/org/repo.git.git"]
)
def test_an_ending_that_is_there_twice_goes_at_once(pasted: str) -> None:
    """Else the link would name another repository than what was pasted."""
    assert parse_pasted(pasted).spec.repo_url.endswith("/org/repo")


def test_a_doi_does_not_end_with_the_sentence_it_stood_in() -> None:
    assert parse_pasted("10.5281/zenodo.301.").spec.repo_url == "https://doi.org/10.5281/zenodo.301"
    with pytest.raises(UserError, match="is not a DOI"):
        parse_pasted("10.1234/.")


@pytest.mark.parametrize(
    "address", [f"https://gitlab.com/{'group/' * 60}x", f"https://example.org/{'é' * 200}"]
)
def test_what_is_longer_than_a_launch_can_hold_is_refused_at_once(address: str) -> None:
    with pytest.raises(UserError):
        parse_pasted(address)
