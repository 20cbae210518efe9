"""What is free now, and when a job would start."""

import re
import time
from typing import Any, Dict, Set

from .basics import Refused, Request, Row, checked, slurm

FIELDS = ("PartitionName", "StateComplete", "CPUsState", "Available", "Gres", "GresUsed")
FORMAT = ",".join(field + ":|" for field in FIELDS)
DOWN = {"down", "error", "fail", "future", "unknown", "drain", "not_responding", "invalid_reg"}
HELD = {"maint", "reserved"}
"""In a reservation: not down, and not for everybody."""
STARTS = re.compile(r"Job \S+ to start at (\S+)")


def availability(request: Request) -> Dict[str, Any]:
    """Every partition's nodes, cores and GPUs: what there is, and what is free."""
    out = checked(request, ["sinfo", "--all", "--noheader", "--Node", "--Format=" + FORMAT])
    found = {}  # type: Dict[str, Row]
    for line in out.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > len(FIELDS):
            name, state, cpus, available, gres, used = cells[: len(FIELDS)]
            row = found.setdefault(name, empty(name, available))
            add_node(row, set(state.lower().split("+")), cpus, gpus_in(gres), gpus_in(used))
    return {"partitions": list(found.values())}


def nodes(request: Request) -> Dict[str, Any]:
    """The names of the cluster's nodes."""
    out = checked(request, ["sinfo", "--all", "--noheader", "--Node", "--format=%N"])
    return {"nodes": sorted(set(out.split()))}


def empty(name: str, available: str) -> Row:
    row = {"name": name, "state": available.lower(), "gpus": {}}  # type: Row
    row.update(dict.fromkeys(("nodes", "idle", "down", "held", "cpus", "cpus_free"), 0))
    return row


def add_node(
    row: Row, state: Set[str], cpus: str, gpus: Dict[str, int], used: Dict[str, int]
) -> None:
    """Count one node: what lies in one that takes no jobs is there, and not free."""
    _, free, _, total = (int(number) for number in cpus.split("/"))
    down, held = bool(state & DOWN), bool(state & HELD)
    usable = not down and not held
    row["nodes"] += 1
    row["idle"] += usable and "idle" in state
    row["down"] += down
    row["held"] += held and not down
    row["cpus"] += total
    row["cpus_free"] += free if usable else 0
    for kind, number in gpus.items():
        seen = row["gpus"].setdefault(kind, {"total": 0, "free": 0})
        seen["total"] += number
        seen["free"] += max(0, number - used.get(kind, 0)) if usable else 0


def gpus_in(gres: str) -> Dict[str, int]:
    """Numbers by type, of `gpu:a100:4(S:0-1),nvme:1` or `gpu:4`; a GPU without a type is ""."""
    found = {}  # type: Dict[str, int]
    for part in re.sub(r"\([^)]*\)", "", gres).split(","):
        words = part.split(":")
        if words[0] == "gpu" and words[-1].isdigit():
            kind = words[1] if len(words) > 2 and words[1] != "no_consume" else ""
            found[kind] = found.get(kind, 0) + int(words[-1])
    return found


def forecast(request: Request) -> Dict[str, Any]:
    """When the caller's job with these options would start, if it were submitted now."""
    arguments = ["sbatch", "--test-only"] + request["options"]
    status, out, err = slurm(request, arguments, script="#!/bin/sh\n")
    found = STARTS.search(err + "\n" + out)
    if status != 0 or not found:
        raise Refused("forecast", err or out.strip() or "sbatch said nothing")
    return {"start": moment(found.group(1)), "now": time.time()}


def moment(text: str) -> float:
    """A time as Slurm printed it: in seconds under SLURM_TIME_FORMAT=%s, or in its usual form."""
    if text.isdigit():
        return float(text)
    return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
