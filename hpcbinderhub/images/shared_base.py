"""The base image on storage that builders share: made by one of them, loaded by the others.

It lies in the artefact store as an OCI layout, in a folder with the image's own name. A layout
appears there whole, and the first one stays.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..builds import commands
from ..builds.storage import check_storage
from ..builds.tool import BuilderError
from .base import BaseImage, BaseSettings, base_name, ensure_base

log = logging.getLogger(__name__)

FOLDER = "base"


def shared_base(
    settings: BaseSettings, hpcbinder_source: Path, store: Path, say: Callable[[str], None]
) -> BaseImage:
    """The base image in this builder's storage: loaded if it lies in the store, else made, and put
    there for the next one."""
    if settings.builder != "buildah":
        # What lies there is read and written by Buildah.
        return ensure_base(settings, hpcbinder_source, say)
    name = base_name(settings, hpcbinder_source)
    layout = store / FOLDER / settings.python / name.rpartition(":")[2]
    if layout.exists() and not load(settings, name, layout):
        say(f"{layout} is damaged; the base image is made anew.")
        shutil.rmtree(layout, ignore_errors=True)
    made = ensure_base(settings, hpcbinder_source, say)
    if not layout.exists():
        publish(settings, name, layout)
    return made


def load(settings: BaseSettings, name: str, layout: Path) -> bool:
    """Load an image, if all of it has the digests that its names say."""
    check_storage(settings.storage)
    try:
        manifest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
        found = hashlib.sha256((layout / "blobs/sha256" / manifest[7:]).read_bytes()).hexdigest()
        if f"sha256:{found}" != manifest:
            return False
        # What the manifest names, its reader checks itself.
        image = commands.output(settings.storage, "pull", "--quiet", f"oci:{layout}")
        commands.output(settings.storage, "tag", image, name)
    except (OSError, ValueError, LookupError, BuilderError) as error:
        log.warning("%s cannot be loaded: %s", layout, error)
        return False
    return True


def publish(settings: BaseSettings, name: str, layout: Path) -> None:
    """Put an image into the store, unless another builder was faster; those of earlier recipes go,
    each of which is hundreds of megabytes."""
    layout.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=".partial-base-", dir=layout.parent))
    try:
        given = ("--quiet", "--compression-format=zstd", name, f"oci:{new}")
        commands.output(settings.storage, "push", *given)
        _sync(new)
        new.chmod(0o755)
        new.rename(layout)
    except (OSError, BuilderError) as error:
        # The next builder makes it once more; this one has it.
        log.warning("The base image could not be put into the store: %s", error)
        shutil.rmtree(new, ignore_errors=True)
        return
    for other in layout.parent.iterdir():
        if other != layout and not other.name.startswith("."):
            shutil.rmtree(other, ignore_errors=True)


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
