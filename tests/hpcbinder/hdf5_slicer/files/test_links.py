"""Links inside of files, and where they may lead."""

import os

import h5py
import numpy as np
import pytest

from hpcbinder.slicer.catalogue import children, node, values
from hpcbinder.slicer.errors import Refusal


@pytest.fixture
def secret(tmp_path):
    (tmp_path / "secret").mkdir()
    with h5py.File(tmp_path / "secret/data.h5", "w") as file:
        file["x"] = [42]
    (tmp_path / "secret/raw").write_bytes(bytes(80))
    return tmp_path / "secret"


def refused(act, *arguments):
    with pytest.raises(Refusal) as refusal:
        act(*arguments)
    return refusal.value


def test_soft_links_are_followed_from_where_they_are(place, home, work):
    with h5py.File(home / "run.h5", "w") as file:
        file["a/b/x"] = [1, 2]
        file["a/beside"] = h5py.SoftLink("b")
        file["a/b/y"] = h5py.SoftLink("./x")
        file["top"] = h5py.SoftLink("/a/beside/y")
    assert values(place("run.h5", "/top"), (), work)["values"] == [1, 2]
    assert node(place("run.h5", "a//./beside/y/"), work)["path"] == "/a/beside/y"


def test_links_without_an_end_end(place, home, work):
    with h5py.File(home / "run.h5", "w") as file:
        file["a"] = h5py.SoftLink("/b")
        file["b"] = h5py.SoftLink("/a")
        file["grows"] = h5py.SoftLink("/grows/grows/grows")
        file["out"] = h5py.ExternalLink("other.h5", "/back")
    with h5py.File(home / "other.h5", "w") as file:
        file["back"] = h5py.ExternalLink("run.h5", "/out")
    for path in ("/a", "/grows", "/out"):
        assert refused(place, "run.h5", path).kind == "loop"
    assert {each["kind"] for each in children(place("run.h5"), 0, 10, work)["children"]} == {"link"}


def test_groups_that_hold_themselves_are_listed_and_walked_as_far_as_asked(place, home, work):
    with h5py.File(home / "run.h5", "w") as file:
        file.create_group("a")["up"] = file["/"]
    page = children(place("run.h5", "/a/up/" * 200), 0, 10, work)
    assert [each["name"] for each in page["children"]] == ["a"]


def test_an_external_link_leads_to_a_file_beside_this_one(place, home, work):
    (home / "raw").mkdir()
    with h5py.File(home / "raw/scan.h5", "w") as file:
        file["entry/data"] = [[1, 2]]
        file["entry/self"] = h5py.SoftLink("/entry/data")
    with h5py.File(home / "master.h5", "w") as file:
        file["scan"] = h5py.ExternalLink("raw/scan.h5", "/entry")
        file["moved"] = h5py.ExternalLink(str(home / "before/master.h5"), "/scan/self")
    assert values(place("master.h5", "/scan/self"), (), work)["values"] == [[1, 2]]
    assert values(place("master.h5", "/moved"), (), work)["values"] == [[1, 2]]
    (scan,) = [
        each
        for each in children(place("master.h5"), 0, 10, work)["children"]
        if each["name"] == "scan"
    ]
    assert scan["kind"] == "group"
    assert scan["link"] == {"kind": "external", "file": "raw/scan.h5", "path": "/entry"}


@pytest.mark.parametrize("way", ["{secret}/data.h5", "../secret/data.h5", "linked.h5"])
def test_an_external_link_out_of_the_roots_is_refused_with_their_names(
    place, home, work, secret, way
):
    (home / "linked.h5").symlink_to(secret / "data.h5")
    with h5py.File(home / "run.h5", "w") as file:
        file["out"] = h5py.ExternalLink(way.format(secret=secret), "/x")
        file["soft"] = h5py.SoftLink("/out")
    for path in ("/out", "/soft"):
        refusal = refused(place, "run.h5", path)
        assert refusal.status == 403
        assert f"your files ({home})" in refusal.advice
    out, soft = children(place("run.h5"), 0, 10, work)["children"]
    assert out["kind"] == soft["kind"] == "link"
    assert "outside" in out["link"]["message"]
    assert "your files" in soft["link"]["advice"]


def test_a_link_to_what_is_no_file_is_refused(place, home, work):
    os.mkfifo(home / "pipe.h5")
    with h5py.File(home / "run.h5", "w") as file:
        file["pipe"] = h5py.ExternalLink("pipe.h5", "/x")
        file["gone"] = h5py.ExternalLink("gone.h5", "/x")
        file["folder"] = h5py.ExternalLink(".", "/x")
    for path in ("/gone", "/folder"):
        assert refused(place, "run.h5", path).status == 404
    assert refused(place, "run.h5", "/pipe").kind == "special"
    virtual(home / "all.h5", [("pipe.h5", "x")])
    assert refused(values, place("all.h5", "x"), (), work).kind == "special"


