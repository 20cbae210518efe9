"""The answers of h5grove's endpoints, beside those of h5grove itself."""

import io
import json

import h5grove
import h5py
import numpy as np
import pytest
from h5grove.content import get_list_of_paths
from h5grove.encoders import encode

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.peers.h5grove import answer
from hpcbinder.slicer.work import Work


@pytest.fixture
def run(home):
    numbers = np.arange(60).reshape(3, 4, 5)
    with h5py.File(home / "part.h5", "w") as file:
        file["x"] = [7]
    with h5py.File(home / "run.h5", "w") as file:
        file.attrs.update({"title": "a run", "when": 3.5, "on": True, "nothing": h5py.Empty("f4")})
        file.attrs["list"] = [1, 2]
        file.create_dataset("entry/int", data=numbers, chunks=(1, 4, 5), compression="gzip")
        file["entry/big"] = (numbers[0] / 8).astype(">f4")
        file["entry/half"] = np.array([0.5, np.nan, np.inf], "f2")
        file["entry/double"] = np.array([[0.1, np.nan], [-2.0, 5e300]])
        file["entry/complex"] = np.array([1 + 2j, 3j], "c8")
        file["entry/bool"] = np.array([True, False])
        file["entry/unsigned"] = np.array([[2**64 - 1, 0]], "u8")
        file["entry/scalar"] = 5
        file["entry/empty"] = h5py.Empty("f8")
        file["text/one"] = "Gruß"
        file["text/many"] = np.array(["a", "bc"], h5py.string_dtype())
        file["text/fixed"] = np.array([b"a", b"bc"], "S3")
        file["table"] = np.array([(1, 2.5, b"x")], [("n", "<i4"), ("v", ">f8"), ("s", "S1")])
        file["enum"] = np.array([1, 0], h5py.enum_dtype({"NO": 0, "YES": 1}, "i1"))
        file["opaque"] = np.array([b"\1\2"], "V2")
        file["arrays"] = np.zeros((2,), [("p", "f4", (2, 2))])
        lists = file.create_dataset("lists", (2,), h5py.vlen_dtype("i4"))
        lists[0] = [1, 2]
        file["kind"] = np.dtype("<f4")
        file["soft"] = h5py.SoftLink("/entry/int")
        file["broken"] = h5py.SoftLink("/none")
        file["far"] = h5py.ExternalLink("part.h5", "/x")
        file["entry/up"] = file["/text"]
    return home / "run.h5"


@pytest.fixture
def ask(place, run, work):
    def ask(endpoint, path="/", keys=(), **arguments):
        return answer(
            endpoint, place("run.h5"), {"path": path, **arguments}, work, lambda place: None, keys
        )

    return ask


def told(answer):
    return json.loads(answer.body)


def theirs(run, path, act, resolve="only_valid"):
    """What h5grove gives, as JSON."""
    with h5py.File(run) as file:
        content = h5grove.create_content(file, path, h5grove.models.LinkResolution(resolve))
        return json.loads(encode(act(content)).content)


PATHS = [
    "/",
    "/entry",
    "/entry/int",
    "/entry/big",
    "/entry/bool",
    "/entry/complex",
    "/entry/scalar",
    "/entry/empty",
    "/text/many",
    "/text/fixed",
    "/table",
    "/enum",
    "/opaque",
    "/arrays",
    "/lists",
    "/kind",
    "/soft",
    "/broken",
    "/far",
]


@pytest.mark.parametrize("resolve", ["only_valid", "none"])
@pytest.mark.parametrize("path", PATHS)
def test_meta(ask, run, path, resolve):
    expected = theirs(run, path, lambda content: content.metadata(), resolve)
    assert told(ask("meta", path, resolve_links=resolve)) == expected


def test_attributes_all_or_some(ask, run):
    assert told(ask("attr")) == theirs(run, "/", lambda content: content.attributes())
    assert told(ask("attr", keys=("when", "list"))) == {"when": 3.5, "list": [1, 2]}


@pytest.mark.parametrize("path", ["/", "/entry", "/text"])
def test_paths(ask, run, path):
    with get_list_of_paths(run, path, ValueError) as listed:
        assert told(ask("paths", path)) == listed


@pytest.mark.parametrize(
    "path",
    [
        "/entry/int",
        "/entry/double",
        "/entry/half",
        "/entry/complex",
        "/entry/bool",
        "/entry/unsigned",
        "/entry/scalar",
        "/entry/empty",
        "/text/one",
        "/text/many",
        "/text/fixed",
        "/table",
        "/enum",
        "/lists",
        "/soft",
        "/far",
    ],
)
def test_data_as_json(ask, run, path):
    assert told(ask("data", path)) == theirs(run, path, lambda content: content.data())


def test_short_numbers_are_not_lengthened(ask):
    assert told(ask("data", "/entry/big"))[0] == [0.0, 0.125, 0.25, 0.375, 0.5]


