"""The tree: what is in a group, page by page, and all that is known of one object."""

import json

import h5py
import numpy as np
import pytest

from hpcbinder.slicer.catalogue import children, node
from hpcbinder.slicer.errors import Refusal


@pytest.fixture
def run(home):
    with h5py.File(home / "run.h5", "w") as file:
        file.attrs["title"] = "a run"
        group = file.create_group("entry")
        group.create_dataset(
            "cube", (4, 5, 6), ">f4", chunks=(2, 5, 6), compression="gzip", fillvalue=np.nan
        )
        group["flat"] = np.arange(12, dtype="i8").reshape(3, 4)
        group["kind"] = np.dtype("u2")
        file["soft"] = h5py.SoftLink("/entry/flat")
        file["nowhere"] = h5py.SoftLink("/no such thing")
    return "run.h5"


def names(page):
    return [each["name"] for each in page["children"]]


def test_a_group_is_listed_by_name_with_what_a_line_of_the_tree_shows(place, run, work):
    page = children(place(run), 0, 100, work)
    assert names(page) == ["entry", "nowhere", "soft"]
    entry, nowhere, soft = page["children"]
    assert entry == {
        "name": "entry",
        "path": "/entry",
        "kind": "group",
        "link": None,
        "members": 3,
    }
    assert soft["kind"] == "dataset"
    assert soft["link"] == {"kind": "soft", "path": "/entry/flat"}
    assert soft["shape"] == [3, 4]
    assert nowhere["kind"] == "link"
    assert nowhere["link"]["message"] == "There is nothing at /nowhere."


def test_an_object_is_known_with_how_it_is_stored(place, run, work):
    cube = node(place(run, "/entry/cube"), work)
    assert cube["shape"] == cube["maxshape"] == [4, 5, 6]
    assert cube["type"] == {
        "class": "float",
        "text": "float32 (big-endian)",
        "dtype": ">f4",
        "size": 4,
    }
    assert cube["chunks"] == [2, 5, 6]
    assert cube["layout"] == "chunked"
    assert cube["filters"] == [{"id": 1, "name": "deflate"}]
    assert cube["bytes"] == 480
    assert cube["stored"] == 0
    assert cube["fill"] == "NaN"
    assert cube["views"][0] == "slices"
    assert node(place(run), work)["attributes"] == 1
    assert node(place(run, "/entry/kind"), work)["type"]["text"] == "uint16"


def test_a_large_group_comes_in_pages(place, home, work):
    with h5py.File(home / "many.h5", "w") as file:
        for number in range(250):
            file.create_group(f"shot-{number:03}")
    page = children(place("many.h5"), 200, 100, work)
    assert page["total"] == 250
    assert names(page) == [f"shot-{number}" for number in range(200, 250)]
    assert names(children(place("many.h5"), 10, 2, work)) == ["shot-010", "shot-011"]
    assert names(children(place("many.h5"), 900, 100, work)) == []
    assert len(names(children(place("many.h5"), 0, 10**9, work))) == 250


def test_a_name_that_is_not_utf8_is_shown_and_found_again(place, home, work):
    with h5py.File(home / "old.h5", "w") as file:
        file[b"temp\xe9rature"] = [1.0, 2.0]
        file["naïve"] = [1.0]
        file["\uf7e9"] = [1.0]
    page = children(place("old.h5"), 0, 10, work)
    assert sorted(names(page)) == sorted(["temp�rature", "naïve", "�"])
    for each in page["children"]:
        asked = json.loads(json.dumps(each["path"]).encode("ascii"))
        assert node(place("old.h5", asked), work)["path"] == each["path"]
        asked.encode("utf-8")


def test_what_is_not_there_is_said_in_words(place, run, work):
    for path in ("/entry/none", "/entry/flat/below", "/nowhere"):
        with pytest.raises(Refusal) as refusal:
            place(run, path)
        assert refusal.value.status == 404
        assert path in refusal.value.sentence
    with pytest.raises(Refusal) as refusal:
        children(place(run, "/entry/flat"), 0, 10, work)
    assert refusal.value.sentence == "/entry/flat is not a group."
    with pytest.raises(Refusal) as refusal:
        place(run, "/entry\0")
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("shape", "dtype", "best"),
    [
        ((), "f4", "value"),
        (None, "f4", "value"),
        ((9,), "f4", "line"),
        ((9, 9), "?", "heatmap"),
        ((9, 1), "f4", "line"),
        ((1, 9, 9), "f4", "heatmap"),
        ((9, 9, 9), "c8", "slices"),
        ((2, 9, 9, 9), "i2", "slices"),
        ((9, 0), "f4", "table"),
        ((9,), [("x", "f4")], "table"),
        ((9, 9), "S4", "table"),
    ],
)
def test_the_view_that_fits_comes_first(place, home, work, shape, dtype, best):
    with h5py.File(home / "data.h5", "w") as file:
        file["x"] = h5py.Empty(dtype) if shape is None else np.zeros(shape, dtype)
    assert node(place("data.h5", "x"), work)["views"][0] == best
