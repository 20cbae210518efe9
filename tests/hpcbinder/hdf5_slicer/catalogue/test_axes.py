"""Names and values of axes, as the many ways to write them say."""

import h5py
import numpy as np
import pytest

from hpcbinder.slicer.catalogue import axes


@pytest.fixture
def told(place, work):
    def told(name, path):
        return axes(place(name, path), work)["axes"]

    return told


def ends(axis):
    return axis["name"], axis["unit"], axis["first"], axis["last"], axis["step"], axis["source"]


def test_dimension_scales_come_first(home, told):
    with h5py.File(home / "run.h5", "w") as file:
        cube = file.create_dataset("cube", (3, 4, 5), "f4")
        for axis, (name, length) in enumerate({"depth": 3, "line": 4, "station": 5}.items()):
            file[name] = 10 + 2.5 * np.arange(length)
            file[name].make_scale(name)
            file[name].attrs["units"] = "m"
            cube.dims[axis].attach_scale(file[name])
        cube.dims[2].label = "along the line"
        cube.attrs["axes"] = ["a", "b", "c"]
        bare = file.create_dataset("labelled", (2, 2), "f4")
        bare.dims[0].label = "shot"
    depth, line, station = told("run.h5", "cube")
    assert ends(depth) == ("depth", "m", 10.0, 15.0, 2.5, "scale")
    assert depth["values"] is None
    assert line["size"] == 4
    assert station["name"] == "along the line"
    shot, second = told("run.h5", "labelled")
    assert (shot["name"], shot["first"], shot["step"]) == ("shot", None, None)
    assert (second["name"], second["source"]) == ("axis 1", "")
    assert told("run.h5", "depth")[0]["last"] == 15.0


def test_a_netcdf_dimension_without_values_gives_its_name(home, told):
    with h5py.File(home / "model.nc", "w") as file:
        file["level"] = np.zeros(3)
        file["level"].make_scale("This is a netCDF dimension but not a netCDF variable         3")
        file["t"] = np.zeros((3, 2))
        file["t"].dims[0].attach_scale(file["level"])
    level, _ = told("model.nc", "t")
    assert (level["name"], level["first"], level["source"]) == ("level", None, "scale")


def test_the_geophysics_example_says_spacing_and_origin(home, told):
    with h5py.File(home / "section.h5", "w") as file:
        file["section"] = np.zeros((3, 4))
        file["section"].attrs.update(
            {"axes": ["z", "x"], "spacing": [5.0, 20.0], "origin": [2.5, 10.0]}
        )
        file["section"].attrs["axis_units"] = ["m", "m"]
    z, x = told("section.h5", "section")
    assert ends(z) == ("z", "m", 2.5, 12.5, 5.0, "attributes")
    assert ends(x) == ("x", "m", 10.0, 70.0, 20.0, "attributes")


