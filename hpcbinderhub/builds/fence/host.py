"""What a build host has to shut builds in with."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hpcbinderhub.builds.builders.base import Builder
from hpcbinderhub.builds.fence import cgroup
from hpcbinderhub.builds.fence.trial import Outcome, Trial
from hpcbinderhub.builds.lock import exclusive
from hpcbinderhub.builds.request import Network

# The kernel kills everything in a process namespace when its first process ends, and nothing in it
# sees or signals what is outside. Without a /proc to match, programs find others there under their
# own number.
NAMESPACES = ("unshare", "--fork", "--pid", "--kill-child", "--mount-proc", "--ipc", "--uts")


@dataclass(frozen=True)
class Host:
    """What was found out; where something is missing, why."""

    no_processes: str = ""
    no_network: str = ""
    no_oci: str = ""
    one_user: bool = False
    beyond: str = ""
    """Why all this is not around build steps, if it is not."""
    weaknesses: tuple[str, ...] = ()
    """What its builder cannot do besides, in sentences."""
    cgroup: Path | None = None

    @property
    def holds_strangers(self) -> bool:
        """Whether code that nobody vouches for may be built here."""
        return not (self.beyond or self.no_processes or self.no_network or self.no_oci)


def examine(builder: Builder, base_image: str, network: Network) -> Host:
    """Try all that a build would do to shut itself in; waits until the storage is free."""
    with exclusive(builder.storage):
        namespaces = NAMESPACES if has_namespaces(builder) else ()
        trial = Trial(
            builder=builder.name, storage=builder.storage, image=base_image, network=network
        )
        done = subprocess.run(
            builder.inside(*namespaces, sys.executable, "-m", "hpcbinderhub.builds.fence.trial"),
            env=environment(builder),
            cwd="/",
            input=trial.model_dump_json(),
            capture_output=True,
            text=True,
        )
    if done.returncode == 0:
        outcome = Outcome.model_validate_json(done.stdout)
    else:
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1][:500]
        outcome = Outcome(network=last, oci=last)
    return Host(
        no_processes="" if namespaces else "The kernel refuses a process namespace with its /proc.",
        no_network=outcome.network,
        no_oci=outcome.oci,
        one_user=builder.has_one_user,
        beyond=builder.beyond,
        weaknesses=tuple(builder.weaknesses()),
        cgroup=cgroup.delegated(),
    )


def environment(builder: Builder) -> dict[str, str]:
    """The environment of Python inside."""
    kept = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    return {**builder.environment(), **kept}


def has_namespaces(builder: Builder) -> bool:
    """Whether builds get a process namespace of their own.

    Inside a container the kernel refuses the /proc for it, as long as the container's own is
    partly hidden. Builds then see the processes of the builder's account; they are still all
    ended, by looking for them.
    """
    probe = builder.inside(*NAMESPACES, "true")
    env = environment(builder)
    return subprocess.run(probe, env=env, cwd="/", capture_output=True).returncode == 0
