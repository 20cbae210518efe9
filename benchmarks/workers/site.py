"""The containerised site with room for 120 workers: nodes that claim more cores, jobs spread over
them, and a profile for whole nodes; as it was when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.engine import docker
from tests.cluster.probes import nodes_ready
from tests.cluster.rig import Rig

TEMPLATE = "/usr/local/lib/cluster/etc/slurm.conf.in"
WIDEN = r"""
set -eu
cp "$1" "$1.shipped"
sed -i -e '/^NodeName=DEFAULT/s/CPUs=[0-9]* Sockets=1 CoresPerSocket=[0-9]*/CPUs=48 Sockets=1 CoresPerSocket=48/' \
    -e '/^NodeName=DEFAULT/s/RealMemory=[0-9]*/RealMemory=96000/' \
    -e 's/^SelectTypeParameters=CR_Core_Memory$/&,CR_LLN/' "$1"
"""  # noqa: E501
RESTORE = 'if [ -e "$1.shipped" ]; then mv "$1.shipped" "$1"; fi\n'

PROFILE = "workers"
MEMORY_MB = 512
"""Of one worker, in all ways of starting them."""
OFFERED = f"""
c.Site.profiles.append({{
    "name": "{PROFILE}", "title": "Whole nodes", "partition": "interactive",
    "max_minutes": 60, "cpus": 2, "memory_mb": 2048,
    "max_cpus": 40, "max_memory_mb": {40 * MEMORY_MB}, "worker_nodes": 3,
}})
"""


@contextmanager
def roomy(rig: Rig) -> Iterator[None]:
    """For so long. No server goes on meanwhile: Slurm ends the jobs of nodes that change."""
    rig.tidy("alice")
    try:
        _edit(rig, RESTORE + WIDEN)
        with rig.hub_with(OFFERED):
            yield
            rig.tidy("alice")
    finally:
        _edit(rig, RESTORE)


def _edit(rig: Rig, script: str) -> None:
    """The number of a node's cores is read when the controller starts, and it writes the file for
    all nodes then, who read it when they are told to."""
    rig.cluster.run("slurmctld", "bash", "-c", script, "edit", TEMPLATE)
    docker("restart", "--time", "5", rig.cluster.container("slurmctld"))
    rig.cluster.wait("slurmctld", 60, nodes_ready)
    rig.slurm("scontrol", "reconfigure")
    rig.cluster.wait("slurmctld", 60, nodes_ready)
