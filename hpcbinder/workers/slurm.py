"""Slurm itself, where its programs are at hand and there is no hub: the same workers, submitted as
an array by the user's own `sbatch`.

A crew is a folder in the user's storage, which the nodes read too, and what Slurm says of the jobs
that carry its id as their name.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import pwd
import secrets
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import batch
from .crew import Crew, Keys, Node, Offer, crew_from
from .errors import Unreachable, WorkersError
from .keys import new_keys

LOOK_SECONDS = 5.0
ANSWER_SECONDS = 60.0
GONE = 410
# Slurm's programs obey these before their own command line.
OBEYED = ("SBATCH_", "SQUEUE_", "SCANCEL_", "SLURM_")


class SlurmCrews:
    """See `Crews`. Only the kernel that made a crew changes it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock: asyncio.Lock | None = None

    @classmethod
    def from_environment(cls) -> SlurmCrews:
        """Crews are below the user's own state."""
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
        return cls(Path(state, "hpcbinder", "crews"))

    async def create(self, request: Mapping[str, Any]) -> tuple[Crew, Keys]:
        """See `Crews`. Nothing is submitted before the scheduler's address is known, which is in a
        second: every node reads it from its grant."""
        crew = batch.crew_of(request, f"hpcbinder-crew-{secrets.token_hex(6)}", time.time())
        if any(other.name == crew.name for other in await asyncio.to_thread(self._all)):
            raise WorkersError(
                f"There are workers called “{crew.name}” already.",
                f"Attach to them, close them with Workers.end({crew.name!r}), or choose another "
                "name.",
            )
        keys = await asyncio.to_thread(new_keys)
        await asyncio.to_thread(self._begin, crew, dict(request), keys)
        return crew, keys

    async def offer(self) -> Offer:
        """See `Crews`. Here, a partition is what a profile is elsewhere."""
        found = await asyncio.to_thread(self._all)
        return Offer([await self._seen(crew) for crew in found], [])

    async def state(self, crew: str, after: int, wait: float) -> Crew:
        """See `Crews`."""
        known = await self._look(crew)
        end = time.monotonic() + wait
        while known.version <= after and time.monotonic() < end:
            await asyncio.sleep(min(LOOK_SECONDS, max(0.0, end - time.monotonic())))
            known = await self._look(crew)
        return known

    async def keys(self, crew: str) -> Keys:
        """See `Crews`."""
        return Keys(**(await asyncio.to_thread(self._record, crew))["keys"])

    async def change(self, crew: str, **what: Any) -> Crew:
        """See `Crews`."""
        async with self._turn():
            return await self._change(crew, what)

    async def _change(self, crew: str, what: Mapping[str, Any]) -> Crew:
        record = await asyncio.to_thread(self._record, crew)
        known = crew_from(record["crew"])
        if "scheduler" in what:
            known = dataclasses.replace(known, scheduler=what["scheduler"])
            known = await self._raise(known, record, batch.wanted(known, record["request"]))
        elif "drop" in what:
            known = await self._drop(known, list(what["drop"]))
        else:
            known = await self._scale(known, record, batch.wanted(known, what))
        await asyncio.to_thread(self._keep, known)
        return await self._seen(known)

    async def log(self, crew: str, node: str) -> str:
        """See `Crews`."""
        job, _, task = node.partition("_")
        return await asyncio.to_thread(_end_of, self._root / crew / batch.LOG.format(job, task))

    async def close(self, crew: str, why: str) -> Crew | None:
        """See `Crews`. By the name of its jobs, so it needs nothing but the crew's id."""
        await _slurm("scancel", f"--user={_me()}", f"--name={crew}")
        await asyncio.to_thread(shutil.rmtree, self._root / crew, ignore_errors=True)
        return None

    async def _scale(self, crew: Crew, record: Mapping[str, Any], workers: int) -> Crew:
        seen = await self._seen(crew)
        have = batch.having(seen)
        if workers > have:
            return await self._raise(seen, record, workers)
        waiting = []
        for node in reversed([node for node in seen.nodes if node.waiting]):
            if have - node.workers >= workers:
                have -= node.workers
                waiting.append(node.id)
        return await self._drop(seen, waiting)

    async def _raise(self, crew: Crew, record: Mapping[str, Any], workers: int) -> Crew:
        """One more submission, of as many nodes as are missing."""
        missing = workers - batch.having(crew)
        if missing <= 0:
            return crew
        folder = self._root / crew.id
        sizes = batch.sizes(crew, missing)
        number = crew.submissions
        orders = {"grant": batch.grant(crew, Keys(**record["keys"]), folder, dict(os.environ))}
        await asyncio.to_thread(_write_grants, folder, number, orders, sizes)
        options = batch.options(crew.id, folder, len(sizes), record["request"])
        script = batch.script(folder, number, len(sizes), sys.executable)
        job = (await _slurm("sbatch", *options, text=script)).strip().partition(";")[0]
        nodes = tuple(Node(f"{job}_{i}", "pending", workers=n) for i, n in enumerate(sizes))
        return dataclasses.replace(
            crew,
            nodes=crew.nodes + nodes,
            wanted_nodes=len(crew.alive()) + len(nodes),
            wanted_workers=workers,
            submissions=number + 1,
            version=crew.version + 1,
        )

    async def _drop(self, crew: Crew, nodes: Sequence[str]) -> Crew:
        if not nodes:
            return crew
        try:
            await _slurm("scancel", *nodes)
        except WorkersError as error:
            # One that has ended meanwhile is as wanted.
            if "Invalid job id" not in error.detail:
                raise
        return batch.without(crew, nodes)

    def _turn(self) -> asyncio.Lock:
        """From reading a record to writing it nobody else may: what is followed changes, too."""
        if self._lock is None:
            # It belongs to the event loop in which it is made.
            self._lock = asyncio.Lock()
        return self._lock

    async def _look(self, crew: str) -> Crew:
        async with self._turn():
            record = await asyncio.to_thread(self._record, crew)
            return await self._seen(crew_from(record["crew"]))

    async def _seen(self, crew: Crew) -> Crew:
        """With what Slurm says of its jobs now."""
        columns = f"--format={batch.COLUMNS}"
        rows = await _slurm("squeue", f"--user={_me()}", f"--name={crew.id}", "-h", "-r", columns)
        seen = batch.with_rows(crew, rows)
        if seen.nodes != crew.nodes:
            seen = dataclasses.replace(seen, version=crew.version + 1)
            await asyncio.to_thread(self._keep, seen)
        return seen

    def _begin(self, crew: Crew, request: Mapping[str, Any], keys: Keys) -> None:
        folder = self._root / crew.id
        folder.mkdir(mode=0o700, parents=True)
        record = {"crew": dataclasses.asdict(crew), "request": request, "keys": keys._asdict()}
        _write(folder / "crew.json", record)

    def _keep(self, crew: Crew) -> None:
        try:
            record = self._record(crew.id)
        except WorkersError:
            # Somebody has closed it meanwhile.
            return
        _write(self._root / crew.id / "crew.json", {**record, "crew": dataclasses.asdict(crew)})

    def _record(self, crew: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self._root / crew / "crew.json").read_text())
        except OSError:
            raise WorkersError(
                "These workers are closed.", "Ask for new ones.", status=GONE
            ) from None
        return found

    def _all(self) -> list[Crew]:
        folders = sorted(self._root.glob("*/crew.json"))
        return [crew_from(self._record(path.parent.name)["crew"]) for path in folders]


def _end_of(path: Path) -> str:
    try:
        return path.read_text(errors="replace")[-65536:]
    except OSError:
        # It has printed nothing yet.
        return ""


def _me() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _write_grants(folder: Path, number: int, orders: dict[str, Any], sizes: list[int]) -> None:
    """One for all nodes but the last, which may have fewer workers."""
    for which, size in (("", sizes[0]), ("-last", sizes[-1])):
        grant = {**orders["grant"], "workers": size}
        _write(folder / f"grant-{number}{which}.json", {**orders, "grant": grant})


def _write(path: Path, value: object) -> None:
    """For its owner alone from the beginning, and whole or not at all."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file)
    os.replace(new, path)


async def _slurm(program: str, *arguments: str, text: str = "") -> str:
    """What it prints."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(OBEYED)}
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        said, error = await asyncio.wait_for(process.communicate(text.encode()), ANSWER_SECONDS)
    except asyncio.TimeoutError:
        process.kill()
        raise Unreachable(f"Slurm's {program} does not answer.", "Try again in a minute.") from None
    if process.returncode:
        raise batch.refusal(program, error.decode(errors="replace").strip())
    return said.decode(errors="replace")
