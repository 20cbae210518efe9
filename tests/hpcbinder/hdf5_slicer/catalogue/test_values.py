"""Values of every type as JSON, and pages of them."""

import json

import h5py
import numpy as np
import pytest

from hpcbinder.slicer.catalogue import attributes, values
from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.work import Work

EVERYTHING = {
    "float": (np.array([0.1, np.nan, np.inf, -np.inf]), [0.1, "NaN", "Infinity", "-Infinity"]),
    "short float": (np.array([0.1, 65504], "f2"), [0.1, 65504.0]),
    "single": (np.array([0.1, 1e38], ">f4"), [0.1, 1e38]),
    "long": (np.array([1.5, np.nan], "g"), [1.5, "NaN"]),
    "byte": (np.array([-128, 127], "i1"), [-128, 127]),
    "integer": (np.array([1, 2**53, 2**53 + 1]), [1, 2**53, "9007199254740993"]),
    "unsigned": (np.array([2**64 - 1], "u8"), ["18446744073709551615"]),
    "boolean": (np.array([[True], [False]]), [[True], [False]]),
    "complex": (np.array([1 + 2j, complex(np.nan, 0)], "c8"), [[1.0, 2.0], ["NaN", 0.0]]),
    "text": ("Gruß", "Gruß"),
    "fixed text": (np.array([b"ab", b"c"], "S4"), ["ab", "c"]),
    "odd text": (np.array([b"\xff"], "S1"), ["\\xff"]),
    "scalar": (np.float32(2.5), 2.5),
    "nothing": (h5py.Empty("f4"), None),
    "no length": (np.zeros((2, 0, 3)), [[], []]),
    "opaque": (np.array([b"\1\2"], "V2"), [{"hex": "0102", "bytes": 2}]),
    "compound": (
        np.array([(1, 0.5, [7, 8], b"a")], [("n", "i4"), ("x", "f4"), ("p", "u1", 2), ("s", "S1")]),
        [[1, 0.5, [7, 8], "a"]],
    ),
    "compound scalar": (np.array((1, 2), [("a", "i4"), ("b", "i4")]), [1, 2]),
    "enum": (
        np.array([2, 0], h5py.enum_dtype({"OFF": 0, "ON": 2}, "u1")),
        [2, 0],
    ),
}


@pytest.fixture
def everything(home):
    with h5py.File(home / "all.h5", "w") as file:
        for name, (value, _) in EVERYTHING.items():
            file[name] = value
            file.attrs[name] = value
        lists = file.create_dataset("lists", (2,), h5py.vlen_dtype("i4"))
        lists[0], lists[1] = [1, 2, 3], []
        words = file.create_dataset("words", (2, 2), h5py.string_dtype())
        words[:] = [["a", "bc"], ["", "ü"]]
        row = np.dtype([("name", h5py.string_dtype()), ("at", h5py.ref_dtype)])
        rows = file.create_dataset("rows", (2,), row)
        rows[0] = ("first", file["lists"].ref)
        region = file.create_dataset("region", (2,), h5py.regionref_dtype)
        region[0] = file["words"].regionref[0:1, 1]
        dims = file.create_dataset("arrays", (2,), np.dtype(("i2", (2, 2))))
        dims[0] = [[1, 2], [3, 4]]
    return "all.h5"


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_type_is_told_as_it_is(place, everything, work, name):
    answer = values(place(everything, name), (), work)
    assert answer["values"] == EVERYTHING[name][1]
    json.dumps(answer, allow_nan=False)


def test_attributes_are_told_as_data_are(place, everything, work):
    told = {each["name"]: each for each in attributes(place(everything), work)["attributes"]}
    assert {name: each["value"] for name, each in told.items()} == {
        name: value for name, (_, value) in EVERYTHING.items()
    }
    assert told["enum"]["type"]["members"] == {"OFF": 0, "ON": 2}
    assert told["complex"]["type"]["class"] == "complex"
    assert told["boolean"]["type"]["class"] == "boolean"
    assert told["nothing"]["shape"] is None
    assert [each["name"] for each in told["compound"]["type"]["members"]] == ["n", "x", "p", "s"]


