"""``python -m hpcbinderhub.builds.fence.trial``: tries a build's enclosure on this host, and tells.

It runs where a build's process would, and reads what to try from standard input. Whether a kernel,
a container around us or a site's settings allow something is known only by trying.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from hpcbinderhub.builds import commands
from hpcbinderhub.builds.fence import enclosure
from hpcbinderhub.builds.request import Confinement, ImageReference, Model, Network, Storage
from hpcbinderhub.builds.steps import Steps
from hpcbinderhub.errors import UserError


class Trial(Model):
    """What to try."""

    storage: Storage
    image: ImageReference
    network: Network


class Outcome(Model):
    """Why something does not work; empty where it does."""

    network: str
    oci: str


def main() -> None:
    """Try the network first, since steps are to have it."""
    trial = Trial.model_validate_json(sys.stdin.read())
    outcome = Outcome(network=_network(trial.network), oci=_oci(trial))
    print(outcome.model_dump_json())


def _network(wanted: Network) -> str:
    try:
        enclosure.enter(Confinement(network=wanted))
    except UserError as error:
        return error.message
    return ""


def _oci(trial: Trial) -> str:
    name = f"trial-{os.getpid()}"
    try:
        commands.from_image(trial.storage, trial.image, name)
        step = commands.run(
            trial.storage, name, "true", user="0", folder="/", given=Steps(isolation="oci")
        )
        for _line in step:
            pass
    except commands.BuildahError as error:
        return " ".join(error.tail[-2:])[:500]
    finally:
        with contextlib.suppress(commands.BuildahError):
            commands.remove_container(trial.storage, name)
    return ""


if __name__ == "__main__":
    os.chdir(Path("/"))
    main()
