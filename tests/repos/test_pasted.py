"""What people paste besides plain addresses: pages, files, other Binders' links."""

from __future__ import annotations

import pytest

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
        ("10.5281/", "not the address of a Git repository"),
        ("10.5281/zenodo.<b>", "is not a DOI"),
        ("swh:1:rev:0123", "is not an id of Software Heritage"),
        (f"swh:1:cnt:{SHA}", "Only directories, revisions and releases"),
        ("git@git.example.org:org/repo.git", "what git.example.org is called over https"),
        ("https://hub.example.org/v2/ckan/https%3A%2F%2Fx.org%2Fy", "not the address of a dataset"),
        ("https://hub.example.org/v2/hydroshare/abc", "is not a resource of HydroShare"),
        ("https://github.com/org", "not a repository"),
        ("https://gitlab.com/project", "not a project on GitLab"),
        ("https://gist.github.com/user/not-a-gist", "not a gist"),
        ("https://gist.github.com/user", "not a gist"),
        ("https://mybinder.org/v2/hg/https%3A%2F%2Fx.org%2Fy/tip", "kind “hg”"),
    ],
)
def test_what_cannot_be_launched_yet_is_said(pasted: str, sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_pasted(pasted)
    assert sentence in refused.value.message
    assert refused.value.advice


DOI, RESOURCE = "https://doi.org/", "8f7c2f0341ef4180b0dbe97f59130756"
HYDROSHARE = f"https://www.hydroshare.org/resource/{RESOURCE}"
HERITAGE = "https://archive.softwareheritage.org"


@pytest.mark.parametrize(
    ("pasted", "path", "url"),
    [
        *(
            (text, "zenodo/10.5281/zenodo.301", f"{DOI}10.5281/zenodo.301")
            for text in (
                "10.5281/zenodo.301",
                "doi:10.5281/zenodo.301",
                "https://dx.doi.org/10.5281/zenodo.301",
                "https://zenodo.org/records/301",
                "https://zenodo.org/record/301/files/a.ipynb?download=1",
                "https://zenodo.org/doi/10.5281/zenodo.301",
                "https://mybinder.org/v2/zenodo/10.5281/zenodo.301/",
            )
        ),
        *(
            (
                f"https://{host}.com/articles/{page}/9782777/2",
                "figshare/10.6084/m9.figshare.9782777.v2",
                f"{DOI}10.6084/m9.figshare.9782777.v2",
            )
            for host, page in (("figshare", "dataset/Some_title"), ("monash.figshare", "title"))
        ),
        (
            "https://data.example.org/dataset.xhtml?persistentId=doi:10.7910/DVN/TJCLKP",
            "dataverse/10.7910/DVN/TJCLKP",
            f"{DOI}10.7910/DVN/TJCLKP",
        ),
        (f"{HYDROSHARE}/", f"hydroshare/{RESOURCE}", HYDROSHARE),
        (f"https://hub.example.org/v2/hydroshare/{RESOURCE}", f"hydroshare/{RESOURCE}", HYDROSHARE),
        (f"swh:1:dir:{SHA}", f"swh/swh:1:dir:{SHA}", f"{HERITAGE}/swh:1:dir:{SHA}"),
        (
            f"{HERITAGE}/swh:1:rev:{SHA};origin=https://example.org/x/",
            f"swh/swh:1:rev:{SHA}",
            f"{HERITAGE}/swh:1:rev:{SHA}",
        ),
        (
            f"{HERITAGE}/browse/directory/{SHA}/?path=a",
            f"swh/swh:1:dir:{SHA}",
            f"{HERITAGE}/swh:1:dir:{SHA}",
        ),
        (
            "https://data.example.org/en/dataset/rain/resource/12",
            "ckan/https%3A%2F%2Fdata.example.org%2Fen%2Fdataset%2Frain",
            "https://data.example.org/en/dataset/rain",
        ),
        ("10.1234/of-another", "doi/10.1234/of-another", f"{DOI}10.1234/of-another"),
    ],
)
def test_records(pasted: str, path: str, url: str) -> None:
    spec = parse_pasted(pasted).spec
    assert (spec.path, spec.repo_url, spec.ref) == (path, url, "HEAD")
    assert parse_pasted(f"https://hub.example.org/services/binder/v2/{path}").spec == spec


def test_a_record_has_no_branches() -> None:
    assert parse_pasted("10.5281/zenodo.301", "HEAD") == parse_pasted("10.5281/zenodo.301")
    with pytest.raises(UserError, match="A record has no branches"):
        parse_pasted("10.5281/zenodo.301", "main")


@pytest.mark.parametrize(
    ("pasted", "url"),
    [
        ("git@github.com:org/repo.git", GITHUB),
        ("ssh://git@github.com/org/repo", GITHUB),
        ("ssh://git@gitlab.com:22/group/sub/project.git", GITLAB),
        ("git@codeberg.org:org/repo.git", "https://codeberg.org/org/repo.git"),
    ],
)
def test_known_forges_have_an_https_address_for_every_ssh_address(pasted: str, url: str) -> None:
    assert parse_pasted(pasted).spec.repo_url == url


def test_a_ref_in_the_field_says_where_the_file_begins() -> None:
    page = f"{GITHUB}/blob/feature/x/docs/a.ipynb"
    found = parse_pasted(page, "feature/x")
    assert (found.spec.ref, found.file, found.is_open) == ("feature/x", "docs/a.ipynb", False)
    assert parse_pasted(page).is_open


@pytest.mark.parametrize("pasted", [GITHUB, GITLAB, GIST, "http://git/quickstart.git"])
def test_a_link_means_what_was_pasted(pasted: str) -> None:
    spec = parse_pasted(pasted, "v1").spec
    provider, _, rest = spec.path.partition("/")
    assert parse_link(provider, rest) == spec
    assert parse_pasted(f"https://hub.example.org/services/binder/v2/{spec.path}").spec == spec