@pytest.mark.parametrize("selection", ["1", "1, 2:4", "0:3:2,:,3", ":,1:,-1", "2,3,4", "1:1"])
@pytest.mark.parametrize("flatten", ["true", "false"])
def test_selections(ask, run, selection, flatten):
    expected = theirs(run, "/entry/int", lambda it: it.data(selection, flatten == "true"))
    assert told(ask("data", "/entry/int", selection=selection, flatten=flatten)) == expected


@pytest.mark.parametrize("kind", ["origin", "safe"])
@pytest.mark.parametrize("form", ["bin", "npy"])
@pytest.mark.parametrize("name", ["int", "big", "half", "double", "complex", "bool", "scalar"])
def test_numbers_as_bytes_and_as_numpy_files(ask, run, name, form, kind):
    with h5py.File(run) as file:
        data = h5grove.create_content(file, f"/entry/{name}").data(dtype=kind)
        expected = encode(data, form)
    ours = ask("data", f"/entry/{name}", format=form, dtype=kind)
    assert ours.body == expected.content
    assert ours.type == expected.headers["Content-Type"]
    assert ours.headers.get("Content-Disposition") == expected.headers.get("Content-Disposition")


def test_texts_of_a_fixed_length_are_bytes(ask, run):
    with h5py.File(run) as file:
        assert ask("data", "/text/fixed", format="bin").body == file["text/fixed"][()].tobytes()


@pytest.mark.parametrize("name", ["big", "double", "half"])
def test_csv(ask, run, name):
    with h5py.File(run) as file:
        expected = encode(h5grove.create_content(file, f"/entry/{name}").data(), "csv")
    ours = ask("data", f"/entry/{name}", format="csv")
    assert (ours.body, ours.type) == (expected.content, expected.headers["Content-Type"])


@pytest.mark.parametrize("name", ["big", "double", "unsigned"])
def test_tiff(ask, run, name):
    import tifffile

    with h5py.File(run) as file:
        stored = file[f"entry/{name}"][()]
    ours = ask("data", f"/entry/{name}", format="tiff")
    assert ours.type == "image/tiff"
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(ours.body)), stored)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("selection", [None, "0", "0:2"])
@pytest.mark.parametrize("name", ["int", "big", "double", "half", "bool", "unsigned"])
def test_statistics(ask, run, name, selection):
    expected = theirs(run, f"/entry/{name}", lambda it: it.data_stats(selection))
    arguments = {} if selection is None else {"selection": selection}
    ours = told(ask("stats", f"/entry/{name}", **arguments))
    assert ours.keys() == expected.keys()
    for which, value in expected.items():
        assert ours[which] == (value if value is None else pytest.approx(value, rel=1e-6))


def test_statistics_of_what_is_too_large_for_memory(place, home):
    rng = np.random.default_rng(1)
    values = rng.normal(1000, 1, (40, 300, 400))
    with h5py.File(home / "large.h5", "w") as file:
        file.create_dataset("x", data=values, chunks=(1, 300, 400))
    little = Work(budget=12_000_000, seconds=20)
    ours = told(answer("stats", place("large.h5"), {"path": "/x"}, little, lambda place: None))
    assert ours["mean"] == pytest.approx(values.mean())
    assert ours["std"] == pytest.approx(values.std())
    assert (ours["min"], ours["max"]) == (values.min(), values.max())


@pytest.mark.parametrize(
    ("endpoint", "path", "arguments", "status"),
    [
        ("meta", "/none", {}, 404),
        ("meta", "/broken", {"resolve_links": "all"}, 404),
        ("meta", "/", {"resolve_links": "perhaps"}, 422),
        ("data", "/entry", {}, 400),
        ("data", "/broken", {}, 404),
        ("stats", "/entry", {}, 400),
        ("paths", "/entry/int", {}, 400),
        ("data", "/entry/int", {"selection": "a"}, 422),
        ("data", "/entry/int", {"selection": "1:2:3:4"}, 422),
        ("data", "/entry/int", {"selection": "1,1,1,1"}, 422),
        ("data", "/entry/int", {"selection": "9"}, 422),
        ("data", "/entry/int", {"selection": "::-1"}, 422),
        ("data", "/entry/int", {"format": "csv"}, 422),
        ("data", "/entry/int", {"format": "tiff"}, 422),
        ("data", "/entry/int", {"format": "docx"}, 422),
        ("data", "/entry/int", {"dtype": "f1"}, 422),
        ("data", "/entry/empty", {"format": "npy"}, 422),
        ("data", "/entry/scalar", {"format": "csv"}, 422),
        ("data", "/text/many", {"format": "bin"}, 422),
        ("data", "/text/fixed", {"dtype": "safe"}, 422),
        ("stats", "/text/many", {}, 422),
        ("stats", "/entry/complex", {}, 422),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(ask, endpoint, path, arguments, status):
    """Many of these end as 500 in h5grove."""
    with pytest.raises(Refusal) as refusal:
        ask(endpoint, path, **arguments)
    assert refusal.value.status == status
    assert refusal.value.as_dict()["message"]
    with pytest.raises(Refusal) as refusal:
        ask("attr", keys=("none",))
    assert refusal.value.status == 404