def virtual(path, sources, name="x"):
    """A data set that is made of one number of each source."""
    layout = h5py.VirtualLayout((len(sources),), "i8")
    for at, (file, inner) in enumerate(sources):
        layout[at] = h5py.VirtualSource(file, inner, (1,))[0]
    with h5py.File(path, "a", libver="latest") as file:
        file.create_virtual_dataset(name, layout, fillvalue=-1)


def numbered(path, file, name="x"):
    """A data set that grows by one number with each file that there is."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    space = h5py.h5s.create_simple((1,), (h5py.h5s.UNLIMITED,))
    space.select_hyperslab((0,), (h5py.h5s.UNLIMITED,), block=(1,))
    plist.set_virtual(space, file.encode(), b"x", h5py.h5s.create_simple((1,)))
    with h5py.File(path, "a", libver="latest") as file:
        h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_INT64, space, plist)


def test_numbered_virtual_sources_are_counted_as_hdf5_does(place, home, work):
    for number in range(3):
        with h5py.File(home / f"part-{number}.h5", "w") as file:
            file["x"] = [number]
    numbered(home / "all.h5", "part-%b.h5")
    assert values(place("all.h5", "x"), (), work)["values"] == [0, 1, 2]


def test_sources_that_hdf5_opens_for_a_mere_shape_are_looked_at_before(place, home, work, secret):
    os.mkfifo(home / "pipe-0.h5")
    (home / "linked-0.h5").symlink_to(secret / "data.h5")
    numbered(home / "waits.h5", "pipe-%b.h5")
    numbered(home / "leaks.h5", "linked-%b.h5")
    assert refused(place, "waits.h5", "x").kind == "special"
    assert refused(place, "leaks.h5", "x").kind == "outside"
    (waits,) = children(place("waits.h5"), 0, 10, work)["children"]
    assert waits["kind"] == "link"
    assert "pipe" in waits["link"]["message"]


def test_virtual_sources_are_read_where_all_of_them_may_be(place, home, work):
    with h5py.File(home / "part.h5", "w") as file:
        file["x"] = [7]
    virtual(home / "all.h5", [("part.h5", "x"), ("missing.h5", "x"), ("part.h5", "none")])
    virtual(home / "over.h5", [("all.h5", "x")], "y")
    assert values(place("all.h5", "x"), (), work)["values"] == [7, -1, -1]
    assert values(place("over.h5", "y"), (), work)["values"] == [7]


def test_a_virtual_source_out_of_the_roots_is_refused_however_far_down(place, home, work, secret):
    (home / "linked-0.h5").symlink_to(secret / "data.h5")
    virtual(home / "direct.h5", [(str(secret / "data.h5"), "x")])
    virtual(home / "relative.h5", [("../secret/data.h5", "x")])
    numbered(home / "numbered.h5", "linked-%b.h5")
    virtual(home / "nested.h5", [("direct.h5", "x")])
    with h5py.File(home / "door.h5", "w") as file:
        file["x"] = h5py.ExternalLink(str(secret / "data.h5"), "/x")
    virtual(home / "through.h5", [("door.h5", "/x")])
    for name in ("direct", "relative", "numbered", "nested", "through"):
        refusal = refused(lambda name=name: values(place(f"{name}.h5", "x"), (), work))
        assert refusal.status == 403
        assert "outside" in refusal.sentence
        assert f"your files ({home})" in refusal.advice


def test_virtual_sources_that_go_in_circles_are_refused(place, home, work):
    virtual(home / "round.h5", [(".", "y")], "x")
    virtual(home / "round.h5", [(".", "x")], "y")
    virtual(home / "self.h5", [("self.h5", "x")])
    for name in ("round.h5", "self.h5"):
        refusal = refused(values, place(name, "x"), (), work)
        assert refusal.kind == "loop"


def test_external_storage_out_of_the_roots_is_refused(place, home, work, secret):
    (home / "raw").write_bytes(np.arange(10.0).tobytes())
    with h5py.File(home / "run.h5", "w") as file:
        file.create_dataset("in", (10,), "f8", external=[(str(home / "raw"), 0, 80)])
        file.create_dataset("out", (10,), "f8", external=[(str(secret / "raw"), 0, 80)])
    assert values(place("run.h5", "in"), (slice(0, 2),), work)["values"] == [0.0, 1.0]
    assert refused(values, place("run.h5", "out"), (), work).status == 403
