"""The answers of jupyterlab-hdf5's endpoints."""

import json

import h5py
import numpy as np
import pytest

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.peers.jupyterlab_hdf5 import answer

CUBE = np.arange(24).reshape(2, 3, 4)


@pytest.fixture
def ask(place, home, work):
    with h5py.File(home / "run.h5", "w") as file:
        file["group/cube"] = CUBE
        file["group/cube"].attrs.update({"units": "m", "list": np.arange(3, dtype=">f4")})
        file.create_group("group/inner")
        file["group/soft"] = h5py.SoftLink("/group/cube")
        file["far"] = h5py.ExternalLink("another.h5", "path/in/the/file")
        file["scalar"] = np.int32(56)
        file["empty"] = h5py.Empty(">f8")
        file["complex"] = np.array([1 + 1j, 1 + 2j, np.nan])
        file["it's"] = [1]

    def ask(endpoint, uri, **arguments):
        keys = arguments.pop("keys", ())
        root = place("run.h5")
        told = answer(endpoint, root, {"uri": uri, **arguments}, work, lambda place: None, keys)
        return json.loads(told.body)

    return ask


def test_contents_of_a_group_are_its_objects(ask):
    assert ask("contents", "/group") == [
        {"name": "cube", "uri": "/group/cube", "type": "dataset"},
        {"name": "inner", "uri": "/group/inner", "type": "group"},
        {"name": "soft", "uri": "/group/soft", "type": "soft_link"},
    ]
    assert ask("contents", "/group/inner") == []
    assert ask("contents", "/scalar") == {
        "name": "scalar",
        "uri": "/scalar",
        "type": "dataset",
        "content": ask("meta", "/scalar"),
    }


def test_meta_of_a_data_set_and_of_what_is_selected(ask):
    assert ask("meta", "/group/cube") == {
        "attributes": [
            {"name": "list", "dtype": ">f4", "shape": [3]},
            {"name": "units", "dtype": "|O", "shape": []},
        ],
        "dtype": "<i8",
        "labels": [{"start": 0, "stop": length, "step": 1} for length in (2, 3, 4)],
        "name": "cube",
        "ndim": 3,
        "shape": [2, 3, 4],
        "size": 24,
        "type": "dataset",
    }
    part = ask("meta", "/group/cube", ixstr=":, 1:3, 2")
    assert (part["ndim"], part["shape"], part["size"]) == (2, [2, 2], 4)
    assert part["labels"] == [
        {"start": 0, "stop": 2, "step": 1},
        {"start": 1, "stop": 3, "step": 1},
    ]
    assert ask("meta", "/scalar", min_ndim="2")["shape"] == [1, 1]
    empty = ask("meta", "/empty")
    assert (empty["labels"], empty["ndim"], empty["shape"], empty["size"]) == (None, 0, None, 0)


def test_meta_of_groups_and_links(ask):
    group = ask("meta", "/group")
    assert (group["type"], group["childrenCount"]) == ("group", 3)
    assert group["children"][0]["shape"] == [2, 3, 4]
    assert ask("meta", "/group/soft") == {
        "name": "soft",
        "targetUri": "/group/cube",
        "type": "soft_link",
    }
    assert ask("meta", "/far") == {
        "name": "far",
        "targetFile": "another.h5",
        "targetUri": "path/in/the/file",
        "type": "external_link",
    }


def test_data_of_a_selection_within_a_selection(ask):
    assert ask("data", "/group/cube") == CUBE.tolist()
    assert ask("data", "/group/soft", ixstr=":,1:3, 2") == CUBE[:, 1:3, 2].tolist()
    for outer, inner in [("0:2,:,0:4:2", "1,0:3:2"), (":,:,::3", ":,2,1"), ("1:1", "0:0")]:
        expected = eval(f"CUBE[{outer}][{inner}]")
        assert ask("data", "/group/cube", ixstr=outer, subixstr=inner) == expected.tolist()
    assert ask("data", "/complex", min_ndim="2", ixstr="0:2") == [[[1, 1], [1, 2]]]
    assert ask("data", "/complex")[2] == [None, 0]
    assert ask("data", "/scalar", min_ndim="2") == [[56]]
    assert ask("data", "/empty") is None


def test_attributes(ask):
    assert ask("attrs", "/group/cube") == {"units": "m", "list": [0, 1, 2]}
    assert ask("attrs", "/group/cube", keys=("units",)) == {"units": "m"}


def test_a_snippet_reads_the_same(ask):
    for uri, names in [("/group/cube", "dataset"), ("/group", "group"), ("/it's", "dataset")]:
        text = ask("snippet", uri).replace("\n    ", "\n    found = ")
        scope = {"h5py": h5py}
        exec(text + f"\n    path = {names}.name", scope)
        assert scope["path"] == uri
    text = ask("snippet", "/group/cube", ixstr="1,:,0:2", subixstr="0:1")
    assert text.endswith("['/group/cube'] [1,:,0:2][0:1]".replace(" ", ""))
    scope = {"h5py": h5py}
    exec(text, scope)
    assert scope["dataset"].tolist() == CUBE[1, :, 0:2][0:1].tolist()


@pytest.mark.parametrize(
    ("endpoint", "uri", "arguments", "status"),
    [
        ("data", "/none", {}, 404),
        ("data", "/group", {}, 400),
        ("data", "/group/cube", {"ixstr": "9"}, 422),
        ("data", "/group/cube", {"ixstr": "0", "subixstr": "__import__('os')"}, 422),
        ("snippet", "/group/cube", {"ixstr": "0].__class__[0"}, 422),
        ("snippet", "/group/cube", {"ixstr": "::0"}, 422),
        ("meta", "/group/cube", {"ixstr": "a"}, 422),
        ("meta", "/group/cube", {"min_ndim": "1000000000"}, 422),
        ("data", "/far", {}, 404),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(ask, endpoint, uri, arguments, status):
    with pytest.raises(Refusal) as refusal:
        ask(endpoint, uri, **arguments)
    assert refusal.value.status == status
