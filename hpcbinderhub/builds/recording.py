"""The record of a build: what its image is made of; and a build that is held to such a record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from hpcbinderhub import __version__
from hpcbinderhub.builds.builders.base import Builder, Opened
from hpcbinderhub.builds.request import BuildRequest
from hpcbinderhub.builds.steps import Steps, steps_for
from hpcbinderhub.images.bills import lock
from hpcbinderhub.images.bills.model import Bill
from hpcbinderhub.images.bills.reading import contents
from hpcbinderhub.images.tree import Tree

UV = "/srv/hpcbinder/tools/uv"


def steps(request: BuildRequest, builder: Builder) -> Steps:
    """What every build step gets, a lock included."""
    trust = request.storage.tmp / "trust"
    given = steps_for(request, trust, builder.has_one_user)
    if request.lock is None:
        return given
    folder, told = request.storage.tmp / "lock", trust / "apt.conf"
    lock.write(request.lock, folder, told.read_text("utf-8") if told.exists() else "")
    return replace(given, lock_folder=folder)


def restore(request: BuildRequest, builder: Builder, given: Steps) -> Iterator[str]:
    """Bring our environment to a lock as a whole: what the repository did not ask for came with the
    base image, in the versions of another day. Nothing to do is done in a moment."""
    if request.lock is None or not request.lock.environment:
        return
    yield "Comparing the environment with its record"
    hashes = ("--require-hashes",) if lock.all_hashed(request.lock) else ()
    yield from builder.run(
        request.image,
        *(UV, "pip", "install", "--no-deps", "--no-cache", "--no-progress", "--compile-bytecode"),
        *("--python", f"{lock.ENVIRONMENT}/bin/python3"),
        *("--requirements", f"{lock.LOCK}/environment.txt", *hashes),
        user="0",
        folder="/",
        given=given,
    )


def bill(request: BuildRequest, builder: Builder, build_pack: str, opened: Opened) -> Bill:
    """What the finished image holds, and how it came about."""
    found = contents(Tree(opened.root), opened.environment)
    base_image, base_digest = builder.base(request.image)
    return Bill(
        repo_url=request.repo_url,
        commit=request.commit,
        key=request.key,
        made=round(time.time()),
        build_pack=build_pack,
        builder=builder.name,
        builder_version=builder.version(),
        hub_version=__version__,
        tools_generation=request.tools_generation,
        base_image=base_image,
        base_digest=base_digest,
        system=found.system,
        packages=found.packages,
        unread=found.unread,
    )
