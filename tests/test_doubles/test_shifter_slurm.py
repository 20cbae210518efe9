"""Contract 8 with a real Slurm of one node: what `--image` does to a job."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from site_under_test import IMAGE_ID, Site

pytestmark = pytest.mark.slow

CONF = """\
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={room}/state
SlurmdSpoolDir={room}/spool
SlurmctldPidFile={room}/slurmctld.pid
SlurmdPidFile={room}/slurmd.pid
SlurmctldLogFile={room}/slurmctld.log
SlurmdLogFile={room}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
ReturnToService=2
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs=1 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES
"""


@dataclass(frozen=True)
class Slurm:
    """A site with a Slurm behind its sbatch."""

    site: Site

    @property
    def shifter(self) -> str:
        """The command in a job script, whatever the job's PATH is."""
        return f"DOUBLE_ROOT={self.site.root} {self.site.settings['udiRootPath']}/bin/shifter"

    @property
    def output(self) -> Path:
        return self.site.data / "job.out"

    def submit(self, script: str, *options: str) -> str:
        """Return the job's id."""
        self.output.unlink(missing_ok=True)
        words = ["--parsable", f"--output={self.output}", *options]
        done = self.site.run("sbatch", *words, input=script, cwd="/tmp")
        assert (done.returncode, done.stderr) == (0, "")
        return str(done.stdout.strip())

    def scontrol(self, *words: str, program: str = "scontrol") -> str:
        env = {**os.environ, "SLURM_CONF": str(self.site.root / "slurm.conf")}
        done = subprocess.run([program, *words], env=env, capture_output=True, text=True)
        return done.stdout

    def result(self, job: str) -> tuple[int, list[str]]:
        """Wait for the end; `sbatch --wait` would do, but asks only every ten seconds."""
        limit = time.monotonic() + 120
        while True:
            shown = self.scontrol("show", "job", job)
            if re.search("JobState=(COMPLETED|FAILED|CANCELLED)", shown):
                break
            assert time.monotonic() < limit, shown
            time.sleep(0.1)
        code = re.search(r"ExitCode=(\d+):", shown)
        assert code is not None, shown
        return int(code[1]), self.output.read_text().splitlines()


@pytest.fixture(scope="module")
def slurm(site: Site) -> Iterator[Slurm]:
    if os.getuid() != 0:
        pytest.skip("only root can start a Slurm that runs jobs as another user")
    for program in ("slurmctld", "slurmd", "sbatch", "munge"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode:
        pytest.skip("munged does not run")
    own = site.configured("slurm")
    conf = write_conf(own.root)
    daemons = [
        subprocess.Popen([name, "-D", "-f", str(conf)], stderr=subprocess.DEVNULL)
        for name in ("slurmctld", "slurmd")
    ]
    try:
        wait_until_idle(conf)
        real_sbatch = own.root / "sbatch"
        real_sbatch.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec /usr/bin/sbatch "$@"\n')
        real_sbatch.chmod(0o755)
        yield Slurm(own)
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(20)


def write_conf(room: Path) -> Path:
    for name in ("state", "spool"):
        (room / name).mkdir()
    conf = room / "slurm.conf"
    host = socket.gethostname().split(".")[0]
    conf.write_text(CONF.format(room=room, host=host, ports=[free_port(), free_port()]))
    conf.chmod(0o644)
    return conf


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_idle(conf: Path) -> None:
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        command = ["sinfo", "-h", "-o", "%t"]
        env = {**os.environ, "SLURM_CONF": str(conf)}
        seen = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if seen.stdout.strip() == "idle":
            return
        time.sleep(0.2)
    pytest.skip(f"Slurm does not start here: {seen.stdout}{seen.stderr}")


JOB = f"""\
#!/bin/sh
#SBATCH --image=id:{IMAGE_ID}
#SBATCH --volume=/site/data:/data
/usr/bin/python3 --version | cut -c1-6
{{shifter}} sh -c 'echo $SHIFTER_IMAGE; ls -d /data; echo $COLOUR'
"""


@pytest.mark.parametrize("export", ["ALL", "NONE", "A=1"])
def test_a_bare_shifter_in_the_job_finds_image_and_volumes(slurm: Slurm, export: str) -> None:
    """The script itself runs outside; only what shifter starts is in the image."""
    job = slurm.submit(JOB.replace("{shifter}", slurm.shifter), f"--export={export}")
    assert slurm.result(job) == (0, ["Python", IMAGE_ID, "/data", "image"])


def test_the_exit_code_of_the_command_is_the_jobs(slurm: Slurm) -> None:
    script = f"#!/bin/sh\n{slurm.shifter} sh -c 'exit 9'\n"
    assert slurm.result(slurm.submit(script, f"--image=id:{IMAGE_ID}"))[0] == 9


def test_a_signal_to_the_whole_job_leaves_the_command_its_files(slurm: Slurm) -> None:
    trap = "trap 'cat /etc/motd /srv/env/.keep; ls /usr; exit' TERM"
    loop = "echo; while :; do sleep 0.05; done"
    script = f'#!/bin/sh\n{slurm.shifter} sh -c "{trap}; {loop}"\n'
    job = slurm.submit(script, f"--image=id:{IMAGE_ID}")
    while not (slurm.output.exists() and slurm.output.read_text()):
        time.sleep(0.1)
    slurm.scontrol("--full", "--signal=TERM", job, program="scancel")
    _, lines = slurm.result(job)
    assert lines[-2:] == ["of the image", "lib"]
