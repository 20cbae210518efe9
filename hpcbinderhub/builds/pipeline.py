"""One build from end to end, inside the builder's user namespace. Started by `run`, never by hand.

Standard input holds the request in its first line, and stays open for as long as the build is
wanted; standard output gets one event a line.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from hpcbinderhub.builds import application, processes, recording
from hpcbinderhub.builds.builders import builder_of
from hpcbinderhub.builds.builders.base import Builder, Opened, own_image
from hpcbinderhub.builds.causes import diagnose
from hpcbinderhub.builds.context import refuse_links_out
from hpcbinderhub.builds.disk import DiskWatch
from hpcbinderhub.builds.events import LogLines, Reporter
from hpcbinderhub.builds.fence import cgroup, enclosure
from hpcbinderhub.builds.fence.limits import StepWatch
from hpcbinderhub.builds.lock import LOCK, exclusive
from hpcbinderhub.builds.request import Artefact, BuildRequest, BuiltEvent, FailedEvent, Image
from hpcbinderhub.builds.steps import steps_for
from hpcbinderhub.builds.storage import check_storage
from hpcbinderhub.builds.verdicts import refused, too_large, too_much
from hpcbinderhub.errors import UserError
from hpcbinderhub.images import convert, record, squash, store
from hpcbinderhub.images.bills.model import Bill
from hpcbinderhub.images.bills.reading import notebook_packages


def main() -> int:
    """Run the build that standard input asks for."""
    processes.adopt_orphans()
    request = BuildRequest.model_validate_json(sys.stdin.buffer.readline())
    reporter = Reporter()
    try:
        with reporter.timed("enclosing"):
            enclosure.enter(request.confinement)
        processes.at_end_of(sys.stdin.fileno(), lambda: leave(3))
        event: BuiltEvent | FailedEvent = _run(request, reporter)
    except UserError as error:
        event = refused(reporter.lines, error)
    except Exception as error:
        traceback.print_exc()
        event = diagnose(reporter.lines, error)
    reporter.emit(event.model_copy(update={"seconds": reporter.seconds}))
    return 0 if isinstance(event, BuiltEvent) else 1


def leave(code: int) -> None:
    """End at once, and with everything that was started."""
    processes.kill_descendants()
    os._exit(code)


def _run(request: BuildRequest, reporter: Reporter) -> BuiltEvent:
    builder = builder_of(request.builder, request.storage)
    with reporter.timed("preparing"):
        check_storage(request.storage)
        refuse_links_out(request.context)
    with exclusive(request.storage):
        with reporter.timed("cleaning"):
            _clean(request, builder)
        _watch_disk(request, builder, reporter)
        try:
            event = _build_and_convert(request, builder, reporter)
            # Said before cleaning up, which nobody who waits for the artefact needs to wait for.
            reporter.emit(event.model_copy(update={"seconds": reporter.seconds}))
            _keep_packages(request, builder, event)
            return event
        finally:
            _clean(request, builder)


def _keep_packages(request: BuildRequest, builder: Builder, event: BuiltEvent) -> None:
    """Keep what was installed on a base image of ours for the builds to come."""
    if request.reader is not None:
        return  # What packages it has, and from where, is its reader's alone.
    given = steps_for(request, request.storage.tmp / "trust", builder.has_one_user)
    builder.keep_packages(request.image, request.pythons.values(), event.packages, given)


def _clean(request: BuildRequest, builder: Builder) -> None:
    """Remove what this build or one that was killed has left."""
    builder.remove_leftovers(keep_tmp={LOCK})
    for image in (request.image, own_image(request.image)):
        if builder.has(image):
            builder.remove(image)
    convert.remove_partial(request.artefact_dir, storage_id(request))


def storage_id(request: BuildRequest) -> str:
    """Tells the unfinished files of this host's storage from those of others in a shared store."""
    name = f"{socket.gethostname()}:{request.storage.graphroot}"
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def _watch_disk(request: BuildRequest, builder: Builder, reporter: Reporter) -> None:
    limit = request.limits.disk_bytes

    def passed(added: int) -> None:
        reporter.emit(too_large(reporter.lines, added, limit))
        leave(1)

    DiskWatch(request.storage, builder.growth, limit, passed).start()


@contextlib.contextmanager
def _held(request: BuildRequest, reporter: Reporter) -> Iterator[Path | None]:
    """Hold what runs meanwhile to the limits of steps; its control group, if there is one."""
    limits, parent = request.limits, request.confinement.cgroup

    def passed(what: Literal["memory", "processes"]) -> None:
        reporter.emit(too_much(reporter.lines, what, limits))
        leave(1)

    with (
        cgroup.of_build(parent, f"build-{storage_id(request)}", limits) as group,
        StepWatch(os.getpid(), limits, group, passed),
    ):
        yield group


def _build_and_convert(request: BuildRequest, builder: Builder, reporter: Reporter) -> BuiltEvent:
    for image in request.pythons.values():
        if not builder.has(image):
            raise UserError(
                f"The site's base image {image} is not in the builder's storage.",
                "Ask your site's admin to make it.",
            )
    with reporter.timed("building"):
        with _held(request, reporter) as group:
            given = replace(
                recording.steps(request, builder),
                isolation=request.confinement.isolation,
                limits=request.limits,
                cgroup=group,
            )
            build_pack = application.build(request, builder, given, LogLines(reporter))
        for line in recording.restore(request, builder, given):
            reporter.log("building", line)
        opened = builder.open(request.image)
        _finish(request, opened, reporter)
    with reporter.timed("recording"):
        bill = recording.bill(request, builder, build_pack, opened)
        reporter.log("building", f"The environment holds {len(bill.packages)} packages")
    with reporter.timed("converting"):
        artefact = _artefact(request, opened.root, bill, reporter)
    # An image that never was one by itself is named by its artefact.
    image_id = builder.image_id(request.image) or f"sha256:{artefact.sha256}"
    return BuiltEvent(
        artefact=artefact,
        image=Image(id=image_id, env=opened.environment),
        packages=notebook_packages(bill.packages),
        bill=bill,
    )


def _finish(request: BuildRequest, opened: Opened, reporter: Reporter) -> None:
    """Write into the image what the start command and the engines need."""
    root, config = opened.root, dict(opened.config)
    squash.check_programs(root)
    described = record.describe(root, config, request.context, request.tools_generation)
    record.write_record(root, described)
    squash.add_folders(root, (*squash.NEEDED_FOLDERS, *request.mount_points))
    made, left = len(described["generated"]), len(described["in_home"])
    reporter.log(
        "building", f"The build made {made} files beside the repository's own, and {left} in HOME"
    )


def _artefact(request: BuildRequest, root: Path, bill: Bill, reporter: Reporter) -> Artefact:
    reporter.log("converting", "Converting the image")
    beside: dict[str, object] = {
        "key": request.key,
        "commit": request.commit,
        "tools_generation": request.tools_generation,
        "build": request.id,
        "built_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    place = convert.Place(
        folder=store.artefact_folder(request.artefact_dir, request.reader),
        storage_id=storage_id(request),
        mode=store.OPEN_MODE if request.reader is None else store.CLOSED_MODE,
    )
    for item in convert.from_tree(root, place, beside, bill):
        if isinstance(item, Artefact):
            return item
        reporter.log("converting", item)
    raise UserError("The conversion ended without an artefact.")


if __name__ == "__main__":
    sys.exit(main())
