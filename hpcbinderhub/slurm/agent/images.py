"""Images that a container engine keeps for itself: looked up, pulled and removed as the user.

Engines' exit codes say little, so `pull` returns what the program said, and `lookup` tells.
"""

import re
import subprocess
import tempfile
from typing import Any, Callable, Dict, List, NamedTuple

from .basics import Refused, Request, environment_of, find_program, send, slurm

IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
PULL_SECONDS = 1800
ALIVE_SECONDS = 20
"""How often a pull shows that it goes on: the hub takes a long silence for a lost connection."""


class Engine(NamedTuple):
    """An engine's commands, to which the image is added, and how its answer is read."""

    look_up: List[str]
    pull: List[str]
    remove: List[str]
    id_in: Callable[[str, str], str]


def shifter_id(said: str, image: str) -> str:
    """The last one: what a gateway that does not answer leaves on the screen comes before."""
    ids = [line for line in said.split() if re.fullmatch("[0-9a-f]{64}", line)]
    return ids[-1] if ids else ""


def podman_hpc_id(said: str, image: str) -> str:
    """The one of an image that was squashed: the others are on the login node alone."""
    ids = [words[0] for words in map(str.split, said.splitlines()) if words[1:] == ["true"]]
    return ids[0] if ids else ""


def sarus_id(said: str, image: str) -> str:
    """From a table whose first columns are repository, tag and id."""
    for words in map(str.split, said.splitlines()):
        if ":".join(words[:2]) == image:
            return words[2]
    return ""


ENGINES = {
    "podman-hpc": Engine(
        ["podman-hpc", "images", "--no-trunc", "--format={{.ID}} {{.ReadOnly}}"],
        ["podman-hpc", "pull"],
        ["podman-hpc", "rmsqi"],
        podman_hpc_id,
    ),
    "sarus": Engine(["sarus", "images"], ["sarus", "pull"], ["sarus", "rmi"], sarus_id),
    "shifter": Engine(["shifterimg", "lookup"], ["shifterimg", "pull"], [], shifter_id),
}


def lookup(request: Request) -> Dict[str, Any]:
    """The id by which an engine knows an image, or an empty one."""
    engine = ENGINES[request["engine"]]
    # Sarus lists all that there are.
    image = [] if engine.id_in is sarus_id else [named(request)]
    status, out, err = slurm(request, engine.look_up + image)
    if status != 0 and err:
        raise Refused("images", err)
    return {"id": engine.id_in(out, named(request))}


def pull(request: Request) -> Dict[str, Any]:
    """Have an engine pull an image; the end of what it said."""
    arguments = ENGINES[request["engine"]].pull + [named(request)]
    program = find_program(arguments[0], request["path"])
    with tempfile.TemporaryFile("w+", errors="replace") as words:
        process = subprocess.Popen(
            [program] + arguments[1:],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            env=environment_of(request),
            cwd="/",
        )
        for _ in range(PULL_SECONDS // ALIVE_SECONDS):
            try:
                process.wait(ALIVE_SECONDS)
                break
            except subprocess.TimeoutExpired:
                send(request, b"")
        else:
            process.kill()
            process.wait()
        words.seek(0)
        return {"said": words.read()[-1000:].strip()}


def remove(request: Request) -> Dict[str, Any]:
    """Have an engine remove an image that it has. Shifter's are its gateway's, and expire."""
    command = ENGINES[request["engine"]].remove
    if command and lookup(request)["id"]:
        slurm(request, command + [named(request)])
        if lookup(request)["id"]:
            raise Refused("images", "the image is still there")
    return {}


def named(request: Request) -> str:
    """The image, whose name cannot be an option."""
    if not IMAGE.fullmatch(request["image"]):
        raise Refused("images", "this is no image's name: %s" % request["image"])
    return str(request["image"])
