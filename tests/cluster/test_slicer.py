"""The HDF5 slicer of an image, on a compute node: what a browser reads of it through the hub."""

from __future__ import annotations

import pytest
from cluster.lab import Lab
from cluster.person import Person

from hpcbinder.slicer.planes import wire

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

WRITE = """
import h5py, numpy
with h5py.File("cube.h5", "w") as file:
    cube = numpy.arange(24, dtype="f4").reshape(2, 3, 4)
    file.create_dataset("cube", data=cube, chunks=(1, 3, 4), compression="gzip")
"""
ASKED = "hpcbinder/slicer/plane?file=cube.h5&path=/cube&rows=1&columns=2&at=1,0,0&bits=0"


async def test_a_file_in_the_workspace_is_sliced(alice: Person) -> None:
    launch = alice.launch("http://git/quickstart.git", start_when_ready=True)
    lab = Lab(alice, alice.follow(launch)["url"])
    await lab.run(WRITE)
    assert lab.get("hpcbinder/slicer/node?file=cube.h5&path=/cube").json()["shape"] == [2, 3, 4]
    plane = wire.values(wire.read(lab.get(ASKED).content))
    assert plane.tolist() == [[12, 13, 14, 15], [16, 17, 18, 19], [20, 21, 22, 23]]
    refused = lab.get("hpcbinder/slicer/node?file=/etc/shadow&path=/")
    assert (refused.status_code, refused.json()["reason"]) == (403, "outside")
