"""Shifter: images live with its gateway, and are run by id."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from ...errors import UserError
from ...site import Site
from ...slurm.cluster import Cluster
from ..store import artefact_file
from .base import ContainerRun, Engine

IMPORT_SECONDS = 300
POLL_SECONDS = 0.5


class Shifter(Engine):
    """Artefacts are imported into the gateway as `custom` images, once; then run by `id:`, which
    needs no gateway when the job starts."""

    name: ClassVar[str] = "shifter"
    hides_home: ClassVar[bool] = False
    keeps_apart: ClassVar[bool] = False

    def __init__(self, site: Site, cluster: Cluster):
        self._site = site
        self._cluster = cluster

    async def ensure(self, user: str, artefact: str, reader: int | None) -> str:
        """`id:HEX` of the imported image.

        The gateway's answers to an import say little and its client's exit codes less: only a
        look-up afterwards tells whether the image is there.
        """
        tag = f"hpcbinder-{artefact}:1"
        found = await self._cluster.shifter_lookup(user, f"custom:{tag}")
        if not found:
            await self._cluster.shifter_import(
                self._import_url(tag), artefact_file(self._site.artefacts, artefact)
            )
            found = await self._wait_for(user, tag)
        return f"id:{found}"

    def command(self, run: ContainerRun) -> Sequence[str]:
        """Site file systems are where the host has them, by Shifter's own configuration, and homes
        among them, however far the launch is to reach.

        HOME would be the image's, so it is set; the working directory must exist inside.
        """
        where = run.where
        return [
            "shifter",
            f"--image={run.image}",
            f"--env=HOME={where.home}",
            f"--workdir={where.root}",
            "--",
            *run.command,
        ]

    def sbatch_options(self, image: str) -> Sequence[str]:
        """The image by its id also for the Slurm plugin, which may set nodes up ahead."""
        return [f"--image={image}"]

    def _import_url(self, tag: str) -> str:
        gateway = self._site.shifter_gateway.rstrip("/")
        return f"{gateway}/api/doimport/{self._site.shifter_system}/custom/{tag}/"

    async def _wait_for(self, user: str, tag: str) -> str:
        for _ in range(int(IMPORT_SECONDS / POLL_SECONDS)):
            found = await self._cluster.shifter_lookup(user, f"custom:{tag}")
            if found:
                return found
            await asyncio.sleep(POLL_SECONDS)
        raise UserError(
            "Shifter's gateway did not take the image in.",
            "Try again later, or choose a profile with another engine.",
            status=503,
        )
