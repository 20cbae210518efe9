"""What is in a recipe's key, and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builds.commits import GROUND, ingredients, key
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcbinderhub.builds.contentfree.requirements import logical_lines
from hpcbinderhub.builds.ground import Ground
from hpcbinderhub.builds.request import PYTHON

LINES = st.sampled_from(
    [
        *("numpy\n", "scipy>=1\n", "# why\n", "-r more.txt\n", "-c pins.txt\n", "-e .\n", "./x\n"),
        *("x @ https://example.org/x.whl\n", "x @ file:///x\n", "--pre\n", "-f wheels\n"),
    ]
)
TEXTS = st.lists(LINES, max_size=4).map(lambda lines: "".join(lines).encode())
ENVIRONMENT = st.sampled_from(
    [
        *("requirements.txt", "more.txt", "pins.txt", "apt.txt", "runtime.txt", "environment.yml"),
        *("binder/requirements.txt", "binder/more.txt", ".binder/apt.txt", "pyproject.toml"),
        *("postBuild", "setup.py", "Dockerfile", "binder/postBuild", "uv.toml"),
    ]
)
CONTENT = st.sampled_from(
    ["a.ipynb", "src/b.py", "data/c.csv", "README.md", "notes.txt", "docs/requirements.txt"]
)
COMMITS = st.builds(
    lambda environment, content: environment | content,
    st.dictionaries(ENVIRONMENT, TEXTS, max_size=4),
    st.dictionaries(CONTENT, st.binary(max_size=8), max_size=3),
)


@settings(deadline=None)
@given(COMMITS, CONTENT, st.binary(max_size=8))
def test_a_notebook_a_script_or_data_leaves_the_key(
    commit: dict[str, bytes], path: str, text: bytes
) -> None:
    changed = commit | {path: text}
    if ingredients(commit) is not None:
        assert key(changed) == key(commit)
    elif changed != commit:
        assert key(changed) != key(commit)


@settings(deadline=None)
@given(COMMITS, COMMITS)
def test_one_key_is_made_from_the_same_files(
    one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    same = ingredients(one) == ingredients(other) and (ingredients(one) is not None or one == other)
    assert (key(one) == key(other)) == same


@settings(deadline=None)
@given(COMMITS)
def test_what_is_made_from_a_few_files_needs_no_other(commit: dict[str, bytes]) -> None:
    """Whoever has only those comes to the same decision: they say all that is asked for."""
    files = ingredients(commit)
    if files is not None:
        assert files.items() <= commit.items()
        assert ingredients(files) == files
        assert key(files) == key(commit)


@settings(deadline=None)
@given(COMMITS, ENVIRONMENT, TEXTS)
def test_a_file_of_the_environment_that_counts_changes_the_key(
    commit: dict[str, bytes], path: str, text: bytes
) -> None:
    changed = commit | {path: text}
    before, after = ingredients(commit), ingredients(changed)
    counts = before is None or after is None or path in before or path in after
    if changed != commit and counts:
        assert key(changed) != key(commit)


@pytest.mark.parametrize("commit", [{"requirements.txt": b"numpy\n"}, {"Dockerfile": b"FROM x\n"}])
@pytest.mark.parametrize(
    "change",
    [
        {"pythons": {PYTHON: "docker.io/library/debian:another"}},
        {"pythons": {"3.12": "docker.io/library/debian:bookworm"}},
        {"variables": {"PIP_INDEX_URL": "https://pypi.example.org/"}},
        {"folders": ("/home", "/scratch")},
    ],
)
def test_what_a_site_builds_on_is_in_every_key(
    commit: dict[str, bytes], change: dict[str, object]
) -> None:
    assert key(commit, replace(GROUND, **change)) != key(commit)


def test_of_several_pythons_the_one_that_is_asked_for_counts() -> None:
    newer = {"requirements.txt": b"numpy\n", "runtime.txt": b"python-3.13\n"}
    one = replace(GROUND, pythons={PYTHON: GROUND.pythons[PYTHON]})
    for commit, counts in ((newer, True), ({"requirements.txt": b"numpy\n"}, False)):
        assert (key(commit, one) != key(commit)) == counts
    other = replace(GROUND, pythons=GROUND.pythons | {"3.13": "docker.io/library/debian:forky"})
    assert key(newer, other) != key(newer)
    usual = dict(reversed(GROUND.pythons.items()))
    assert key({"setup.py": b""}, replace(GROUND, pythons=usual)) != key({"setup.py": b""})


def test_the_base_of_other_packs_is_in_the_keys_of_theirs() -> None:
    other = replace(GROUND, other_base="docker.io/library/debian:trixie")
    assert key({"requirements.txt": b"numpy\n"}, other) == key({"requirements.txt": b"numpy\n"})
    for commit in ({"environment.yml": b"name: x\n"}, {"Dockerfile": b"FROM x\n"}):
        assert key(commit, other) != key(commit)


def test_what_another_builder_makes_is_another_image() -> None:
    other = replace(GROUND, builder="ch-image")
    for commit in ({"requirements.txt": b"numpy\n"}, {"Dockerfile": b"FROM x\n"}):
        assert key(commit, other) != key(commit)


def test_a_digest_is_the_image_wherever_it_comes_from() -> None:
    def ground(image: str, environment: dict[str, str]) -> Ground:
        return Ground.of(
            pythons={PYTHON: image},
            other_base_image="x",
            environment=environment,
            mount_points=("/b", "/a", "/b"),
            builder="buildah",
        )

    here = ground("docker.io/library/debian@sha256:" + "a" * 64, {"https_proxy": "http://p:1"})
    there = ground("registry.example.org/debian:bookworm@sha256:" + "a" * 64, {"NO_PROXY": "x"})
    assert here == there
    assert here != ground("docker.io/library/debian@sha256:" + "b" * 64, {})
    assert here.folders == ("/a", "/b")


def test_what_is_not_everybody_s_is_its_reader_s() -> None:
    keys = {key({"requirements.txt": b""}, GROUND, reader) for reader in (None, "alice", "bob")}
    assert len(keys) == 3


def test_lines_are_put_together_as_both_programs_do() -> None:
    assert list(logical_lines("a \\\n b\n\n# c\nd # e\n")) == ["a  b", "d"]
