"""`hpcbinderhub run`: a notebook with parameters, as a batch job of the service."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from ..errors import UserError
from .remote import Remote, remote

LOOK_SECONDS = 5.0


def add_options(command: argparse.ArgumentParser) -> None:
    """What is run, with what, and where."""
    add = command.add_argument
    add("repository", help="its address, or what else the launch page takes")
    add("notebook", help="the notebook, within the repository")
    add(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="one of its parameters; as in JSON, or text",
    )
    add("-o", "--output", help="where it is written in the workspace; else NAME.out.ipynb")
    add("--ref", default="", help="branch, tag or commit")
    add("--profile", required=True, help="the profile")
    add("--account", help="the Slurm account")
    add("--minutes", type=int, help="wall time")
    add("--wait", action="store_true", help="until it has ended; its exit code is the command's")


def run(options: argparse.Namespace) -> None:
    """Run a notebook with parameters as a batch job."""
    service = remote(options)
    asked = {
        "repository": options.repository,
        "ref": options.ref,
        "profile": options.profile,
        "account": options.account,
        "minutes": options.minutes,
        "run": {
            "notebook": options.notebook,
            "parameters": {name: value(text) for name, text in options.parameter},
            "output": options.output,
        },
    }
    launch = service.call("POST", "api/launches", asked)
    print(f"{launch['id']} runs {options.notebook}:", flush=True)
    print(service.address(f"launches/{launch['id']}"), flush=True)
    if options.wait:
        ended = _ended(service, launch["id"])
        print(ended["words"])
        # A job that Slurm ended has none.
        sys.exit(1 if ended["exit_code"] is None else ended["exit_code"])


def value(text: str) -> Any:
    """What a word stands for: a value as in JSON, or the word itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _ended(service: Remote, launch: str) -> dict[str, Any]:
    """How the launch's server ended, telling how it is whenever that is another."""
    told = ""
    while True:
        found = service.call("GET", f"api/launches/{launch}")
        if found["state"] == "failed":
            why = found["failure"]
            raise UserError(why["message"], why["advice"], detail=why["detail"])
        if found["state"] == "cancelled":
            raise UserError("The launch was cancelled.", "Run it again if you need it.")
        known = service.call("GET", f"api/launches/{launch}/server")
        if known and known["stage"] == "ended":
            return dict(known)
        if found["state"] == "ready" and known is None:
            raise UserError(
                "Its server was stopped and removed.", "Run it again if you need what it shows."
            )
        words = known["stage"] if known else found["state"]
        if words != told:
            print(f"  {words}", flush=True)
        told = words
        time.sleep(LOOK_SECONDS)
