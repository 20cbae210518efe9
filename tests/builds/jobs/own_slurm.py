"""A real Slurm of the tests' own, on this host: munged, slurmctld and one slurmd.

It has no accounting, so `sacct` and `sacctmgr` are programs that know nothing; everything else is
Slurm's. Started as root, it runs jobs as whoever submits them; otherwise as whoever runs the tests.
"""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

CONF = """
ClusterName=own
SlurmctldHost=localhost
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=30
MinJobAge=300
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PropagateResourceLimits=NONE
SlurmdParameters=config_overrides
NodeName=own NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs={cpus} RealMemory=64000
PartitionName=builds Nodes=own Default=YES PriorityTier=1 PreemptMode=REQUEUE
PartitionName=urgent Nodes=own PriorityTier=10 PreemptMode=OFF
"""


def what_is_missing() -> str:
    """Why this host cannot have a Slurm, or nothing."""
    gone = [program for program in PROGRAMS if shutil.which(program, path=PATH) is None]
    return f"not installed here: {', '.join(gone)}" if gone else ""


class OwnSlurm:
    """One cluster of one node, below a folder that everybody may look into. It has as many CPUs as
    one likes: Slurm believes it."""

    def __init__(self, folder: Path, cpus: int = 4):
        self.folder = folder
        self._cpus = cpus
        self._running: list[subprocess.Popen[bytes]] = []

    @property
    def path(self) -> list[str]:
        """Where its commands are."""
        return [str(self.folder / "bin"), *PATH.split(":")]

    @property
    def environment(self) -> dict[str, str]:
        """What its commands need."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def start(self) -> None:
        """Until the node takes jobs."""
        for name in ("bin", "state", "spool"):
            (self.folder / name).mkdir()
        self._write_files()
        key = self.folder / "munge.key"
        munged = ("--foreground", "--force", f"--key-file={key}")
        files = {"socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        where = [f"--{option}={self.folder}/munge.{end}" for option, end in files.items()]
        self._begin("munged", *munged, *where)
        until((self.folder / "munge.socket").exists, 60)
        conf = f"-f{self.folder / 'slurm.conf'}"
        self._begin("slurmctld", "-D", conf)
        self._begin("slurmd", "-D", conf, "-Nown")
        until(lambda: "idle" in self.command("sinfo", "--noheader", "--format=%t"), 120)

    def stop(self) -> None:
        """End all of it, jobs first."""
        try:
            self.end_jobs()
        finally:
            for process in reversed(self._running):
                process.terminate()
                process.wait(60)

    def end_jobs(self) -> None:
        """Until there are none."""
        self.command("scancel", *self.jobs())
        until(lambda: not self.jobs(), 120)

    def jobs(self) -> list[str]:
        """Ids of jobs that wait or run, or are being ended."""
        return self.command("squeue", "--noheader", "--format=%A").split()

    def state(self, job: str) -> str:
        """The state of one job."""
        return self.command("squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%T")

    def command(self, *words: str) -> str:
        """What a Slurm command prints, as whoever runs the tests."""
        given = self.environment | {"PATH": PATH}
        done = subprocess.run(words, env=given, capture_output=True, text=True, cwd="/")
        return done.stdout.strip()

    def _write_files(self) -> None:
        key = self.folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(secrets.token_bytes(1024))
        for name in ("sacct", "sacctmgr"):
            program = self.folder / "bin" / name
            program.write_text("#!/bin/sh\n")
            program.chmod(0o755)
        conf = CONF.format(
            folder=self.folder,
            cpus=self._cpus,
            user=getpass.getuser(),
            host=socket.gethostname().partition(".")[0],
            ports=free_ports(2),
        )
        (self.folder / "slurm.conf").write_text(conf)

    def _begin(self, program: str, *arguments: str) -> None:
        with (self.folder / f"{program}.out").open("wb") as log:
            self._running.append(
                subprocess.Popen(
                    [str(shutil.which(program, path=PATH)), *arguments],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    env=os.environ | {"PATH": PATH},
                )
            )


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def until(check: Callable[[], object], seconds: float) -> None:
    """Wait until something is true."""
    limit = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < limit, "Slurm does not come up; see its logs"
        time.sleep(0.2)


@contextmanager
def running() -> Iterator[OwnSlurm]:
    """One that is up; the test is left out where this host has no Slurm."""
    if missing := what_is_missing():
        pytest.skip(missing)
    folder = Path(tempfile.mkdtemp(prefix="own-slurm-"))
    folder.chmod(0o755)
    made = OwnSlurm(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)
