"""An image's layers as one tree, against what `umoci` unpacks of them."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from images.layers import Item, Tree, by_umoci, by_unsquashfs, file, folder, layer, link, symlink

from hpcbinderhub.builds.request import Artefact
from hpcbinderhub.images import convert
from hpcbinderhub.images.layers.entry import BadLayer
from hpcbinderhub.images.layers.flatten import Flattening
from hpcbinderhub.images.layers.tar import TarWriter

LIMIT = 1 << 20

needs_tools = pytest.mark.skipif(
    None in map(shutil.which, ("umoci", "mksquashfs", "unsquashfs")),
    reason="umoci or squashfs-tools are not installed on this host",
)


def flatten(layers: Sequence[bytes], stream: IO[bytes], limit: int = LIMIT) -> None:
    """Layers, from the lowest up, as one tar stream."""
    flattening = Flattening(TarWriter(stream, limit))
    for data in reversed(layers):
        flattening.take(io.BytesIO(data))
    flattening.end(())


def ours(layers: Sequence[bytes], scratch: Path) -> Tree:
    """What is in the artefact of an image."""
    scratch.mkdir(exist_ok=True)
    place = convert.Place(scratch, "here")
    *_lines, made = convert.from_stream(lambda stream: flatten(layers, stream), place, dict)
    assert isinstance(made, Artefact)
    return by_unsquashfs(made.path, scratch / "unsquashed")


LONG = "a-name-of-some-length/" * 8

IMAGES = {
    "a file replaced": [[file("a", "old"), file("b")], [file("a", "new", 0o600)]],
    "a file taken away": [[folder("d"), file("d/a"), file("d/b")], [file("d/.wh.a")]],
    "a folder taken away": [[folder("d"), file("d/a"), file("b")], [file(".wh.d")]],
    "a folder taken away and made anew": [
        [folder("d"), file("d/a"), file("d/b")],
        [file(".wh.d")],
        [folder("d", 0o700), file("d/c")],
    ],
    "an opaque folder": [
        [folder("d"), folder("d/e"), file("d/e/a"), file("d/b")],
        [folder("d"), file("d/.wh..wh..opq"), file("d/c")],
    ],
    "an opaque folder whose own files come first": [
        [folder("d"), file("d/a")],
        [folder("d"), file("d/c"), file("d/.wh..wh..opq")],
    ],
    "an opaque root": [[folder("d"), file("d/a")], [file(".wh..wh..opq"), file("b")]],
    "taken away, and there again, in one layer": [
        [folder("d"), file("d/a"), file("d/b")],
        [file(".wh.d"), folder("d"), file("d/c")],
    ],
    "a folder becomes a file": [[folder("d"), file("d/a")], [file("d", "x")]],
    "a file becomes a folder": [[file("d", "x")], [folder("d"), file("d/a")]],
    "a folder becomes a link": [[folder("d"), file("d/a"), folder("e")], [symlink("d", "e")]],
    "a link becomes a folder": [[symlink("d", "e"), folder("e")], [folder("d"), file("d/a")]],
    "further names": [[file("a", "x"), link("b", "a"), link("c", "b")]],
    "a file whose first name is taken away": [
        [file("a", "x"), link("b", "a"), link("c", "a")],
        [file(".wh.a")],
    ],
    "a file whose first name is replaced": [
        [file("a", "x"), link("b", "a"), link("c", "b")],
        [file("a", "y")],
    ],
    "a file whose first two names are gone": [
        [file("a", "x"), link("b", "a"), link("c", "b"), link("d", "c")],
        [file(".wh.a"), file("b", "y")],
    ],
    "a further name of a file of a layer below": [[file("a", "x")], [link("b", "a")]],
    "and of one that is replaced above": [[file("a", "x")], [link("b", "a")], [file("a", "y")]],
    "and of one that is replaced beside it": [[file("a", "x")], [link("b", "a"), file("a", "y")]],
    "and of one that has further names itself": [
        [file("a", "x"), link("b", "a")],
        [link("c", "b")],
        [link("d", "c"), file(".wh.a")],
    ],
    "devices and pipes": [
        [Item("null", "device"), Item("pipe", "pipe"), file("a"), file("b")],
        [Item("a", "device"), Item("b", "pipe")],
    ],
    "setuid, setgid, sticky, and closed": [
        [file("s", mode=0o6755), folder("g", 0o2770), folder("t", 0o1777), file("c", mode=0)]
    ],
    "links that lead out": [[symlink("a", "/etc/shadow"), symlink("b", "../../../etc/passwd")]],
    "long names": [
        [file(LONG + "x" * 90, "long"), symlink("s", LONG * 3), link("l", LONG + "x" * 90)]
    ],
    "names that are no words": [[file("ä b\n'\"\\"), file("-rf"), file("*")]],
    "folders by their content alone": [[file("d/e/a")], [file("d/e/b"), file("d/.wh.x")]],
    "a folder after its content": [[file("d/a"), folder("d", 0o711)]],
    "an empty layer": [[file("a")], []],
}


@needs_tools
@pytest.mark.parametrize("items", IMAGES.values(), ids=IMAGES)
@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_the_tree_is_what_umoci_unpacks(
    items: list[list[Item]], format: int, tmp_path: Path
) -> None:
    layers = [layer(each, format) for each in items]
    expected = by_umoci(tmp_path / "umoci", layers)
    assert expected is not None
    assert ours(layers, tmp_path / "ours") == expected


REFUSED = {
    "out by its name": [[file("../a")]],
    "out in the middle": [[file("a/../../b")]],
    "out by a further name": [[link("a", "../../etc/passwd")]],
    "too deep": [[file("a/" * 300 + "b")]],
    "too long": [[file("a" * 256)]],
    "a whiteout of nothing": [[file("d/.wh.")]],
    "a whiteout of what is above": [[file("d/.wh...")]],
    "through a link": [[symlink("d", "/etc"), file("d/passwd")]],
    "through a link of a layer below": [[symlink("d", "/etc")], [file("d/passwd")]],
    "through a link that a folder replaces": [
        [symlink("d", "/etc")],
        [file("d/passwd")],
        [folder("d")],
    ],
    "through a file": [[file("d"), file("d/a")]],
    "one file twice": [[file("a", "x"), file("a", "y")]],
    "a folder and a file": [[folder("a"), file("a", "y")]],
    "a further name of nothing": [[link("a", "b")]],
    "a further name of itself": [[link("a", "a")]],
    "a further name of a folder": [[folder("d"), link("a", "d")]],
    "a further name of what is taken away": [[file("a")], [file(".wh.a")], [link("b", "a")]],
    "a further name of what is in a folder taken away": [
        [folder("d"), file("d/a")],
        [file(".wh.d")],
        [link("b", "d/a")],
    ],
    "the root as a file": [[file(".")]],
    "a link to nowhere": [[symlink("a", "")]],
    "too large": [[file("a", "x" * (LIMIT + 1))]],
}


@pytest.mark.parametrize("items", REFUSED.values(), ids=REFUSED)
def test_what_no_builder_makes_is_refused(items: list[list[Item]]) -> None:
    with pytest.raises(BadLayer, match="cannot be converted"):
        flatten([layer(each) for each in items], io.BytesIO())


@given(st.binary(max_size=2000), st.integers(0, 3000))
def test_broken_layers_are_refused_and_nothing_else(noise: bytes, cut: int) -> None:
    good = layer([folder("d"), file("d/a", "x" * 700), link("b", "d/a"), file(LONG)])
    for broken in (noise, good[:cut] + noise + good[cut + len(noise) :], good[:cut]):
        with suppress(BadLayer):
            flatten([broken], io.BytesIO())


names = st.sampled_from(["a", "b", "c", "d/a", "d/b", "d/e/a", "d", "d/e", "e"])
items = st.one_of(
    st.builds(file, names, st.sampled_from(["x", "y"]), st.sampled_from([0o644, 0o4700])),
    st.builds(folder, names, st.sampled_from([0o755, 0o700])),
    st.builds(link, names, names),
    st.builds(symlink, names, st.sampled_from(["a", "d", "/e"])),
    st.builds(lambda name: file(f"/.wh.{name}"[1:].replace(".wh.d/", "d/.wh.")), names),
    st.sampled_from([file(".wh..wh..opq"), file("d/.wh..wh..opq"), Item("b", "device")]),
)
images = st.lists(st.lists(items, max_size=5), min_size=1, max_size=4)


@needs_tools
@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(images)
def test_any_layers_are_refused_or_are_what_umoci_unpacks(image: list[list[Item]]) -> None:
    layers = [layer(each) for each in image]
    with tempfile.TemporaryDirectory() as scratch:
        try:
            made = ours(layers, Path(scratch, "ours"))
        except BadLayer:
            return
        theirs = by_umoci(Path(scratch, "umoci"), layers)
        # It also refuses what a higher layer removes again.
        assert theirs in (made, None)
