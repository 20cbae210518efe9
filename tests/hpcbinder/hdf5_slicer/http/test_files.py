"""What a scientist's page asks of a real server with real files."""

from __future__ import annotations

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import h5py
import httpx
import numpy as np
import pytest
from jupyter_beside import Server

from hpcbinder.slicer.planes.wire import array, read

CUBE = np.arange(20 * 30 * 40, dtype="f4").reshape(20, 30, 40)


@pytest.fixture(scope="session")
def run(server: Server) -> str:
    """A file below the server's folder."""
    path = server.files / "results" / "run.h5"
    path.parent.mkdir()
    with h5py.File(path, "w") as file:
        cube = file.create_dataset("entry/cube", data=CUBE, chunks=(4, 8, 8), compression="gzip")
        cube.attrs["units"] = "mV"
        file["entry/name"] = "grüße"
        file["outside"] = h5py.ExternalLink("/etc/hosts", "/")
    settle(path)
    return "results/run.h5"


def settle(path: Path) -> None:
    """Long ago: nobody is writing it."""
    os.utime(path, (time.time() - 3600,) * 2)


def test_the_tree_is_shown(server: Server, run: str) -> None:
    node = server.get("node", file=run, path="/entry/cube").json()
    assert (node["kind"], node["shape"], node["chunks"]) == ("dataset", [20, 30, 40], [4, 8, 8])
    told = server.get("children", file=run, path="/entry").json()
    assert [child["name"] for child in told["children"]] == ["cube", "name"]
    (units,) = server.get("attributes", file=run, path="/entry/cube").json()["attributes"]
    assert (units["name"], units["value"]) == ("units", "mV")
    assert server.get("values", file=run, path="/entry/name").json()["values"] == "grüße"


def test_a_plane_is_what_is_in_the_file(server: Server, run: str) -> None:
    asked = {"file": run, "path": "/entry/cube", "rows": 0, "columns": 2, "at": "0,7,0"}
    exact = server.get("plane", **asked, bits=0)
    assert exact.headers["Content-Type"] == "application/vnd.hpcbinder.plane"
    assert np.array_equal(array(read(exact.content)), CUBE[:, 7, :])
    codes = read(server.get("plane", **asked).content)
    assert (codes.header["type"], codes.header["shape"]) == ("u1", [20, 40])
    assert codes.header["domain"] == [CUBE[0, 7, 0], CUBE[19, 7, 39]]


def test_a_hint_is_an_axis_and_a_direction(server: Server, run: str) -> None:
    asked = {"file": run, "path": "/entry/cube", "at": "3,0,0"}
    for wrong in ("1", "0,2", "a,1", "0,1,1"):
        refused = server.get("plane", **asked, hint=wrong)
        assert (refused.status_code, refused.json()["reason"]) == (400, "parameter"), wrong
    # Of an axis that is on the screen, or not there, nothing follows.
    for right in ("0,-1", "1,1", "3,1"):
        assert server.get("plane", **asked, hint=right).status_code == 200, right


