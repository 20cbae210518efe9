"""Which repositories a site's patterns stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traitlets import TraitError

from hpcbinderhub.site import Site
from hpcbinderhub.trust.addresses import checked_pattern, is_among, own_patterns, plain

CENTRE = "https://github.com/our-centre/*"
GROUP = "https://gitlab.example.org/{user}/*"


def trusted(url: str, *patterns: str) -> bool:
    address = plain(url)
    return address is not None and is_among(address, map(checked_pattern, patterns))


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/our-centre/tides",
        "https://github.com/our-centre/tides.git",
        "https://github.com/our-centre/tides/",
        "https://GitHub.com/our-centre/tides",
        "https://github.com:443/our-centre/tides",
        "https://github.com/our-centre/group/tides",
    ],
)
def test_what_is_below_is_meant(url: str) -> None:
    assert trusted(url, CENTRE)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/our-centre",
        "https://github.com/our-centre-of-evil/tides",
        "https://github.com/evil/our-centre/tides",
        "https://github.com/our-centre/../evil/tides",
        "https://github.com/our-centre/./tides",
        "https://github.com/our-centre//tides",
        "https://github.com/our-centre/%2e%2e/evil/tides",
        "https://github.com/our-centre%2f..%2fevil/tides",
        "https://github.com/our-centre\\..\\evil/tides",
        "https://github.com/our-centre/?x=/../evil",
        "https://github.com/our-centre/tides?",
        "https://github.com/our-centre/tides#",
        "https://github.com@evil.example.org/our-centre/tides",
        "https://@github.com/our-centre/tides",
        "https://github.com.evil.example.org/our-centre/tides",
        "https://github.com:8443/our-centre/tides",
        "https://github.com:x/our-centre/tides",
        "http://github.com/our-centre/tides",
        "https://github.com/Our-Centre/tides",
        "https://github.com/our-centre/tidés",
        "https://github.com/our-centre/.git",
    ],
)
def test_what_only_looks_like_it_is_not(url: str) -> None:
    assert not trusted(url, CENTRE)


def test_an_address_alone_means_itself() -> None:
    one = "https://git.example.org/group/tides"
    assert trusted(f"{one}.git", one)
    assert not trusted(f"{one}2", one)
    assert not trusted(f"{one}/more", one)


def test_a_whole_host_can_be_trusted() -> None:
    assert trusted("https://git.example.org/group/tides", "https://git.example.org/*")
    assert not trusted("https://git.example.org.evil/x", "https://git.example.org/*")


def test_the_place_of_the_name_is_the_users_own() -> None:
    assert own_patterns([GROUP], "alice") == ["https://gitlab.example.org/alice/*"]
    assert is_among("https://gitlab.example.org/alice/x", own_patterns([GROUP], "alice"))
    assert not is_among("https://gitlab.example.org/bob/x", own_patterns([GROUP], "alice"))


@pytest.mark.parametrize("name", ["*", "..", "a/b", "", "a b", "%2e%2e", "{user}"])
def test_a_name_that_is_no_part_of_an_address_owns_nothing(name: str) -> None:
    assert own_patterns([GROUP], name) == []


@given(st.text(), st.text(alphabet="/.%?#@:\\*abgit", max_size=20))
def test_no_spelling_leads_out_of_what_is_trusted(head: str, tail: str) -> None:
    for url in (head, f"https://github.com/our-centre/{tail}", f"https://github.com{tail}"):
        address = plain(url)
        assert address is None or plain(address) in (address, None)
        if trusted(url, CENTRE):
            assert url.split("/")[2:4] in (
                ["github.com", "our-centre"],
                ["github.com:", "our-centre"],
            )
            assert ".." not in url.split("/")


@pytest.mark.parametrize(
    ("trait", "pattern", "words"),
    [
        ("trusted_repositories", "github.com/our-centre/*", "is no repository's address"),
        ("trusted_repositories", "https://*.example.org/x", "is no repository's address"),
        ("trusted_repositories", "https://github.com/our-*", "is no repository's address"),
        ("trusted_repositories", "*", "is no repository's address"),
        ("trusted_repositories", "https://gitlab.example.org/{user}/*", "is no repository's"),
        ("own_repositories", "https://gitlab.example.org/*", "needs /{user}/ once"),
        ("own_repositories", "https://{user}.example.org/*", "needs /{user}/ once"),
        ("own_repositories", "https://gitlab.example.org/{user}/../*", "is no repository's"),
    ],
)
def test_a_pattern_that_means_nothing_stops_the_service(
    trait: str, pattern: str, words: str
) -> None:
    with pytest.raises(TraitError, match=words):
        Site(**{trait: [pattern]})
