"""Contract 1: image references."""

import pytest
from shifter_double.reference import parse_reference


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("docker:lab/tool:1", "docker:lab/tool:1"),
        ("lab/tool:1", "docker:lab/tool:1"),
        ("localhost:5000/x:1", "docker:localhost:5000/x:1"),
        ("custom:mine:1", "custom:mine:1"),
        ("id:0a1b", "id:0a1b"),
        ("local:/opt/tree", "local:/opt/tree"),
        ("docker:repo@sha256:0a1b", "docker:repo@sha256:0a1b"),
        ("docker:la b/to$ol;:1", "docker:lab/tool:1"),
        ("custom:a/b:1", "custom:ab:1"),
        ("id:../../etc", "id:....etc"),
    ],
)
def test_type_default_and_dropped_characters(text: str, read_as: str) -> None:
    assert str(parse_reference(text, "docker")) == read_as


def test_nothing_left_is_no_image() -> None:
    assert parse_reference("docker:$$", "docker") is None
    assert parse_reference("", "docker") is None
