"""`hpcbinderhub images`: what they cost, which stay, and one for a laptop."""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path
from typing import Any

from ..images.export import PORT, Source, export
from .records import find_recorded
from .remote import remote
from .table import moment, print_table

KEY_LENGTH = 12
"""Enough of a key to tell it from others."""

HEADINGS = ("KEY", "SIZE", "SHARE", "LAUNCHES", "LAST LAUNCH", "STAYS", "REPOSITORY")


def key(text: str) -> str:
    """A key, or the beginning of one, as an argument."""
    if not re.fullmatch(r"[0-9a-f]+", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text} is no key: digits and the letters a to f")
    return text


def show(options: argparse.Namespace) -> None:
    """List the images, the newest first, with what each costs and whether it stays."""
    service = remote(options)
    images = service.call("GET", "api/images?limit=1000")
    print_table(HEADINGS, [_row(image) for image in images])
    print(_in_words(service.call("GET", "api/store")))


def pin(options: argparse.Namespace) -> None:
    """Keep an image, whatever the site's limits."""
    image = remote(options).call("PUT", f"api/images/{options.key}/pin")
    print(f"{image['key'][:KEY_LENGTH]} stays: pinned by {image['pinned_by']}.")


def unpin(options: argparse.Namespace) -> None:
    """Let an image go when others like it do."""
    image = remote(options).call("DELETE", f"api/images/{options.key}/pin")
    print(f"{image['key'][:KEY_LENGTH]} is not pinned any more.")


def remove(options: argparse.Namespace) -> None:
    """Remove an image that is neither pinned nor in use; a worker removes its file soon."""
    remote(options).call("DELETE", f"api/images/{options.key}")
    print(f"{options.key} is removed: whoever launches it next has it built again.")


def save(options: argparse.Namespace) -> None:
    """Make an OCI archive of an image, with its repository in it, for Podman or Docker anywhere.

    Needs git and `unsquashfs` (squashfs-tools) on this machine.
    """
    service, target = remote(options), Path(options.file).absolute()
    image = service.call("GET", f"api/images/{options.key}")
    recorded = find_recorded(service, image["build"])
    bill = recorded.bill if recorded else None
    source = Source(image["repo_url"], image["commit"], image["made"], bill)
    path = f"api/images/{image['key']}"
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as folder:
        artefact, bundle = Path(folder, "artefact"), Path(folder, "bundle")
        print(f"Fetching {source.repo_url} at {source.commit[:KEY_LENGTH]}.")
        service.download(f"{path}/content", bundle)
        print(f"Fetching the image, {_size(image['size'])}.")
        service.download(f"{path}/artefact", artefact)
        print(f"Writing {target}.")
        export(artefact, bundle, source, target)
    print(f"{_size(target.stat().st_size)}. On any machine with Podman:")
    print(f"  podman load --input {target.name}")
    print(f"  podman run --rm --publish 127.0.0.1:{PORT}:{PORT} {source.name}")


def _row(image: dict[str, Any]) -> tuple[str, ...]:
    stays = ["in use"] if image["in_use"] else []
    stays += [f"pinned by {image['pinned_by']}"] if image["pinned_by"] else []
    return (
        image["key"][:KEY_LENGTH],
        _size(image["size"]),
        f"{100 * image['share']:.1f} %",
        str(image["launches"]),
        moment(image["last_launch"]),
        ", ".join(stays),
        f"{image['repo_url']} at {image['commit'][:10]}",
    )


def _in_words(store: dict[str, Any]) -> str:
    limit = f" of {_size(store['limit'])}" if store["limit"] else ""
    words = f"{store['images']} images, {_size(store['size'])}{limit}."
    if store["removing"]:
        size = _size(store["removing_size"])
        words += f" {store['removing']} more, {size}, wait for a worker to remove them."
    return words


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
