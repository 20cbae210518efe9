"""`hpcbinderhub images import`: an image from a registry as a file that an engine runs."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from ..builds.request import Artefact
from ..errors import UserError
from ..images.convert import Place
from ..images.registry.artefact import Limits, from_registry
from ..images.registry.client import Registry
from ..images.registry.reference import parse
from ..images.squash import NEEDED_FOLDERS
from ..site import load_site
from ..slurm.agent.leftovers import OF_IMPORTS, remove_leftovers


def add_options(command: argparse.ArgumentParser) -> None:
    """Which image, from where, to where."""
    command.add_argument("image", help="like registry.example.org/group/image:tag, or its digest")
    command.add_argument("folder", type=Path, help="where the artefact goes")
    command.add_argument("--authfile", type=Path, help="what `podman login` has written")
    command.add_argument(
        "--plain-http", action="store_true", help="for a registry on this host, without HTTPS"
    )


def take_in(options: argparse.Namespace) -> None:
    """Make an artefact of an image that HPC BinderHub has built and pushed to a registry.

    Nothing of it is unpacked on this machine; needs `mksquashfs` (squashfs-tools).
    """
    site, reference = load_site(options.config), parse(options.image)
    if not os.access(options.folder, os.W_OK):
        raise UserError(f"{options.folder} is no folder to write to.", "Name another one.")
    registry = Registry(
        reference.host,
        options.authfile,
        https=not options.plain_http,
        ca_bundle=site.build_ca_bundle,
    )
    # The folder may be anybody's, so no name goes that others could use.
    remove_leftovers(str(options.folder), OF_IMPORTS)
    place = Place(options.folder, "import")
    with tempfile.TemporaryDirectory(dir=options.folder, prefix=".import-") as scratch:
        limits = Limits(site.build_disk_mb << 20, Path(scratch))
        folders = (*NEEDED_FOLDERS, *site.mount_points)
        for said in from_registry(registry, reference, place, limits, folders):
            print(said.path if isinstance(said, Artefact) else said)
