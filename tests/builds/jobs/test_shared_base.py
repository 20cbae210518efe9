"""The base image in the artefact store: whole or not there, and loaded only as it was."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from builds.conftest import DEBIAN, Builder

pytestmark = pytest.mark.slow

# Any image will do; this one is there.
SCRIPT = """
import json, sys
from pathlib import Path
from hpcbinderhub.builds import commands
from hpcbinderhub.builds.jobs.node_storage import PREFIX, own_storage, remove_leftovers
from hpcbinderhub.builds.workplace import storage
from hpcbinderhub.images.base import BaseSettings
from hpcbinderhub.images.shared_base import load, publish
mine, folder, debian = BaseSettings(storage=json.loads(sys.argv[1])), Path(sys.argv[2]), sys.argv[3]
layout = folder / "base" / "3.11" / "1-abc"
name = "localhost/hpcbinderhub/base:1-abc"
said = {}
publish(mine, debian, layout)
first = (layout / "index.json").stat().st_ino
publish(mine, debian, layout)
said["first stays"] = (layout / "index.json").stat().st_ino == first
said["nothing else"] = [path.name for path in layout.parent.iterdir()]
said["open"] = oct(layout.stat().st_mode)[-3:]
with own_storage(folder) as node:
    remove_leftovers(folder)
    settings = BaseSettings(storage=storage(node))
    said["loaded"] = load(settings, name, layout)
    said["there"] = commands.exists(settings.storage, name)
    with own_storage(folder) as other:
        blobs = sorted((layout / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
        whole = blobs[-1].read_bytes()
        blobs[-1].write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        said["a damaged layer"] = load(BaseSettings(storage=storage(other)), name, layout)
    for blob in blobs:
        blob.write_bytes(blob.read_bytes() + b" ")
    said["a damaged manifest"] = load(settings, name, layout)
said["left"] = [path.name for path in folder.glob(PREFIX + "*")]
print(json.dumps(said))
"""


def test_it_is_whole_and_checked(builder: Builder, shared: Path) -> None:
    arguments = (json.dumps(builder.storage), str(shared), DEBIAN)
    done = builder.run(sys.executable, "-c", SCRIPT, *arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "first stays": True,
        "nothing else": ["1-abc"],
        "open": "755",
        "loaded": True,
        "there": True,
        "a damaged layer": False,
        "a damaged manifest": False,
        "left": [],
    }
