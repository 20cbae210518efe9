"""Our engine against the double: images that are imported, images that are pulled, and a launch."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from gateway_under_test import Gateway
from site_under_test import DOUBLES
from site_under_test import Site as Node

from hpcbinderhub.errors import UserError
from hpcbinderhub.hostparts import HostParts
from hpcbinderhub.images.engines import ContainerRun, Shifter
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Cluster
from hpcbinderhub.slurm.framing import Answer
from hpcbinderhub.slurm.packing import packed
from hpcbinderhub.workspaces import Account, places

needs_munge = pytest.mark.skipif(shutil.which("munge") is None, reason="munge is not installed")
"""Imports are asked for in an account's name."""


class LoginNode:
    """Runs the agent as the site's user."""

    def __init__(self, node: Node):
        self._node = node
        self._agent = node.shared / "agent"
        self._agent.write_bytes(packed())

    async def call(
        self, user: str, request: dict[str, Any], data: BinaryIO | None = None
    ) -> dict[str, Any]:
        return await asyncio.to_thread(self._call, request)

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        done = subprocess.run(
            ["/usr/bin/python3", "-I", self._agent],
            input=json.dumps({**request, "nonce": "7f3a"}),
            capture_output=True,
            text=True,
            **self._node.as_user({}),
        )
        answer = Answer("7f3a")
        answer.feed(done.stdout.encode())
        return answer.result()

    async def close(self) -> None:
        """Nothing is open."""


def engine(gateway: Gateway, **settings: str) -> Shifter:
    """The hub's side."""
    environment = {"DOUBLE_ROOT": str(gateway.site.root)}
    site = Site(
        slurm_path=[str(DOUBLES / "bin"), "/usr/bin", "/bin"],
        slurm_environment=environment,
        shifter_system="testcluster",
        artefacts=str(gateway.site.shared / "artefacts"),
        **settings,
    )
    return Shifter(site, Cluster(LoginNode(gateway.site), site))


def ready(shifter: Shifter, artefact: str) -> str:
    return asyncio.run(shifter.ensure("alice", artefact, None))


@pytest.fixture
def artefact(gateway: Gateway) -> str:
    """The site's own image as an artefact."""
    store = gateway.site.shared / "artefacts"
    store.mkdir(exist_ok=True)
    name = "c" * 64
    shutil.copy(next(gateway.site.images.glob("*.squashfs")), store / f"{name}.squashfs")
    return name


@needs_munge
def test_an_artefact_is_imported_once(gateway: Gateway, artefact: str) -> None:
    shifter = engine(gateway, shifter_gateway=gateway.url)
    image = ready(shifter, artefact)
    assert image == ready(shifter, artefact)
    assert gateway.get(f"/api/lookup/testcluster/custom/hpcbinder-{artefact}:1/")[0] == 200
    assert image.startswith("id:")


def test_without_an_importers_gateway_the_image_is_pulled(gateway: Gateway) -> None:
    shifter = engine(gateway, image_registry="lab/tool")
    assert ready(shifter, "1").startswith("id:")


def test_a_pull_that_failed_is_told_from_its_exit_code(gateway: Gateway) -> None:
    with pytest.raises(UserError, match="could not pull the image") as failure:
        ready(engine(gateway, image_registry="lab/tool"), "nosuch")
    assert "FAILURE" in failure.value.detail


@needs_munge
def test_a_launch_has_its_home_and_what_the_profile_gives_of_the_host(
    gateway: Gateway, artefact: str
) -> None:
    site = gateway.site
    Path(site.data, "libmpi.so").write_text("mpi")
    shifter = engine(gateway, shifter_gateway=gateway.url)
    where = places("/site/data", Account("alice", 1, "/site/data"), "0abc1234", "quick-123456")
    host = HostParts.model_validate(
        {"binds": [{"source": "/site/data", "target": "/mpi"}], "library_path": ["/mpi/lib"]}
    )
    script = (
        "cat /mpi/libmpi.so; echo; echo $HOME; echo $HPCBINDER_LIBRARY_PATH; pwd; touch /mpi/new"
    )
    run = ContainerRun(ready(shifter, artefact), where, (), ("/bin/sh", "-c", script), host=host)
    program, *words = shifter.command(run)
    done = site.run(program, *words)
    assert done.stdout.split() == ["mpi", str(where.home), "/mpi/lib", str(where.root)]
    assert "Read-only file system" in done.stderr
