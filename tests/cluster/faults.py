"""What goes wrong at a site, done to the containerised one and put right again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import probes
from .engine import docker
from .rig import Rig, eventually

SBATCH = "/usr/bin/sbatch"
SLURMS_SBATCH = "/usr/local/lib/slurm/sbatch"
"""Where it is kept meanwhile, under its own name: of a program of another it refuses
`--signal=B:`."""

HOST_KEY = "/etc/ssh/keys/ssh_host_ed25519_key"
CLOCK = "/etc/jupyterhub/clock"
OURS = "/etc/jupyterhub/jupyterhub_config.d/95-faults.py"

PREEMPTION = """\
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
SlurmctldParameters=preempt_send_user_signal
"""


@contextmanager
def stopped(rig: Rig, service: str) -> Iterator[None]:
    """A host that is down: nothing takes connections there."""
    container = rig.cluster.container(service)
    docker("stop", "--time", "2", container)
    try:
        yield
    finally:
        docker("start", container)
        rig.cluster.wait("slurmctld", 120, probes.nodes_ready)
        rig.cluster.wait("slurmctld", 120, probes.accounting_answers)


@contextmanager
def cut_off(rig: Rig, node: str) -> Iterator[None]:
    """A compute node that nobody reaches. Slurm gives it up, as it does after `SlurmdTimeout`."""
    container, network = rig.cluster.container(node), f"{rig.cluster.project}_default"
    docker("network", "disconnect", "--force", network, container)
    rig.slurm("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=cut off")
    try:
        yield
    finally:
        docker("network", "connect", "--alias", node, network, container)
        docker("restart", "--time", "2", container)
        eventually(lambda: _resumed(rig, node), 120, f"{node} is back")


def _resumed(rig: Rig, node: str) -> bool:
    rig.cluster.run(
        "slurmctld", "scontrol", "update", f"NodeName={node}", "State=RESUME", check=False
    )
    return not probes.nodes_ready(rig.cluster)


@contextmanager
def slow_sbatch(rig: Rig, before: int = 0, after: int = 0) -> Iterator[None]:
    """An `sbatch` that waits so many seconds before it submits, or before it answers."""
    script = (
        f'#!/bin/bash\nsleep {before}\n{SLURMS_SBATCH} "$@"\n'
        f"status=$?\nsleep {after}\nexit $status\n"
    )
    # What a run that was ended has left is Slurm's own still.
    keep = f"mkdir -p {Path(SLURMS_SBATCH).parent} && cp --no-clobber {SBATCH} {SLURMS_SBATCH}"
    rig.cluster.run("login", "sh", "-c", keep)
    rig.cluster.run("login", "install", "-m", "0755", "/dev/stdin", SBATCH, input=script)
    try:
        yield
    finally:
        rig.cluster.run("login", "mv", SLURMS_SBATCH, SBATCH)


@contextmanager
def swapped_login_node(rig: Rig) -> Iterator[None]:
    """Another host stands where the login node was: it has the name, but not the key."""
    container = rig.cluster.container("login")
    rig.cluster.run("login", "sh", "-c", f"cp -p {HOST_KEY} {HOST_KEY}.real; rm {HOST_KEY}")
    docker("restart", "--time", "2", container)
    rig.cluster.wait("login", 180, probes.sshd_answers)
    try:
        yield
    finally:
        rig.cluster.run("login", "mv", f"{HOST_KEY}.real", HOST_KEY)
        rig.cluster.run("login", "sh", "-c", f"ssh-keygen -y -f {HOST_KEY} > {HOST_KEY}.pub")
        docker("restart", "--time", "2", container)
        rig.cluster.wait("login", 180, probes.sshd_answers)


@contextmanager
def unanswered_jobs(rig: Rig) -> Iterator[None]:
    """The hub's address for jobs takes no connections; browsers come another way."""
    rig.cluster.run("hub", "supervisorctl", "stop", "tls")
    try:
        yield
    finally:
        rig.cluster.run("hub", "supervisorctl", "start", "tls")


@contextmanager
def wrong_clock(rig: Rig, seconds: int) -> Iterator[None]:
    """The hub's clock is off by so many seconds against everybody else's."""
    rig.cluster.run("hub", "tee", CLOCK, input=f"{seconds:+d}s\n")
    _restart_hub(rig)
    try:
        yield
    finally:
        rig.cluster.run("hub", "rm", CLOCK)
        _restart_hub(rig)


def _restart_hub(rig: Rig) -> None:
    rig.cluster.run("hub", "supervisorctl", "restart", "hub")
    rig.wait_until_up()


@contextmanager
def configured(rig: Rig, lines: str) -> Iterator[None]:
    """A hub with a file of configuration more, as an admin would write it."""
    rig.cluster.run("hub", "tee", OURS, input=lines)
    try:
        _restart_hub(rig)
        yield
    finally:
        rig.cluster.run("hub", "rm", OURS)
        _restart_hub(rig)


@contextmanager
def hub_away(rig: Rig) -> Iterator[None]:
    """No hub, for as long as it takes."""
    rig.cluster.run("hub", "supervisorctl", "stop", "hub")
    try:
        yield
    finally:
        rig.cluster.run("hub", "supervisorctl", "start", "hub")
        rig.wait_until_up()


@contextmanager
def preemption(rig: Rig, partition: str, grace_seconds: int) -> Iterator[None]:
    """Jobs of partitions with a higher priority end those of this one, after some grace."""
    config = "/etc/slurm/slurm.conf"
    was = rig.slurm("cat", config) + "\n"
    rig.cluster.run("slurmctld", "tee", config, input=was + PREEMPTION)
    try:
        rig.slurm("scontrol", "reconfigure")
        grace = f"GraceTime={grace_seconds}"
        rig.slurm("scontrol", "update", f"PartitionName={partition}", grace)
        yield
    finally:
        # What was set of a partition by hand is not kept.
        rig.cluster.run("slurmctld", "tee", config, input=was)
        rig.slurm("scontrol", "reconfigure")


def end_ssh_sessions(rig: Rig) -> None:
    """Kill what serves the connections to the login node, and what they run."""
    rig.cluster.run("login", "pkill", "-9", "-f", "^sshd: [a-z]+( |@|$)", check=False)
