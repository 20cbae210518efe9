"""What tells that a part of the cluster works: each returns what is missing, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .engine import last_lines

if TYPE_CHECKING:
    from .cluster import Cluster

COMPUTE_NODES = ("c1", "c2", "c3")


class Hopeless(Exception):
    """Raised by a probe: waiting longer will not help."""


def answer(cluster: Cluster, service: str, *command: str) -> str:
    done = cluster.run(service, *command, check=False, timeout=15)
    return "" if done.returncode == 0 else last_lines(done.stderr or done.stdout or "no answer", 3)


def git_answers(cluster: Cluster) -> str:
    return answer(cluster, "git", "bash", "-c", "exec 3<>/dev/tcp/git/80")


def sshd_answers(cluster: Cluster) -> str:
    return answer(
        cluster,
        "hub",
        "bash",
        "-c",
        "read -t 5 -r banner < /dev/tcp/login/22 && [[ $banner == SSH-* ]]",
    )


def registry_answers(cluster: Cluster) -> str:
    return answer(
        cluster, "hub", "curl", "-fsS", "-m", "5", "-o", "/dev/null", "http://registry:5000/v2/"
    )


def supervisor_answers(cluster: Cluster) -> str:
    return answer(cluster, "hub", "supervisorctl", "pid")


def accounts_exist(cluster: Cluster) -> str:
    users = cluster.run(
        "slurmctld",
        "sacctmgr",
        "-n",
        "-P",
        "show",
        "user",
        "hpcwatch",
        "format=User",
        timeout=15,
    ).stdout
    return "" if users.strip() == "hpcwatch" else "the Slurm accounts are not there yet"


def accounting_answers(cluster: Cluster) -> str:
    """After an outage of the database, `slurmdbd` takes a while to connect to it again."""
    return answer(cluster, "slurmctld", "sacct", "--noheader", "--starttime=now-1minute")


def nodes_ready(cluster: Cluster) -> str:
    lines = cluster.run("login", "sinfo", "-h", "-N", "-o", "%N %T", timeout=15).stdout.splitlines()
    states = dict(line.split() for line in lines)
    # A trailing mark, such as idle*, says that the node does not answer.
    waiting = [
        node
        for node in COMPUTE_NODES
        if states.get(node) not in ("idle", "mixed", "allocated", "completing")
    ]
    return ", ".join(f"{node} is {states.get(node, 'unknown')}" for node in waiting)


def hub_answers(cluster: Cluster) -> str:
    if "FATAL" in cluster.run("hub", "supervisorctl", "status", "hub", check=False).stdout:
        raise Hopeless("JupyterHub ended again and again")
    # JupyterHub itself first, so that the proxy does not fill the log with complaints; then
    # the service through the TLS front and the proxy: all of them must work.
    hub = ("curl", "-fsS", "-m", "5", "http://127.0.0.1:8081/hub/health")
    front = ("curl", "-fsSL", "-m", "10", "--cacert", "/trust/ca.pem")
    health = "https://hub:8443/services/binder/health"
    return answer(cluster, "hub", *hub) or answer(cluster, "hub", *front, health)
