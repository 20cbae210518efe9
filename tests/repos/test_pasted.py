"""What people paste besides plain addresses: pages, files, other Binders' links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcbinderhub.errors import UserError
from hpcbinderhub.repos.pasted import parse_pasted
from hpcbinderhub.repos.spec import parse_link

SHA = "0123456789abcdef0123456789abcdef01234567"
GITHUB, GITLAB = "https://github.com/org/repo", "https://gitlab.com/group/sub/project"
GIST = "https://gist.github.com/user/0123456789abcdef"


@pytest.mark.parametrize(
    ("pasted", "url", "ref", "file"),
    [
        (f"{GITHUB}/blob/main/a/b%20c.ipynb", GITHUB, "main", "a/b c.ipynb"),
        (f"{GITHUB}/tree/refs/heads/main/docs", GITHUB, "main", "docs"),
        (f"{GITHUB}/commit/{SHA}", GITHUB, SHA, ""),
        (f"{GITHUB}/releases/tag/v1.2", GITHUB, "v1.2", ""),
        (f"{GITHUB}/issues/7", GITHUB, "HEAD", ""),
        ("https://raw.githubusercontent.com/org/repo/main/x.ipynb", GITHUB, "main", "x.ipynb"),
        (GITLAB, GITLAB, "HEAD", ""),
        (f"{GITLAB}.git", GITLAB, "HEAD", ""),
        (f"{GITLAB}/-/blob/dev/x.ipynb?ref_type=heads", GITLAB, "dev", "x.ipynb"),
        (f"{GITLAB}/-/tree/dev", GITLAB, "dev", ""),
        (GIST, GIST, "HEAD", ""),
        (f"{GIST}/{SHA}", GIST, SHA, ""),
        ("https://mybinder.org/v2/gh/org/repo/main?labpath=a.ipynb", GITHUB, "main", "a.ipynb"),
        (
            "https://hub.example.org/services/binder/v2/gh/org/repo/v1?urlpath=lab/tree/x.ipynb",
            GITHUB,
            "v1",
            "x.ipynb",
        ),
        ("https://mybinder.org/v2/gl/group%2Fsub%2Fproject/dev", GITLAB, "dev", ""),
    ],
)
def test_pages_files_and_links(pasted: str, url: str, ref: str, file: str) -> None:
    found = parse_pasted(pasted)
    assert (found.spec.repo_url, found.spec.ref, found.file) == (url, ref, file)


def test_a_ref_in_the_field_counts_more_than_one_in_the_address() -> None:
    for pasted in (
        f"{GITHUB}/tree/dev",
        f"{GITLAB}/-/tree/dev",
        "https://mybinder.org/v2/gh/o/r/x",
    ):
        assert parse_pasted(pasted, "main").spec.ref == "main"


@pytest.mark.parametrize(
    ("pasted", "sentence"),
    [
        (f"{GITHUB}/pull/12", "Pull requests"),
        (f"{GITLAB}/-/merge_requests/3", "Pull requests"),
        ("10.5281/zenodo.3242074", "Records with a DOI"),
        ("doi:10.5281/zenodo.3242074", "Records with a DOI"),
        ("https://doi.org/10.5281/zenodo.3242074", "Records with a DOI"),
        ("https://github.com/org", "not a repository"),
        ("https://gitlab.com/project", "not a project on GitLab"),
        ("https://gist.github.com/user/not-a-gist", "not a gist"),
        ("https://gist.github.com/user", "not a gist"),
        ("https://mybinder.org/v2/zenodo/10.5281/zenodo.3242074", "kind “zenodo”"),
    ],
)
def test_what_cannot_be_launched_yet_is_said(pasted: str, sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_pasted(pasted)
    assert sentence in refused.value.message
    assert refused.value.advice


@pytest.mark.parametrize("pasted", [GITHUB, GITLAB, GIST, "http://git/quickstart.git"])
def test_a_link_means_what_was_pasted(pasted: str) -> None:
    spec = parse_pasted(pasted, "v1").spec
    provider, _, rest = spec.path.partition("/")
    assert parse_link(provider, rest) == spec
    assert parse_pasted(f"https://hub.example.org/services/binder/v2/{spec.path}").spec == spec


@given(st.sampled_from(["github.com", "gitlab.com", "gist.github.com", "mybinder.org/v2"]),
       st.text(alphabet=st.sampled_from("ab/-._%~ \\\n:@#?=\u00e9"), max_size=40))  # fmt: skip
def test_nothing_dangerous_gets_through(host: str, path: str) -> None:
    try:
        spec = parse_pasted(f"https://{host}/{path}").spec
    except UserError:
        return
    for text in (spec.repo_url, spec.ref):
        assert text.isprintable()
        assert not text.startswith("-")
    assert spec.repo_url.startswith(("https://", "http://"))
    assert parse_link(*spec.path.split("/", 1)) == spec
