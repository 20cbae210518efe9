"""``python -m hpcbinderhub.builds.fence.trial``: tries a build's enclosure on this host, and tells.

It runs where a build's process would, and reads what to try from standard input. Whether a kernel,
a container around us or a site's settings allow something is known only by trying.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hpcbinderhub.builds.builders import builder_of
from hpcbinderhub.builds.fence import enclosure
from hpcbinderhub.builds.request import (
    BuilderName,
    Confinement,
    ImageReference,
    Model,
    Network,
    Storage,
)
from hpcbinderhub.errors import UserError


class Trial(Model):
    """What to try."""

    builder: BuilderName
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
    builder = builder_of(trial.builder, trial.storage)
    outcome = Outcome(network=_network(trial.network), oci=builder.try_step(trial.image))
    print(outcome.model_dump_json())


def _network(wanted: Network) -> str:
    try:
        enclosure.enter(Confinement(network=wanted))
    except UserError as error:
        return error.message
    return ""


if __name__ == "__main__":
    os.chdir(Path("/"))
    main()
