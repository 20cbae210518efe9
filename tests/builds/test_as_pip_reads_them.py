"""Nothing that is taken for remote is resolved locally by pip, whatever lies around."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from builds.commits import ingredients
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pip._internal.exceptions import InstallationError
from pip._internal.index.collector import LinkCollector
from pip._internal.index.package_finder import PackageFinder
from pip._internal.models.search_scope import SearchScope
from pip._internal.models.selection_prefs import SelectionPreferences
from pip._internal.network.session import PipSession
from pip._internal.req.constructors import install_req_from_parsed_requirement
from pip._internal.req.req_file import parse_requirements

PIECES = st.sampled_from(
    [
        *("numpy", "thing", "thing.zip", "thing-1.0.whl", ".", "./thing", "thing/", "..", "a/b"),
        *("==1.0", ">=1", "===1.0.zip", "===./x", "[x]", "; python_version>'3'", " @ ", "@"),
        *("https://h.org/x", "git+https://h.org/x", "file:///tmp", "file:thing", "git+file:x"),
        *("-e ", "-r ", "-c ", "-f ", "-i ", "--find-links=", "--index-url ", "--pre", "--hash="),
        *("sha256:ab", "more.txt", "${HOME}", "#", " # x", "\\\n", "\n", "\r", "\t", " ", "  "),
        *("'", '"', "~", "--editable=", "--no-index", "\x0b", "\u2028", "http:", "//", "C:\\x"),
    ]
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which much is there that lines of the test could mean."""
    for name in ("numpy", "thing", "a/b", "x", "simple", "wheels"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "setup.py").write_text("")
    for name in ("thing.zip", "thing-1.0.whl", "numpy===1.0.zip", "thing==1.0.zip"):
        (tmp_path / name).write_text("")
    (tmp_path / "more.txt").write_text("scipy\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def locally(file: Path) -> list[str]:
    """What pip would take from this host for a requirements file."""
    session = PipSession()
    finder = PackageFinder.create(
        link_collector=LinkCollector(session, SearchScope.create([], [], False)),
        selection_prefs=SelectionPreferences(allow_yanked=False),
    )
    found = []
    for parsed in parse_requirements(str(file), session, finder=finder):
        wanted = install_req_from_parsed_requirement(parsed)
        if wanted.editable or (wanted.link and wanted.link.is_file):
            found.append(str(wanted))
    scope = finder.search_scope
    addresses = [*scope.find_links, *scope.index_urls]
    return found + [one for one in addresses if urlsplit(one).scheme not in ("http", "https")]


def listed(around: Path) -> dict[str, bytes]:
    """The folder as a commit."""
    paths = [path for path in around.rglob("*") if path.is_file()]
    return {path.relative_to(around).as_posix(): path.read_bytes() for path in paths}


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None
)
@given(TEXTS)
@example("thing @ https://h.org/x\nnumpy[x]>=1 # x\n-r more.txt\n")
@example("thing.zip")
@example("numpy===./x")
@example("-f wheels\n")
def test_what_is_taken_for_remote_is_not_local_to_pip(around: Path, text: str) -> None:
    (around / "requirements.txt").write_bytes(text.encode())
    if ingredients(listed(around)) is not None:
        # What pip refuses, the build will.
        with suppress(InstallationError):
            assert locally(around / "requirements.txt") == []


def test_the_comparison_sees_what_is_local(around: Path) -> None:
    file = around / "requirements.txt"
    file.write_text("./thing\n-e x\nthing.zip\n-f wheels\nthing @ https://h.org/x\nnumpy\n")
    assert len(locally(file)) == 4
    assert ingredients(listed(around) | {"requirements.txt": b"numpy\n"}) is not None


def test_a_folder_that_looks_like_an_address(around: Path) -> None:
    file = around / "requirements.txt"
    file.write_text("thing @ https://h.org/x\n")
    assert ingredients(listed(around)) is not None
    (around / "thing @ https:/h.org/x").mkdir(parents=True)
    (around / "thing @ https:/h.org/x/setup.py").write_text("")
    assert len(locally(file)) == 1
    assert ingredients(listed(around)) is None
