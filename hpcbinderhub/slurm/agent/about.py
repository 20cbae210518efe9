"""What there is on this login node: this agent, Slurm's programs, and what Slurm is set to."""

import hashlib
import os
import pkgutil
import platform
import socket
import sys
import time
from typing import Any, Dict, List

from .basics import Refused, Request, Row, checked, find_program

PROGRAMS = ("sbatch", "squeue", "scancel", "sacct", "sacctmgr", "sinfo", "scontrol")
SETTINGS = (
    *("SLURM_VERSION", "ClusterName", "PrivateData", "AccountingStorageEnforce", "JobRequeue"),
    *("AccountingStoreFlags", "ProctrackType", "MinJobAge", "MaxArraySize"),
)
NOW = "Configuration data as of "


def about(request: Request) -> Dict[str, Any]:
    """The agent itself, and the node's clock."""
    return {
        "digest": digest(),
        "python": platform.python_version(),
        "time": time.time(),
        "host": socket.gethostname(),
        "missing": [name for name in PROGRAMS if not is_there(name, request["path"])],
    }


def digest() -> str:
    """The SHA-256 of the agent's sources, the same for a folder and for one packed file."""
    package = sys.modules[__package__]
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    whole = hashlib.sha256()
    for name in names:
        source = pkgutil.get_data(__package__, name + ".py") or b""
        whole.update(("%s %d\n" % (name, len(source))).encode() + source)
    return whole.hexdigest()


def is_there(name: str, path: List[str]) -> bool:
    try:
        return os.path.isfile(find_program(name, path))
    except Refused:
        return False


def slurm_settings(request: Request) -> Dict[str, Any]:
    """What Slurm is set to, the controller's clock, its partitions and QOS. What cannot be had is
    left out, and why is said."""
    errors = {}  # type: Dict[str, str]
    answer = {"errors": errors}  # type: Dict[str, Any]
    for part, look in (
        ("config", config),
        ("partitions", partitions),
        ("qos", qos),
        ("accounting", accounting),
    ):
        try:
            answer[part] = look(request)
        except Refused as error:
            errors[part] = str(error)
    answer["time"] = time.time()
    return answer


def config(request: Request) -> Dict[str, Any]:
    found = {}  # type: Dict[str, Any]
    for line in checked(request, ["scontrol", "show", "config"]).splitlines():
        name, is_set, value = line.partition("=")
        if line.startswith(NOW) and line[len(NOW) :].strip().isdigit():
            found["now"] = int(line[len(NOW) :])
        elif is_set and name.strip() in SETTINGS:
            found[name.strip()] = value.strip()
    return found


def partitions(request: Request) -> List[Row]:
    out = checked(request, ["scontrol", "--oneliner", "--all", "show", "partition"])
    rows = []
    for line in out.splitlines():
        cells = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if "PartitionName" in cells:
            rows.append(
                {
                    "name": cells["PartitionName"],
                    "state": cells.get("State", ""),
                    "allow_qos": cells.get("AllowQos", "ALL"),
                    "nodes": cells.get("TotalNodes", ""),
                }
            )
    return rows


def qos(request: Request) -> List[str]:
    out = checked(
        request,
        ["sacctmgr", "--noheader", "--parsable2", "--readonly", "show", "qos", "format=name"],
    )
    return out.split()


def accounting(request: Request) -> bool:
    """Whether accounting answers; Refused if not."""
    checked(request, ["sacct", "--noheader", "--allocations", "--starttime=now-1minutes"])
    return True