def test_what_the_browser_has_is_not_sent_again(server: Server, run: str) -> None:
    asked = {"file": run, "path": "/entry/cube", "at": "3,0,0"}
    first = server.get("plane", **asked)
    known = {"If-None-Match": first.headers["ETag"]}
    again = server.client.get("plane", params=asked, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    other = server.client.get("plane", params={**asked, "at": "4,0,0"}, headers=known)
    assert other.status_code == 200
    path = server.files / run
    with h5py.File(path, "r+") as file:
        file["entry/cube"][3, 0, 0] = CUBE[3, 0, 0]
    changed = server.client.get("plane", params=asked, headers=known)
    assert (changed.status_code, changed.headers["ETag"] != first.headers["ETag"]) == (200, True)
    settle(path)


def test_figures_and_profiles(server: Server, run: str) -> None:
    asked = {"file": run, "path": "/entry/cube", "at": "2,0,0"}
    told = server.get("statistics", **asked).json()
    assert (told["min"], told["max"], told["finite"]) == (CUBE[2].min(), CUBE[2].max(), 1200)
    line = server.get("profile", **asked, points="0,0;29,0").json()
    assert (line["values"], line["length"]) == (CUBE[2, :, 0].tolist(), 29)


def test_an_envelope_of_a_line(server: Server, run: str) -> None:
    asked = {"file": run, "path": "/entry/cube", "columns": 2, "at": "2,7,0", "buckets": 8}
    answer = server.get("envelope", **asked)
    assert answer.headers["Content-Type"] == "application/vnd.hpcbinder.plane"
    low, high = array(read(answer.content))
    line = CUBE[2, 7].reshape(8, 5)
    assert (low.tolist(), high.tolist()) == (line.min(1).tolist(), line.max(1).tolist())
    refused = server.get("envelope", **{**asked, "buckets": 0})
    assert (refused.status_code, refused.json()["reason"]) == (400, "parameter")


def test_how_slices_go_on(server: Server, run: str) -> None:
    asked = {"file": run, "path": "/entry/cube", "axis": 0}
    told = server.get("course", **asked, indices="0:20:5,19").json()
    assert told["index"] == [0, 5, 10, 15, 19]
    assert told["low"] == CUBE[told["index"]].min((1, 2)).tolist()
    assert told["mean"] == pytest.approx(CUBE[told["index"]].mean((1, 2)).tolist())
    assert (told["size"], told["seen"]) == (20, 1)
    assert told["age"] == pytest.approx(3600, abs=600)
    for wrong in ({"indices": "20"}, {"indices": "a"}, {}, {"indices": "0", "axis": 3}):
        refused = server.get("course", **{**asked, **wrong})
        assert refused.status_code == 400, wrong


def test_values_of_a_key(server: Server, run: str) -> None:
    told = server.get("values", file=run, path="/entry/cube", key="1,:2,10:20:5").json()
    assert told["values"] == CUBE[1, :2, 10:20:5].tolist()
    refused = server.get("values", file=run, path="/entry/cube", key="1,a:b")
    assert (refused.status_code, refused.json()["reason"]) == (400, "parameter")


def test_nothing_outside_of_the_roots_is_read(server: Server, run: str) -> None:
    secret = server.outside / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["data"] = CUBE
    (server.files / "leads_out.h5").symlink_to(secret)
    for path in ("../outside/secret.h5", "%2e%2e/outside/secret.h5", str(secret), "leads_out.h5"):
        refused = server.get("node", file=path)
        assert refused.status_code == 403, path
    assert str(server.files) in refused.json()["advice"]
    refused = server.get("node", file=run, path="/outside")
    assert (refused.status_code, refused.json()["reason"]) == (403, "outside")


def test_what_is_no_hdf5_is_told_by_its_name(server: Server) -> None:
    (server.files / "old.mat").write_bytes(b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(512))
    refused = server.get("node", file="old.mat")
    assert refused.status_code == 415
    assert "MATLAB" in refused.json()["message"]
    assert server.get("node", file="nowhere.h5").status_code == 404


def test_long_answers_come_compressed(server: Server, run: str) -> None:
    asked = {"file": run, "path": "/entry/cube", "key": "0"}
    told = server.get("values", **asked)
    assert told.headers["Content-Encoding"] == "gzip"
    plain = server.client.get("values", params=asked, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.json() == told.json()


def test_many_pages_at_once(server: Server, run: str) -> None:
    def plane(index: int) -> bool:
        got = server.get("plane", file=run, path="/entry/cube", at=f"{index % 20},0,0", bits=0)
        return np.array_equal(array(read(got.content)), CUBE[index % 20])

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(plane, range(200)))


def test_a_plane_is_taken_away_as_a_file(server: Server, run: str) -> None:
    asked = {"file": run, "path": "/entry/cube", "at": "5,0,0"}
    npy = server.get("values", **asked, format="npy")
    assert npy.headers["Content-Disposition"] == 'attachment; filename="cube_5.npy"'
    assert np.array_equal(np.load(io.BytesIO(npy.content)), CUBE[5])
    lines = server.get("values", **asked, format="csv").text.splitlines()
    assert [float(value) for value in lines[-1].split(",")][-40:] == CUBE[5, -1].tolist()
    for form, begins in (("png", b"\x89PNG"), ("tiff", b"II*\0")):
        assert server.get("values", **asked, format=form).content.startswith(begins)


def test_a_name_in_letters_that_headers_have_not_is_kept(server: Server) -> None:
    with h5py.File(server.files / "letters.h5", "w") as file:
        file["σ 速度"] = CUBE[0]
    npy = server.get("values", file="letters.h5", path="/σ 速度", format="npy")
    assert np.array_equal(np.load(io.BytesIO(npy.content)), CUBE[0])
    plain, _, encoded = npy.headers["Content-Disposition"].partition("; filename*=UTF-8''")
    assert plain == 'attachment; filename="____.npy"'
    assert unquote(encoded) == "σ_速度.npy"


def test_the_snippet_reads_what_is_seen(server: Server, run: str) -> None:
    asked = {"file": run, "path": "/entry/cube", "at": "5,0,0", "window": "2,9,10,20"}
    found: dict[str, object] = {}
    exec(server.get("snippet", **asked).json()["text"], found)
    assert np.array_equal(found["cube"], CUBE[5, 2:9, 10:20])


def test_an_export_of_a_file_that_changes_does_not_pretend_to_be_whole(server: Server) -> None:
    path = server.files / "large.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", (8192, 8192), "f8", chunks=(64, 8192))
    asked = {"file": path.name, "path": "/data", "format": "csv"}
    with server.client.stream("GET", "values", params=asked) as response:
        parts = response.iter_raw()
        next(parts)
        with h5py.File(path, "r+") as file:
            file["data"][0, 0] = 1
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in parts:
                pass


def test_names_are_found_and_axes_have_names(server: Server) -> None:
    path = server.files / "axes.h5"
    with h5py.File(path, "w") as file:
        file["model/depth"] = np.arange(0, 15, 5.0)
        file["model/depth"].make_scale("depth")
        file["model/density"] = np.zeros((3, 4))
        file["model/density"].dims[0].attach_scale(file["model/depth"])
    found = server.get("search", file=path.name, text="dens").json()
    assert [item["path"] for item in found["found"]] == ["/model/density"]
    assert found["complete"]
    first, _ = server.get("axes", file=path.name, path="/model/density").json()["axes"]
    assert (first["name"], first["first"], first["last"], first["step"]) == ("depth", 0, 10, 5)


def test_virtual_data_sets_are_read_from_their_sources_within_the_roots(server: Server) -> None:
    for folder in (server.files, server.outside):
        with h5py.File(folder / "source.h5", "w") as file:
            file["data"] = np.arange(12.0).reshape(3, 4)
    for name, source in (("in.h5", "source.h5"), ("out.h5", str(server.outside / "source.h5"))):
        layout = h5py.VirtualLayout((3, 4), "f8")
        layout[:] = h5py.VirtualSource(source, "data", (3, 4))
        with h5py.File(server.files / name, "w") as file:
            file.create_virtual_dataset("all", layout)
    plane = read(server.get("plane", file="in.h5", path="/all", bits=0).content)
    assert np.array_equal(array(plane), np.arange(12.0).reshape(3, 4))
    for operation in ("plane", "values", "statistics"):
        refused = server.get(operation, file="out.h5", path="/all")
        assert (refused.status_code, refused.json()["reason"]) == (403, "outside"), operation
