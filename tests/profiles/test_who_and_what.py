"""Whose accounts a profile charges, and what is launched under it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hpcbinderhub.errors import NotAllowed
from hpcbinderhub.profiles import Profile
from hpcbinderhub.trust.policy import check_repository


def profile(**known: Any) -> Profile:
    return Profile.model_validate({"name": "p", "title": "P", "partition": "batch"} | known)


@pytest.mark.parametrize(
    ("takes", "wanted", "hers", "usual", "charged"),
    [
        ([], None, ["geo", "ml"], "ml", "ml"),
        ([], "geo", ["geo", "ml"], "ml", "geo"),
        ([], None, ["geo"], "", None),
        ([], None, [], "", None),
        (["geo"], None, ["ml", "geo"], "ml", "geo"),
        (["geo", "ml"], None, ["geo", "ml"], "ml", "ml"),
        (["geo"], "geo", ["ml", "geo"], "ml", "geo"),
    ],
)
def test_the_default_account_is_charged_unless_the_profile_is_for_others(
    takes: list[str], wanted: str | None, hers: list[str], usual: str, charged: str | None
) -> None:
    assert profile(accounts=takes).account(wanted, hers, usual) == charged


@pytest.mark.parametrize(
    ("takes", "wanted", "hers", "sentence"),
    [
        (["geo"], None, ["ml"], "is for accounts of which you have none. It takes geo."),
        (["geo"], "ml", ["ml"], "is for accounts of which you have none."),
        (["geo"], "ml", ["ml", "geo"], "charged to the account “ml”. Yours that it takes: geo."),
        ([], "root", ["ml"], "You may not charge the Slurm account “root”. Yours: ml."),
        ([], "root", [], "may not charge the Slurm account “root”. Yours: none."),
    ],
)
def test_nothing_is_charged_that_is_not_hers_and_the_profiles(
    takes: list[str], wanted: str | None, hers: list[str], sentence: str
) -> None:
    with pytest.raises(NotAllowed) as error:
        profile(accounts=takes).account(wanted, hers, "ml")
    assert sentence in str(error.value)


OURS = profile(images_allowed=["zenodo", "https://github.com/our-centre/*"])


@pytest.mark.parametrize(
    ("spec", "address"),
    [
        ("gh/our-centre/tides/main", "https://github.com/our-centre/tides"),
        ("git/https%3A%2F%2Fgithub.com/main", "https://GitHub.com/our-centre/tides.git"),
        ("zenodo/10.5281/zenodo.1", "https://doi.org/10.5281/zenodo.1"),
    ],
)
def test_what_a_profile_is_for_is_launched(spec: str, address: str) -> None:
    check_repository(OURS, spec, address)
    check_repository(profile(), spec, address)


@pytest.mark.parametrize(
    ("spec", "address"),
    [
        ("gh/others/tides/main", "https://github.com/others/tides"),
        ("git/x/main", "https://github.com/our-centre/../others/tides"),
        ("git/x/main", "https://github.com.evil.example.org/our-centre/tides"),
        ("pushed/ada/tides", "pushed://ada/tides"),
    ],
)
def test_what_it_is_not_for_is_refused(spec: str, address: str) -> None:
    with pytest.raises(NotAllowed, match=r"not for this repository\. It takes zenodo, https"):
        check_repository(OURS, spec, address)


def test_a_pattern_that_stands_for_nothing_is_no_pattern() -> None:
    with pytest.raises(ValidationError, match="no repository's address"):
        profile(images_allowed=["github"])
