"""A login node with Slurm's commands, for the checks that ask it."""

from __future__ import annotations

import shlex
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from checks.grounds import ground
from slurm.login_node import LoginNode
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from hpcbinderhub.checks.ground import Ground

AUTHORITY = trustme.CA()
ENGINE = """#!/bin/bash
[[ $1 == --version ]] && { echo 0.38; exit; }
while [[ $1 != -- ]]; do shift; done; shift; exec "$@"
"""
SIGN = """
import sys
from pathlib import Path
from hpcbinderhub.slurm.signing import SigningPolicy, sign
agent, forwarding = "/usr/libexec/hpcbinderhub/agent", len(sys.argv) > 2
policy = SigningPolicy(
    Path(sys.argv[1]), agent, "127.0.0.1", permit_port_forwarding=forwarding
)
try:
    print(sign(policy, sys.stdin.read()))
except ValueError as error:
    sys.exit(str(error))
"""
CONFIG = """Configuration data as of {now}
AccountingStorageEnforce = associations,limits,qos
AccountingStoreFlags    = job_comment
ClusterName             = demo
PrivateData             = jobs
ProctrackType           = proctrack/cgroup
SLURM_VERSION           = 22.05.8
"""
SBATCH = """
for word in "$@"; do
    case $word in
        --output=*) log=${{word#--output=}} ;;
        --job-name=*) printf %s "${{word#--job-name=}}" > {folder}/name ;;
        --test-only) echo "sbatch: Job 7 to start at $(date +%s) using 1 processors" >&2; exit ;;
    esac
done
printf '%s\\n' "$@" > {folder}/options
cat > {folder}/script
rm -f {folder}/cancelled  # That was the job before this one.
setsid bash {folder}/script > "$log" 2>&1 < /dev/null &
echo $! > {folder}/group
echo 7
"""
JOBS = """
state=RUNNING; [[ -e {folder}/cancelled ]] && state=CANCELLED
printf %s "JobId=7 JobName=$(cat {folder}/name) UserId=alice($UID) Priority=1 JobState=$state"
echo " Reason=None ExitCode=0:0 SubmitTime=1 StartTime=1 EndTime=9 Partition=p BatchHost=127.0.0.1"
"""


class Slurm:
    """Slurm's commands on the login node: shell scripts that print what they are told to."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()
        for name in ("sbatch", "squeue", "scancel", "sinfo", "sacct"):
            self.says(name, "")
        self.says("sacctmgr", "normal\nlong\n")
        (self.folder / "jobs").touch()
        self.shows(
            "$(date +%s)",
            "PartitionName=p State=UP AllowQos=ALL TotalNodes=3",
            "PartitionName=gpu State=DOWN AllowQos=gpu TotalNodes=1",
        )

    def says(self, command: str, text: str, code: int = 0) -> None:
        """From now on that command prints this, and ends so."""
        self.runs(command, f"printf %s {shlex.quote(text)}; exit {code}")

    def shows(self, now: str, *partitions: str, config: str = CONFIG) -> None:
        """What `scontrol show` prints."""
        shown = "\n".join(partitions)
        self.runs(
            "scontrol",
            f'case "$*" in *jobs*) . {self.folder}/jobs ;;'
            f" *config*) cat <<EOF\n{config.format(now=now)}EOF\n;;"
            f" *) cat <<'EOF'\n{shown}\nEOF\n;; esac",
        )

    def takes_jobs(self, *, seen: bool = True, ending: bool = False) -> None:
        """From now on jobs are run, here and at once. `seen`: whether the watcher sees them;
        `ending`: whether they have ended as soon as they are looked at."""
        after = f"touch {self.folder}/cancelled" if ending else ""
        self.runs("sbatch", SBATCH.format(folder=self.folder) + after)
        (self.folder / "jobs").write_text(JOBS.format(folder=self.folder) if seen else "")
        self.runs("scancel", f"kill -- -$(cat {self.folder}/group); touch {self.folder}/cancelled")

    def runs(self, command: str, script: str) -> None:
        """From now on that command is this shell script."""
        path = self.folder / command
        path.write_text(f"#!/bin/bash\nPATH=/usr/bin:/bin\n{script}\n")
        path.chmod(0o755)


@pytest.fixture
def slurm(tmp_path: Path) -> Slurm:
    return Slurm(tmp_path / "slurm")


@pytest.fixture
async def login(tmp_path: Path) -> AsyncIterator[LoginNode]:
    folder = tmp_path / "login"
    folder.mkdir()
    node = LoginNode(folder)
    await node.start()
    yield node
    await node.stop()


@pytest.fixture
def site(tmp_path: Path, login: LoginNode, slurm: Slurm) -> Any:
    """`site(text)`: the ground of a site with that login node, and these lines besides; its
    certificates let connections be forwarded if `forwarding`."""

    def make(text: str = "", *, forwarding: bool = False, **more: Any) -> Ground:
        sign = [sys.executable, "-c", SIGN, str(login.folder / "authority")]
        sign += ["forwarding"] if forwarding else []
        lines = (
            f"c.Site.login_hosts = ['127.0.0.1:{login.port}']",
            f"c.Site.known_hosts = {str(login.folder / 'known')!r}",
            f"c.Site.certificate_command = {sign!r}",
            f"c.Site.slurm_path = [{str(slurm.folder)!r}]",
            "c.Site.watcher_user = 'watch'",
            text,
        )
        return ground(tmp_path, "\n".join(lines), **more)

    return make


class Version(RequestHandler):
    def get(self) -> None:
        self.write({"version": "6.1.1"})


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[str]:
    """A hub with TLS; the lines that lead a site to it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.pem")
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([("/hub/api/", Version)]), ssl_options=context)
    server.add_sockets(sockets)
    url = f"https://localhost:{sockets[0].getsockname()[1]}/"
    yield f"c.Site.public_url = {url!r}\nc.Site.ca_file = {str(tmp_path / 'ca.pem')!r}\n"
    server.stop()


@pytest.fixture
def node(tmp_path: Path, slurm: Slurm) -> str:
    """A node with an engine; the lines that make a site of it."""
    slurm.takes_jobs()
    slurm.says("sacctmgr", "geo||normal|normal\n")
    engine = tmp_path / "bin" / "ch-run"
    engine.parent.mkdir()
    engine.write_text(ENGINE)
    engine.chmod(0o755)
    (tmp_path / "artefacts").mkdir(exist_ok=True)
    (tmp_path / "artefacts" / f"{'1' * 64}.squashfs").touch()
    path = f"{engine.parent}:{Path(sys.executable).parent}:/usr/bin:/bin"
    return (
        f"c.Site.workspace_root = {str(tmp_path / 'work')!r}\n"
        f"c.Site.job_prologue = 'export PATH={path}'\n"
        f"c.Site.data_roots = ['/usr', '/nonexistent/data']\n"
    )
