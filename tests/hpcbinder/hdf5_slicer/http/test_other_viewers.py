"""Viewers that were made for h5grove and for jupyterlab-hdf5 find what they ask for."""

from __future__ import annotations

import io
from typing import Any

import h5py
import httpx
import numpy as np
import pytest
from jupyter_beside import Server

DATA = np.arange(24.0).reshape(4, 6)


@pytest.fixture(scope="module")
def name(server: Server) -> str:
    with h5py.File(server.files / "peers.h5", "w") as file:
        file["entry/data"] = DATA
        file["entry/data"].attrs["units"] = "mV"
        file["entry/data"].attrs["offset"] = 3
    return "peers.h5"


def get(server: Server, address: str, **parameters: Any) -> httpx.Response:
    return server.client.get(f"{server.url}{address}", params=parameters or None)


def test_h5groves_viewers(server: Server, name: str) -> None:
    asked = {"file": name, "path": "/entry/data"}
    meta = get(server, "h5grove/meta/", **asked).json()
    assert (meta["kind"], meta["name"], meta["shape"]) == ("dataset", "data", [4, 6])
    units = get(server, "h5grove/attr/", **asked, attr_keys="units").json()
    assert units == {"units": "mV"}
    assert get(server, "h5grove/paths/", file=name).json() == ["/", "/entry", "/entry/data"]
    stats = get(server, "h5grove/stats/", **asked).json()
    assert (stats["min"], stats["max"], stats["mean"]) == (0, 23, 11.5)
    npy = get(server, "h5grove/data/", **asked, format="npy", selection="1:3,0").content
    assert np.load(io.BytesIO(npy)).tolist() == [6, 12]


def test_jupyterlab_hdf5s_viewers(server: Server, name: str) -> None:
    (entry,) = get(server, f"hdf/contents/{name}", uri="/").json()
    assert entry["uri"] == "/entry"
    assert get(server, f"hdf/data/{name}", uri="/entry/data", ixstr=":, :").json() == DATA.tolist()
    attributes = get(server, f"hdf/attrs/{name}", uri="/entry/data").json()
    assert attributes == {"units": "mV", "offset": 3}


def test_their_errors_are_no_500s(server: Server, name: str) -> None:
    for address, status in (
        (f"h5grove/data/?file={name}&path=/nowhere", 404),
        ("h5grove/meta/?path=/", 400),
        ("h5grove/meta/?file=../outside.h5&path=/", 403),
        (f"hdf/data/{name}?uri=/entry/data&ixstr=nonsense", 422),
        ("hdf/contents/nowhere.h5?uri=/", 404),
        (f"hdf/data/{name}?uri=/entry/data&min_ndim=%C2%B2", 422),
        (f"h5grove/data/?file={name}&path=/entry/data%00more", 400),
        (f"h5grove/attr/?file={name}&path=/entry/data&attr_keys=units%00", 400),
    ):
        refused = get(server, address)
        assert (refused.status_code, bool(refused.json()["message"])) == (status, True), address
    assert httpx.get(f"{server.url}h5grove/meta/?file={name}&path=/").status_code == 403
