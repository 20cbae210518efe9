"""One build from end to end, inside the builder's user namespace. Started by `run`, never by hand.

Standard input holds the request in its first line, and stays open for as long as the build is
wanted; standard output gets one event a line.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from repo2docker.app import Repo2Docker
from traitlets.config import Config

from hpcbinderhub.builds import commands, packages, processes, recording, tools
from hpcbinderhub.builds.buildah import BuildahEngine
from hpcbinderhub.builds.causes import diagnose
from hpcbinderhub.builds.context import refuse_links_out
from hpcbinderhub.builds.detect import build_packs, noting, own_image
from hpcbinderhub.builds.disk import DiskWatch
from hpcbinderhub.builds.fence import cgroup, enclosure
from hpcbinderhub.builds.fence.limits import StepWatch
from hpcbinderhub.builds.lock import LOCK, exclusive
from hpcbinderhub.builds.request import (
    Artefact,
    BuildEvent,
    BuildRequest,
    BuiltEvent,
    FailedEvent,
    Image,
    LogEvent,
)
from hpcbinderhub.builds.steps import Steps, steps_for
from hpcbinderhub.builds.storage import check_storage
from hpcbinderhub.builds.uvpack import REPO_DIR, USER, working_container
from hpcbinderhub.builds.verdicts import refused, too_large, too_much
from hpcbinderhub.errors import UserError
from hpcbinderhub.images import convert, record, squash, store
from hpcbinderhub.images.bills.annotations import annotations_of
from hpcbinderhub.images.bills.model import Bill
from hpcbinderhub.images.bills.reading import notebook_packages

MAX_LINE = 2000
"""Some print a whole file without a line break. The service takes reports of a certain size."""
KEPT_LINES = 400
"""How much of the end of a log is searched for the cause of a failure."""

Phase = Literal["building", "pushing", "converting"]


class Reporter:
    """Writes events, and remembers the last lines and how long each phase took."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()
        self._ended = False

    def emit(self, event: BuildEvent) -> None:
        """Write one event; none follows the one that ends the build."""
        with self._lock:
            if self._ended:
                return
            self._ended = not isinstance(event, LogEvent)
            sys.stdout.write(event.model_dump_json() + "\n")
            sys.stdout.flush()

    def log(self, phase: Phase, text: str) -> None:
        """Write lines of the log; a very long one as several."""
        for line in text.splitlines():
            pieces = [line[start : start + MAX_LINE] for start in range(0, len(line), MAX_LINE)]
            for piece in filter(str.strip, pieces):
                self.lines = [*self.lines[-KEPT_LINES:], piece]
                self.emit(LogEvent(phase=phase, message=piece))

    @contextlib.contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Note how long something takes."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.seconds[phase] = round(time.monotonic() - begin, 3)


class LogLines(logging.Handler):
    """Passes what repo2docker logs on as events."""

    def __init__(self, reporter: Reporter):
        super().__init__()
        self.reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on."""
        self.reporter.log("building", record.getMessage())


class HubRepo2Docker(Repo2Docker):  # type: ignore[misc]
    """repo2docker with our engine, whether or not the entry point of it is installed."""

    def get_engine(self) -> BuildahEngine:
        """The engine, configured by this application."""
        return BuildahEngine(parent=self)


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
    storage = request.storage
    with reporter.timed("preparing"):
        check_storage(storage)
        refuse_links_out(request.context)
    with exclusive(storage):
        with reporter.timed("cleaning"):
            _clean(request)
        _watch_disk(request, reporter)
        try:
            event = _build_and_convert(request, reporter)
            # Said before cleaning up, which nobody who waits for the artefact needs to wait for.
            reporter.emit(event.model_copy(update={"seconds": reporter.seconds}))
            _keep_packages(request, event)
            return event
        finally:
            _clean(request)


def _keep_packages(request: BuildRequest, event: BuiltEvent) -> None:
    """Keep what was installed on a base image of ours for the builds to come."""
    if request.reader is not None:
        return  # What packages it has, and from where, is its reader's alone.
    given = steps_for(request, request.storage.tmp / "trust", commands.has_one_user())
    with contextlib.suppress(commands.BuildahError, OSError):
        base = commands.origin(request.storage, working_container(request.image))
        if base in request.pythons.values():
            packages.stock(request.storage, base, event.packages, given)


def _clean(request: BuildRequest) -> None:
    """Remove what this build or one that was killed has left."""
    commands.remove_leftovers(request.storage, keep_tmp={LOCK})
    for image in (request.image, own_image(request.image)):
        if commands.exists(request.storage, image):
            commands.remove_image(request.storage, image)
    convert.remove_partial(request.artefact_dir, storage_id(request))


def storage_id(request: BuildRequest) -> str:
    """Tells the unfinished files of this host's storage from those of others in a shared store."""
    name = f"{socket.gethostname()}:{request.storage.graphroot}"
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def _watch_disk(request: BuildRequest, reporter: Reporter) -> None:
    limit = request.limits.disk_bytes

    def passed(added: int) -> None:
        reporter.emit(too_large(reporter.lines, added, limit))
        leave(1)

    DiskWatch(request.storage, limit, passed).start()


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


