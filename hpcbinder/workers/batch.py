"""What is handed to the user's own `sbatch`, and what `squeue` answers, as pure functions."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from .choice import nodes_for
from .crew import Crew, Keys, Node
from .errors import Unreachable, WorkersError

COLUMNS = "%F|%K|%T|%N|%S|%e|%r"
LOG = "node-{}_{}.log"
WARN_SECONDS = 120
LOST_CONTACT_SECONDS = 300
# What a Python of the user's needs to be the same on a node; nothing else goes there.
CARRIED = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "OMP_NUM_THREADS")
CARRIED_BEGINNINGS = ("CONDA_", "LC_", "DASK_", "SPACK_")

STATES = {"PENDING": "pending", "CONFIGURING": "pending", "RUNNING": "running"}
ENDING = ("COMPLETING", "STAGE_OUT")
NOT_REACHED = ("Unable to contact slurm controller", "Socket timed out", "Zero Bytes")


def crew_of(request: Mapping[str, Any], number: str, now: float) -> Crew:
    """What is asked for; what a profile would say has to be in the request."""
    cpus, threads = request.get("cpus"), request.get("threads", 1)
    if not cpus:
        raise WorkersError(
            "Without a hub, nobody knows how many CPUs a node shall have.",
            "Say it: Workers(40, cpus=32), and partition=, memory=, minutes= as you need.",
        )
    if request.get("replace"):
        raise WorkersError("Without a hub, nodes are not replaced.", "Leave replace out.")
    gpus = int(request.get("gpus", 0))
    return Crew(
        id=number,
        name=request["name"],
        version=1,
        created=now,
        title=f"Slurm, {request['partition']}" if request.get("partition") else "Slurm",
        keep=bool(request.get("keep")),
        per_node=gpus or max(1, int(cpus) // int(threads)),
        threads=int(threads),
        gpus=gpus,
    )


def wanted(crew: Crew, what: Mapping[str, Any]) -> int:
    """How many workers are asked for, as such or by nodes."""
    return int(what["workers"]) if "workers" in what else int(what["nodes"]) * crew.per_node


def having(crew: Crew) -> int:
    """How many workers there are or will be; what is lost can be asked for again."""
    return sum(node.workers for node in crew.alive())


def sizes(crew: Crew, workers: int) -> list[int]:
    """How many workers each node of a submission has; the last one takes what is left."""
    nodes = nodes_for(crew, workers)
    return [crew.per_node] * (nodes - 1) + [workers - crew.per_node * (nodes - 1)]


def options(name: str, folder: Path, nodes: int, request: Mapping[str, Any]) -> list[str]:
    """All of them on the command line, where nothing overrides them."""
    known = {
        "partition": "--partition={}",
        "qos": "--qos={}",
        "account": "--account={}",
        "minutes": "--time={}",
        "memory_mb": "--mem={}M",
        "gpus": "--gpus-per-node={}",
        "constraint": "--constraint={}",
        "reservation": "--reservation={}",
    }
    silent = {"name", "workers", "nodes", "threads", "keep", "cpus"}
    if unknown := set(request) - set(known) - silent:
        raise WorkersError(
            f"Workers have no {', '.join(sorted(unknown))} without a hub.",
            f"There are cpus, memory and {', '.join(sorted(set(known) - {'memory_mb'}))}.",
        )
    return [
        "--parsable",
        f"--job-name={name}",
        f"--array=0-{nodes - 1}",
        "--nodes=1",
        "--ntasks=1",
        f"--cpus-per-task={request['cpus']}",
        f"--output={folder}/{LOG.format('%A', '%a')}",
        f"--chdir={folder}",
        "--export=NONE",
        "--no-requeue",
        # To the launcher itself, which moves its results away.
        f"--signal=B:USR1@{WARN_SECONDS}",
        *(text.format(request[key]) for key, text in known.items() if request.get(key)),
    ]


def script(folder: Path, number: int, nodes: int, python: str) -> str:
    """Which grant is a node's, and then the launcher in the shell's place."""
    grant = shlex.quote(str(folder / f"grant-{number}"))
    return (
        "#!/bin/sh\n"
        f"grant={grant}.json\n"
        f'[ "$SLURM_ARRAY_TASK_ID" = {nodes - 1} ] && grant={grant}-last.json\n'
        f'exec {shlex.quote(python)} -m hpcbinder.node --grant "$grant"\n'
    )


def grant(crew: Crew, keys: Keys, folder: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """What a launcher is told; how many workers it has is added for each."""
    carried = {
        name: value
        for name, value in environ.items()
        if name in CARRIED or name.startswith(CARRIED_BEGINNINGS)
    }
    return {
        "env": carried,
        "workspace": environ.get("PWD") or str(folder),
        "home": environ.get("HOME") or str(folder),
        "scheduler": crew.scheduler,
        "tls": keys._asdict(),
        # By Slurm's own word on the node.
        "node": "",
        "threads": crew.threads,
        "memory_mb": 0,
        "gpus": crew.gpus,
        "left": None,
        "warn_seconds": WARN_SECONDS,
        "lost_contact_seconds": LOST_CONTACT_SECONDS,
        "log": None,
    }


def with_rows(crew: Crew, rows: str) -> Crew:
    """The crew with what `squeue` prints of it; what it does not name has ended."""
    found = {}
    for row in rows.splitlines():
        job, task, state, node, start, end, reason = row.split("|", 6)
        found[f"{job}_{task}"] = (state, node, start, end, reason)
    return dataclasses.replace(
        crew, nodes=tuple(_node(node, found.get(node.id)) for node in crew.nodes)
    )


def _node(node: Node, row: tuple[str, ...] | None) -> Node:
    if row is None:
        ran = node.state in ("running", "ending")
        words = "It is no longer in Slurm's queue." if node.state != "ended" else node.words
        return dataclasses.replace(
            node, state="ended", words=words, expected_start=0, lost=node.lost or ran
        )
    state, where, start, end, reason = row
    found = STATES.get(state, "ending" if state in ENDING else "unknown")
    waits = found == "pending"
    return dataclasses.replace(
        node,
        state=found,
        node=where,
        words=f"Slurm says: {reason}" if waits and reason not in ("None", "") else "",
        expected_start=_moment(start) if waits else 0,
        ends=0 if waits else _moment(end),
        claimed=not waits,
    )


def without(crew: Crew, nodes: Collection[str]) -> Crew:
    """The crew when these are cancelled."""
    left = dataclasses.replace(
        crew, nodes=tuple(node for node in crew.nodes if node.id not in nodes)
    )
    return dataclasses.replace(
        left,
        wanted_nodes=len(left.alive()),
        wanted_workers=having(left),
        version=crew.version + 1,
    )


def refusal(program: str, said: str) -> WorkersError:
    """Slurm's own words, and what to do about them."""
    if any(words in said for words in NOT_REACHED):
        return Unreachable("Slurm does not answer.", "Try again in a minute.", said)
    if program == "sbatch":
        return WorkersError(
            "Slurm refused to start these workers.",
            "Its reason is below; ask for fewer, or choose another account, partition or time.",
            said,
        )
    return WorkersError(f"Slurm's {program} failed.", "Its reason is below.", said)


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0
