"""Looking for a name in the whole file."""

import h5py
import pytest

from hpcbinder.slicer.catalogue import search, searching


@pytest.fixture
def run(home):
    with h5py.File(home / "run.h5", "w") as file:
        file["entry/detector/Counts"] = [1]
        file["entry/counts_link"] = h5py.SoftLink("/entry/detector/Counts")
        file["far_counts"] = h5py.ExternalLink("none.h5", "/counts")
        file["entry/detector/up"] = file["/"]
        file["entry/other"] = [1]
    return "run.h5"


def test_the_nearest_come_first_and_loops_end(place, run, work):
    answer = search(place(run), "COUNTS", work)
    assert [each["path"] for each in answer["found"]] == [
        "/far_counts",
        "/entry/counts_link",
        "/entry/detector/Counts",
    ]
    assert [each["kind"] for each in answer["found"]] == ["link", "dataset", "dataset"]
    assert answer["complete"]
    assert answer["seen"] == 7


def test_it_looks_below_the_group_that_it_is_asked_for(place, run, work):
    assert search(place(run, "/entry/detector"), "other", work)["found"][0]["path"] == (
        "/entry/detector/up/entry/other"
    )


def test_it_stops_when_there_is_enough(place, home, work, monkeypatch):
    with h5py.File(home / "many.h5", "w") as file:
        for number in range(300):
            file.create_group(f"group{number}")
    answer = search(place("many.h5"), "group", work)
    assert len(answer["found"]) == searching.MOST_FOUND
    assert not answer["complete"]
    monkeypatch.setattr(searching, "MOST_SEEN", 50)
    answer = search(place("many.h5"), "none", work)
    assert (answer["seen"], answer["complete"]) == (50, False)