def _build_and_convert(request: BuildRequest, reporter: Reporter) -> BuiltEvent:
    for image in request.pythons.values():
        if not commands.exists(request.storage, image):
            raise UserError(
                f"The site's base image {image} is not in the builder's storage.",
                "Ask your site's admin to make it.",
            )
    with reporter.timed("building"):
        with _held(request, reporter) as group:
            given = _given(request, group)
            build_pack = _build(request, given, reporter)
        container = _container(request)
        for line in recording.restore(request, container, given):
            reporter.log("building", line)
        root, environment = _finish(request, container, reporter)
    with reporter.timed("recording"):
        bill = recording.bill(request, build_pack, container, root, environment)
        reporter.log("building", f"The environment holds {len(bill.packages)} packages")
    pushed = None
    if request.push is not None:
        with reporter.timed("pushing"):
            commands.annotate(request.storage, container, annotations_of(bill))
            pushed = _push(request, container, reporter)
    with reporter.timed("converting"):
        artefact = _artefact(request, root, bill, reporter)
    return BuiltEvent(
        artefact=artefact,
        image=Image(id=_image_id(request, artefact), env=environment, pushed=pushed),
        packages=notebook_packages(bill.packages),
        bill=bill,
    )


def _given(request: BuildRequest, group: Path | None) -> Steps:
    """What every step of this build gets."""
    return replace(
        recording.steps(request),
        isolation=request.confinement.isolation,
        limits=request.limits,
        cgroup=group,
    )


def _build(request: BuildRequest, given: Steps, reporter: Reporter) -> str:
    """Let repo2docker pick a build pack and build; the name of the build pack."""
    log = logging.getLogger("repo2docker")
    log.handlers = [LogLines(reporter)]
    log.propagate = False
    log.setLevel(logging.INFO)
    tried: list[str] = []
    repo2docker(request, given, tried, log=log).build()
    # It asks them in turn, and the one that says yes is the last.
    return tried[-1]


def repo2docker(
    request: BuildRequest, given: Steps, tried: list[str], **more: Any
) -> HubRepo2Docker:
    """repo2docker as it is set up for one build; `tried` gets the build packs as they are asked."""
    engine = {
        "graphroot": str(request.storage.graphroot),
        "runroot": str(request.storage.runroot),
        "tmp": str(request.storage.tmp),
        "given": given,
    }
    return HubRepo2Docker(
        config=Config({"BuildahEngine": engine}),
        repo=str(request.context),
        ref=request.commit,
        output_image_spec=request.image,
        base_image=request.other_base_image,
        buildpacks=[noting(pack, tried) for pack in build_packs(request.pythons)],
        appendix=tools.appendix(request.base_image, request.lock),
        user_id=int(USER),
        user_name="jovyan",
        target_repo_dir=REPO_DIR,
        run=False,
        push=False,
        **more,
    )


def _container(request: BuildRequest) -> str:
    """The working container to convert: one that was assembled, or a new one of the image."""
    container = working_container(request.image)
    if container not in commands.containers(request.storage):
        commands.from_image(request.storage, request.image, container)
    return container


def _finish(
    request: BuildRequest, container: str, reporter: Reporter
) -> tuple[Path, dict[str, str]]:
    """Write into the image what the start command and the engines need; its tree and variables."""
    config = commands.container_configuration(request.storage, container)
    environment = dict(item.split("=", 1) for item in config.get("Env") or [])
    root = commands.mount(request.storage, container)
    squash.check_programs(root)
    described = record.describe(root, config, request.context, request.tools_generation)
    record.write_record(root, described)
    squash.add_folders(root, (*squash.NEEDED_FOLDERS, *request.mount_points))
    made, left = len(described["generated"]), len(described["in_home"])
    reporter.log(
        "building", f"The build made {made} files beside the repository's own, and {left} in HOME"
    )
    return root, environment


def _push(request: BuildRequest, container: str, reporter: Reporter) -> str:
    """Push the finished image, for engines that can only pull."""
    assert request.push is not None
    reporter.log("pushing", f"Pushing the image to {request.push.ref}")
    commands.commit(request.storage, container, request.image)
    digests = request.storage.tmp / "pushed-digest"
    for line in commands.push(
        request.storage,
        request.image,
        request.push.ref,
        authfile=request.push.authfile,
        tls_verify=request.push.tls_verify,
        digestfile=digests,
    ):
        reporter.log("pushing", line)
    return f"{request.push.ref}@{digests.read_text('utf-8').strip()}"


def _image_id(request: BuildRequest, artefact: Artefact) -> str:
    """The image's own id; an image that was never committed is named by its artefact."""
    if commands.exists(request.storage, request.image):
        return f"sha256:{commands.inspect(request.storage, request.image)['FromImageID']}"
    return f"sha256:{artefact.sha256}"


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