@pytest.fixture
def scan(home):
    with h5py.File(home / "scan.nxs", "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs["default"] = "data"
        data = entry.create_group("data")
        data.attrs.update(
            {"NX_class": "NXdata", "signal": "counts", "axes": [".", "energy", "angle"]}
        )
        data.attrs["angle_indices"] = 0
        data["counts"] = np.zeros((3, 4))
        data["counts"].attrs["units"] = "1/s"
        data["angle"] = [0.0, 30.0, 90.0]
        data["angle"].attrs["units"] = "degree"
        data["energy"] = np.array([1, 3, 5, 7, 9])
        old = file.create_group("old")
        old.attrs["NX_class"] = "NXdata"
        old["counts"] = np.zeros((2, 3))
        old["counts"].attrs.update({"signal": 1, "axes": "[y:x]"})
        old["y"], old["x"] = [1.0, 2.0], np.array(["a", "b", "c"], h5py.string_dtype())
    return "scan.nxs"


def test_nexus_groups_name_their_signal_and_axes(scan, told, place, work):
    angle, energy = told(scan, "/entry/data/counts")
    assert (angle["name"], angle["unit"], angle["step"]) == ("angle", "degree", None)
    assert angle["values"] == [0.0, 30.0, 90.0]
    assert ends(energy) == ("energy", "", 2.0, 8.0, 2.0, "nexus")
    y, x = told(scan, "/old/counts")
    assert ends(y) == ("y", "", 1.0, 2.0, 1.0, "nexus")
    assert x["values"] == ["a", "b", "c"]
    default = axes(place(scan), work)
    assert default["signal"] == "/entry/data/counts"
    assert default["unit"] == "1/s"
    assert len(default["axes"]) == 2
    assert axes(place(scan, "/entry/data/angle"), work)["signal"] == "/entry/data/angle"


def test_x_y_and_z_beside_a_cube_are_its_axes_if_they_fit(home, told):
    with h5py.File(home / "cube.h5", "w") as file:
        file["zyx"], file["xyz"] = np.zeros((4, 3, 2)), np.zeros((2, 3, 4))
        for name, length in (("x", 2), ("y", 3), ("z", 4)):
            file[name] = np.arange(length, dtype="f4") / 10
        file["other"] = np.zeros((5, 5, 5))
        file.create_group("in")["plane"] = np.zeros((3, 2))
    assert [axis["name"] for axis in told("cube.h5", "zyx")] == ["z", "y", "x"]
    assert [axis["name"] for axis in told("cube.h5", "xyz")] == ["x", "y", "z"]
    assert [axis["source"] for axis in told("cube.h5", "other")] == ["", "", ""]
    z = told("cube.h5", "zyx")[0]
    assert (z["first"], z["last"]) == (0.0, 0.3)
    assert z["step"] == pytest.approx(0.1)
    assert [axis["source"] for axis in told("cube.h5", "in/plane")] == ["", ""]


def test_long_axes_are_told_by_their_ends(home, told):
    with h5py.File(home / "trace.h5", "w") as file:
        file["data"] = np.zeros((1, 200_001), "u1")
        file["time"] = np.arange(200_001) * 0.004
        file["time"].make_scale()
        file["data"].dims[1].attach_scale(file["time"])
    _, time = told("trace.h5", "data")
    assert time["last"] == pytest.approx(800)
    assert time["step"] == pytest.approx(0.004)


def test_thousands_of_texts_along_an_axis_are_not_read(home, told):
    with h5py.File(home / "genes.h5", "w") as file:
        for name, length in (("few", 4000), ("many", 5000)):
            file[name] = np.zeros(length, "u1")
            file[f"{name} names"] = np.array(["gene"] * length, h5py.string_dtype())
            file[f"{name} names"].make_scale()
            file[name].dims[0].attach_scale(file[f"{name} names"])
    assert told("genes.h5", "few")[0]["values"][0] == "gene"
    many = told("genes.h5", "many")[0]
    assert (many["name"], many["values"]) == ("many names", None)


def test_axes_that_make_no_sense_are_no_axes(home, told):
    with h5py.File(home / "odd.h5", "w") as file:
        odd = file.create_dataset("odd", (2, 3), "f4")
        odd.attrs.update({"axes": ["a", "b"], "spacing": [np.nan, 1.0], "origin": [0.0, 1.0]})
        file["a"] = h5py.SoftLink("/a")
        file.attrs["axes"] = ["nothing", "odd", "more", "than", "there are"]
        wrong = file.create_dataset("wrong", (2, 3), "f4")
        wrong.attrs["DIMENSION_LIST"] = 5
        wrong.attrs["axes"] = 7
        file["nan"] = [np.nan, 1.0]
        file["nan"].make_scale()
        file.create_dataset("scaled", (2,), "f4").dims[0].attach_scale(file["nan"])
    a, b = told("odd.h5", "odd")
    assert (a["first"], b["step"]) == (None, 1.0)
    assert [axis["first"] for axis in told("odd.h5", "wrong")] == [None, None]
    assert told("odd.h5", "scaled")[0]["values"] == ["NaN", 1.0]
