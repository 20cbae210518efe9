"""Shifter: images live with its gateway, and are run by id."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from ...errors import UserError
from ...site import Site
from ...slurm.cluster import Cluster
from ..store import artefact_file
from .base import ContainerRun, Engine, Gpus, Takes
from .pulled import not_pulled, reference

IMPORT_SECONDS = 300
POLL_SECONDS = 0.5


class Shifter(Engine):
    """Images come to the gateway once, and are then run by `id:`, which needs no gateway when the
    job starts. Where the gateway lists us as an importer (`shifter_gateway`), it takes the artefact
    in as a `custom` image; otherwise it pulls from the site's registry."""

    name: ClassVar[str] = "shifter"
    program: ClassVar[str] = "shifter"
    takes: ClassVar[Takes] = Takes.IMPORTED
    hides_home: ClassVar[bool] = False
    keeps_apart: ClassVar[bool] = False
    makes_mount_points: ClassVar[bool] = False
    has_modules: ClassVar[bool] = True
    gpus: ClassVar[Gpus] = Gpus.MODULES

    def __init__(self, site: Site, cluster: Cluster):
        self._site = site
        self._cluster = cluster

    async def ensure(self, user: str, artefact: str, reader: int | None) -> str:
        """`id:HEX` of the image.

        The gateway's answers say little and its client's exit codes less: only a look-up afterwards
        tells whether the image is there.
        """
        if not self._site.shifter_gateway:
            return await self._pulled(user, artefact)
        tag = f"hpcbinder-{artefact}:1"
        found = await self._cluster.image_lookup(user, self.name, f"custom:{tag}")
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
        modules = ",".join(run.host.engine_modules)
        return [
            "shifter",
            f"--image={run.image}",
            *([f"--module={modules}"] if modules else []),
            *(
                f"--volume={bind.source}:{bind.target}{':ro' if bind.read_only else ''}"
                for bind in run.host.binds
            ),
            *(f"--env={name}={value}" for name, value in self.variables(run).items()),
            f"--workdir={run.where.root}",
            "--",
            *run.command,
        ]

    def sbatch_options(self, image: str) -> Sequence[str]:
        """The image by its id also for the Slurm plugin, which may set nodes up ahead."""
        return [f"--image={image}"]

    async def _pulled(self, user: str, artefact: str) -> str:
        image = f"docker:{reference(self._site.image_registry, artefact)}"
        found = await self._cluster.image_lookup(user, self.name, image)
        if not found:
            said = await self._cluster.image_pull(user, self.name, image)
            found = await self._cluster.image_lookup(user, self.name, image)
            if not found:
                # The gateway repeats a failure for five minutes without trying again.
                raise not_pulled(self.name, said)
        return f"id:{found}"

    def _import_url(self, tag: str) -> str:
        gateway = self._site.shifter_gateway.rstrip("/")
        return f"{gateway}/api/doimport/{self._site.shifter_system}/custom/{tag}/"

    async def _wait_for(self, user: str, tag: str) -> str:
        for _ in range(int(IMPORT_SECONDS / POLL_SECONDS)):
            found = await self._cluster.image_lookup(user, self.name, f"custom:{tag}")
            if found:
                return found
            await asyncio.sleep(POLL_SECONDS)
        raise UserError(
            "Shifter's gateway did not take the image in.",
            "Try again later, or choose a profile with another engine.",
            status=503,
        )
