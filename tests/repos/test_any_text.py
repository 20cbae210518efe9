"""Any text at all, pasted or in a link: understood, or refused with two sentences."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hpcbinderhub.credentials.hosts import checked_host
from hpcbinderhub.errors import UserError
from hpcbinderhub.launches.options import LaunchOptions
from hpcbinderhub.repos.pasted import Pasted, parse_pasted
from hpcbinderhub.repos.spec import RepoSpec, checked_ref, parse_link

T = TypeVar("T")

DERANDOMIZED = settings(derandomize=True, max_examples=1500, deadline=None)

PIECES = (
    *("https://", "http://", "ssh://", "git@", "file://", "ext::", "//", "/", "\\", "-", "--", ":"),
    *("github.com", "gitlab.com", "gist.github.com", "zenodo.org", "figshare.com", "h.org"),
    *("mybinder.org/v2/", "gh/", "gl/", "git/", "gist/", "zenodo/", "swh/", "ckan/", "doi/"),
    *("org", "repo", ".git", "main", "HEAD", "tree/", "blob/", "raw/", "-/", "refs/heads/"),
    *("10.5281/zenodo.1", "10.1234/", "10.4211/hs.", "doi:", "swh:1:dir:", "0123456789abcdef" * 4),
    *("dataset/", "articles/", "resource/", "records/", "browse/revision/", "history/", "datei"),
    *("?labpath=", "?urlpath=lab/tree/", "?persistentId=", "?activity_id=", "&", "=", "#", ";"),
    *("user:secret@", "@", "..", ".", "%", "%2F", "%2E", "%00", "%0A", "%0D%0A", "%ff", "%2525"),
    *(" ", "\t", "\n", "\r", "\0", "\x7f", "\x85", "\u2028", "\u202e", "\u212a", "é", "😀", "٣"),
    *("oci:", "oci/", "@sha256:", "@sha256:" + "0123456789abcdef" * 4, ":latest"),
    *("[::1]", "127.0.0.1", "0x7f.1", "localhost", ":80", ":0", ":99999", "1" * 300, "a/" * 300),
)
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=9).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=6).map(lambda some: "https://" + "".join(some)),
    st.text(alphabet=st.characters(), max_size=60).map("https://github.com/o/r/blob/main/".__add__),
)
PROVIDERS = (
    *("gh", "gl", "git", "gist"),
    *("zenodo", "figshare", "dataverse", "hydroshare", "doi", "swh", "ckan", "oci"),
)


def understood(parse: Callable[..., T], *texts: str) -> T | None:
    """What it is, or None if it is refused in two sentences. Anything else is a defect."""
    try:
        return parse(*texts)
    except UserError as error:
        refusal = error
    assert refusal.message.endswith("."), refusal.message
    assert refusal.advice.endswith("."), refusal.advice
    return None


def check(spec: RepoSpec) -> None:
    """What is handed to Git, to a page and to a launch's options."""
    for argument in (spec.repo_url, spec.ref, spec.path):
        assert argument.isprintable()
        assert not argument.startswith("-")
        assert " " not in argument
    address = urlsplit(spec.repo_url)
    assert address.scheme in ("http", "https", "oci")
    assert "@" not in address.netloc
    assert address.netloc.isascii()
    provider, _, rest = spec.path.partition("/")
    assert parse_link(provider, rest) == spec
    assert parse_pasted(f"https://hub.example.org/services/binder/v2/{spec.path}").spec == spec


def options(pasted: Pasted) -> LaunchOptions:
    """As the spawner gets them in the end, and refuses what is not one line of text."""
    return LaunchOptions(
        launch="0" * 16, profile="regular", artefact="0" * 64, commit="0" * 40, workspace="x",
        repo_url=pasted.spec.repo_url, ref=pasted.spec.ref, spec=pasted.spec.path, open=pasted.file,
    )  # fmt: skip


@given(TEXTS, st.one_of(st.just(""), st.text(max_size=20)))
@example("https://github.com/org/repo%0A", "")
@example("https://github.com/org/repo/blob/main/a%0Ab.ipynb", "")
@example("https://mybinder.org/v2/gh/org/repo/main?labpath=a%00", "")
@example("https://github.com/org/repo.git.git", "")
@example("https://gitlab.com/group/project.git.git", "")
@example("https://gitlab.com/" + "group/" * 900, "")
@example("https://h.org/" + "😀" * 300, "")
@example("https://:@h.org/repo", "")
@example("https://\u212aernel.org/repo", "")
@example("10.1234/.", "")
@example(f"oci:h.org/x:1@sha256:{'0' * 64}", "")
@example(f"oci:[::1]:5000/x@sha256:{'0' * 64}", "")
@example(f"oci:x@sha256:{'0' * 64}\n", "")
@example(f"swh:1:dir:{'0' * 40}\n;origin=x", "")
@example("https://https://" + "1" * 300, "")
@example("https://h.org/repo", "\x85")
@example("https://h.org/repo", "\ud800")
@DERANDOMIZED
def test_whatever_is_pasted(text: str, ref: str) -> None:
    pasted = understood(parse_pasted, text, ref)
    if pasted:
        check(pasted.spec)
        options(pasted)


@given(st.sampled_from((*PROVIDERS, "", "hg")), TEXTS)
@example("gh", "org/repo%0A")
@example("doi", "10.1234/.")
@example("git", "https%3A%2F%2Fh.org%2Fx/-option")
@DERANDOMIZED
def test_whatever_a_link_says(provider: str, text: str) -> None:
    spec = understood(parse_link, provider, text)
    if spec:
        check(spec)


@given(TEXTS)
@DERANDOMIZED
def test_whatever_is_typed_as_a_branch_or_a_host(text: str) -> None:
    understood(checked_ref, text)
    understood(checked_host, text)


BEGINNINGS = (
    *(
        "",
        "10.1234/",
        "oci:",
        "oci:h.org/",
        "10.6084/m9.figshare.1",
        "ssh://git@",
        "git@",
        "swh:1:rev:",
        "doi:",
    ),
    *("https://github.com/", "https://gitlab.com/", "https://figshare.com/articles/"),
    *("https://h.org/dataset/", "https://h.org/x?persistentId=10.1/", "https://h.org/v2/gh/"),
)
REPEATED = (
    *("a", "/", ".", "-", "1", "a/", " ", "%", "%0a", "@", ":", ".git"),
    *("1111/", "/dataset/", "/dataset/x", "figshare.1"),
)


def cost(parse: Callable[..., object], *texts: str) -> float:
    """Seconds to understand or refuse it, of several tries the best."""
    best = float("inf")
    for _ in range(4):
        begun = time.thread_time()
        understood(parse, *texts)
        best = min(best, time.thread_time() - begun)
    return best


@pytest.mark.parametrize(
    ("parse", "provider", "beginning"),
    [
        *((parse_pasted, "", beginning) for beginning in BEGINNINGS),
        *((parse_link, provider, "org/repo/") for provider in PROVIDERS),
        *((parse_link, provider, "10.1234/figshare.1") for provider in PROVIDERS),
    ],
)
def test_what_is_long_takes_no_more_than_its_length(
    parse: Callable[..., object], provider: str, beginning: str
) -> None:
    """Eight times the text may take eight times the time, but not sixty-four times."""
    first = (provider,) if provider else ()
    for repeated in REPEATED:
        short, long = (
            beginning + repeated * (size // len(repeated)) + "!" for size in (4_000, 32_000)
        )
        assert cost(parse, *first, long) < 24 * cost(parse, *first, short), repeated