def test_values_that_lie_elsewhere_in_the_file_are_fetched(place, everything, work):
    def told(name):
        return values(place(everything, name), (), work)["values"]

    assert told("lists") == [[1, 2, 3], []]
    assert told("words") == [["a", "bc"], ["", "ü"]]
    assert told("rows") == [["first", {"reference": "/lists"}], ["", {"reference": None}]]
    region, none = told("region")
    assert region["reference"] == "/words"
    assert region["region"] == {"first": [0, 1], "last": [0, 1], "points": 1}
    assert none["reference"] is None
    assert told("arrays") == [[[1, 2], [3, 4]], [[0, 0], [0, 0]]]


def test_a_page_is_what_the_key_selects(place, home, work):
    table = np.arange(60).reshape(3, 4, 5)
    with h5py.File(home / "data.h5", "w") as file:
        file["x"] = table
        file.create_dataset("t", data=table.astype(str).astype(object), dtype=h5py.string_dtype())
    for key in [
        (1,),
        (slice(0, 2), 3),
        (-1, slice(None), slice(1, 5, 2)),
        (0, 0, 0),
        (slice(2, 9),),
    ]:
        answer = values(place("data.h5", "x"), key, work)
        assert answer["values"] == table[key].tolist()
        assert answer["shape"] == list(table[key].shape)
        assert values(place("data.h5", "t"), key, work)["values"] == table[key].astype(str).tolist()
    assert answer["start"] == "2:3,0:4,0:5"


@pytest.mark.parametrize("key", [(3,), (-4,), (0, 0, 0, 0), (slice(None, None, -1),)])
def test_a_key_beyond_the_data_is_refused(place, home, work, key):
    with h5py.File(home / "data.h5", "w") as file:
        file["x"] = np.zeros((3, 4, 5))
    with pytest.raises(Refusal) as refusal:
        values(place("data.h5", "x"), key, work)
    assert refusal.value.status == 400


def test_texts_are_read_a_few_at_a_time_where_the_file_is_large(place, home):
    """A value may be as long as the file; how long, HDF5 tells only by reading it."""
    with h5py.File(home / "data.h5", "w") as file:
        texts = file.create_dataset("t", (3, 7), h5py.string_dtype(), chunks=(2, 3))
        texts[:] = np.arange(21).reshape(3, 7).astype(str).astype(object)
        file["numbers"] = np.zeros(100_000)
    little = Work(budget=2_000_000, seconds=20)
    answer = values(place("data.h5", "t"), (slice(1, 3), slice(0, 7, 2)), little)
    assert answer["values"] == [["7", "9", "11", "13"], ["14", "16", "18", "20"]]


def test_more_than_a_page_is_refused_with_a_way_out(place, home, work):
    with h5py.File(home / "data.h5", "w") as file:
        file.create_dataset("huge", (1 << 40,), "f4", chunks=(1 << 20,))
        file.create_dataset("chunk", (1 << 31,), "u1", chunks=(1 << 31,), compression="gzip")
        file.create_dataset("wide", (10,), "S1000000000")
    for name, key in [("huge", ()), ("chunk", (0,)), ("wide", ())]:
        with pytest.raises(Refusal) as refusal:
            values(place("data.h5", name), key, work)
        assert refusal.value.status == 413
    assert values(place("data.h5", "huge"), (1 << 39,), work)["values"] == 0.0


def test_an_attribute_that_is_too_large_says_so(place, home, work):
    with h5py.File(home / "data.h5", "w", libver="latest") as file:
        file.attrs["large"] = np.zeros(1 << 20)
        file.attrs["small"] = 1
    large, small = attributes(place("data.h5"), work)["attributes"]
    assert large["shape"] == [1 << 20]
    assert large["value"] is None
    assert "too many to show" in large["message"]
    assert small["value"] == 1
