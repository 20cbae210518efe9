"""From the click to JupyterLab, against the bare parts that it cannot do without.

The floor is measured in the same run, on the same cluster, one part after the other:

* `uv pip install` of the same requirements into a virtual environment that holds the same tools;
* `mksquashfs` of the very tree that the launch made an artefact of, with the same options;
* `sbatch` of an empty job, until its first line runs;
* the engine with `jupyterhub-singleuser` from the same artefact, until it answers.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import statistics
import time
from dataclasses import dataclass
from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.person import Person
from tests.cluster.rig import Rig

PARTS = ("uv pip install", "mksquashfs", "sbatch to running", "engine and server")
COLD_RUNS = 3
WARM_RUNS = 10
BUILDER_ENV = ("env", "HOME=/var/lib/builder", "XDG_RUNTIME_DIR=/run/user/901")

INSTALL = r"""
set -eu
cd "$(mktemp -d -p /var/lib/builder)"
printf '%s' "$1" > requirements.txt
for setting in ${HPCBINDERHUB_BUILD_ENV:-}; do export "${setting?}"; done
if [ -s "${HPCBINDERHUB_CA_BUNDLE:-}" ]; then export SSL_CERT_FILE=$HPCBINDERHUB_CA_BUNDLE; fi
python3 -m venv bare
/opt/hpcbinderhub/bin/uv pip install --quiet --no-cache --python bare/bin/python $2
began=$(date +%s.%N)
/opt/hpcbinderhub/bin/uv pip install --quiet --no-cache --python bare/bin/python -r requirements.txt
ended=$(date +%s.%N)
cd / && chmod -R u+w "$OLDPWD" && rm -rf "$OLDPWD"
echo "$began $ended"
"""

SQUASH = r"""
set -eu
cd "$(mktemp -d -p /var/lib/builder)"
unsquashfs -quiet -no-progress -no-xattrs -dest tree "$1" > /dev/null
began=$(date +%s.%N)
mksquashfs tree bare.squashfs -comp zstd -Xcompression-level 3 -no-xattrs -all-root \
    -noappend -no-progress -quiet > /dev/null
ended=$(date +%s.%N)
cd / && chmod -R u+w "$OLDPWD" && rm -rf "$OLDPWD"
echo "$began $ended"
"""

SUBMIT = r"""
cd /scratch/alice && rm -f began-*
date +%s.%N
job=$(sbatch --parsable --partition=interactive --time=1 --output=/dev/null \
    --wrap='date +%s.%N > /scratch/alice/began-$SLURM_JOB_ID')
while [ ! -s /scratch/alice/began-"$job" ]; do sleep 0.01; done
cat /scratch/alice/began-"$job"
"""

# What a server needs to start at all; the hub's address answers, the token need not be good.
SERVE = r"""
import os, signal, socket, subprocess, sys, time, urllib.request
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
home = "/tmp/bench-home-%d" % port
os.makedirs(home)
env = {
    "PATH": sys.argv[2], "HOME": home, "USER": "alice", "PYTHONNOUSERSITE": "1",
    "SSL_CERT_FILE": "/scratch/shared/ca.pem",
    "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:%d/user/alice/bench/" % port,
    "JUPYTERHUB_SERVICE_PREFIX": "/user/alice/bench/", "JUPYTERHUB_BASE_URL": "/",
    "JUPYTERHUB_API_URL": "https://hub:8443/hub/api", "JUPYTERHUB_API_TOKEN": "none",
    "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-alice-bench", "JUPYTERHUB_USER": "alice",
    "JUPYTERHUB_SERVER_NAME": "bench", "JUPYTERHUB_HOST": "",
    "JUPYTERHUB_OAUTH_CALLBACK_URL": "/user/alice/bench/oauth_callback",
    "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:servers!user=alice"]',
}
command = ["ch-run", "--bind=/scratch:/scratch", sys.argv[1], "--", "jupyterhub-singleuser"]
began = time.time()
server = subprocess.Popen(command, env=env, cwd=home, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, start_new_session=True)
while True:
    try:
        urllib.request.urlopen("http://127.0.0.1:%d/user/alice/bench/api" % port, timeout=5).read()
        break
    except OSError:
        if server.poll() is not None:
            sys.exit("jupyterhub-singleuser ended")
        time.sleep(0.02)
ended = time.time()
os.killpg(server.pid, signal.SIGTERM)
server.wait()
print(began, ended)
"""


@dataclass(frozen=True)
class Timed:
    """One launch: when each phase began, and the whole."""

    total: float
    phases: dict[str, float]


def run() -> dict[str, Any]:
    """Measure, print the table, return the figures."""
    cluster = Cluster("hpcbinderhub-test", int(os.environ.get("HPCBINDERHUB_PORT", "8001")))
    cluster.up()
    rig = Rig(cluster)
    rig.wait_until_builds_are_taken()
    alice = Person("alice", rig.url)
    rig.tidy("alice")

    quickstart = rig.example("quickstart")
    requirements = quickstart["requirements.txt"]
    launch(alice, rig, "http://git/quickstart.git")  # Connections are made, file caches are warm.
    cold: list[Timed] = []
    warm: list[Timed] = []
    floors: dict[str, list[float]] = {part: [] for part in PARTS}
    for number in range(COLD_RUNS):
        repository = rig.repository(f"bench-{number}", rig.unseen(quickstart))
        cold.append(launch(alice, rig, repository))
        floors["uv pip install"].append(install(rig, requirements))
        floors["mksquashfs"].append(squash(rig))
        start_bare(rig, floors)
    for _ in range(WARM_RUNS):
        # Turn by turn: what the machine does besides then slows both, and Slurm, which is slower
        # right after a job has ended, is met by both in the same mood.
        warm.append(launch(alice, rig, "http://git/quickstart.git"))
        start_bare(rig, floors)
    floor = {part: statistics.mean(times) for part, times in floors.items()}
    return report(cold, warm, floor)


def start_bare(rig: Rig, floors: dict[str, list[float]]) -> None:
    """The two parts that a warm launch has as well."""
    floors["sbatch to running"].append(submit(rig))
    floors["engine and server"].append(serve(rig))


def launch(alice: Person, rig: Rig, repository: str) -> Timed:
    """One launch, from the request to the last event; the server is stopped again."""
    wait_for_any_moment()
    began = time.time()
    identity = alice.launch(repository)
    events = list(alice.events(identity))
    ended = time.time()
    assert events[-1]["phase"] == "ready", events[-1]
    marks = [(event["phase"], event["at"]) for event in events]
    build = next((event["build"] for event in events if "build" in event), None)
    if build:
        marks += [(event["phase"], event["at"]) for event in alice.build_log(build)]
    firsts: dict[str, float] = {}
    for phase, at in sorted(marks, key=lambda mark: mark[1]):
        firsts.setdefault(phase, at)
    starts = [*firsts.items(), ("end", ended)]
    phases = {phase: following[1] - at for (phase, at), following in itertools.pairwise(starts)}
    rig.tidy("alice")
    return Timed(ended - began, phases)


def wait_for_any_moment() -> None:
    """Slurm looks for jobs to start once a second. What always follows the same work would always
    come at the same point of that second, and would always wait long, or never."""
    time.sleep(random.random())


def install(rig: Rig, requirements: str) -> float:
    """Bare uv, into an environment that has the tools already."""
    tools = "jupyterlab jupyterhub dask distributed ipykernel"
    return span(
        rig.cluster.run(
            *("hub", *BUILDER_ENV, "bash", "-c", INSTALL, "install", requirements, tools),
            user="builder",
            timeout=300,
        ).stdout
    )


def squash(rig: Rig) -> float:
    """Bare mksquashfs, of the tree in the newest artefact."""
    return span(
        rig.cluster.run(
            *("hub", *BUILDER_ENV, "bash", "-c", SQUASH, "squash", newest_artefact(rig)),
            user="builder",
            timeout=300,
        ).stdout
    )


def newest_artefact(rig: Rig) -> str:
    """The file that the last launch ran."""
    listed = rig.cluster.run("c1", "bash", "-c", "ls -t /artefacts/*.squashfs | head -n 1")
    return listed.stdout.strip()


def submit(rig: Rig) -> float:
    """Bare sbatch, as the user, on the login node."""
    wait_for_any_moment()
    return span(rig.cluster.run("login", "bash", "-c", SUBMIT, user="alice").stdout)


def serve(rig: Rig) -> float:
    """The engine and the server, on a compute node, from the newest artefact."""
    rig.cluster.run("login", "install", "-m", "644", "/trust/ca.pem", "/scratch/shared/ca.pem")
    artefact = newest_artefact(rig)
    show = ("ch-run", artefact, "--", "cat", "/srv/hpcbinder/image.json")
    image = json.loads(rig.cluster.run("c1", *show, user="alice").stdout)
    return span(
        rig.cluster.run(
            *("c1", "python3", "-c", SERVE, artefact, image["env"]["PATH"]), user="alice"
        ).stdout
    )


def span(text: str) -> float:
    """The seconds between the first and the last time in a text."""
    times = [float(word) for word in text.split()]
    return times[-1] - times[0]


def report(cold: list[Timed], warm: list[Timed], floor: dict[str, float]) -> dict[str, Any]:
    """The table, and the figures for `--json`."""
    whole = sum(floor.values())
    start = floor["sbatch to running"] + floor["engine and server"]
    cold_s = statistics.mean(timed.total for timed in cold)
    warm_s = statistics.mean(timed.total for timed in warm)
    print(f"\n{'the bare parts':28} seconds")
    for part, seconds in floor.items():
        print(f"  {part:26} {seconds:7.2f}")
    print(f"\n{'a launch, by phase':28} {'cold':>7} {'warm':>7}")
    for phase in dict.fromkeys(name for timed in cold for name in timed.phases):
        columns = []
        for runs in (cold, warm):
            values = [timed.phases[phase] for timed in runs if phase in timed.phases]
            columns.append(f"{statistics.mean(values):7.2f}" if values else " " * 7)
        print(f"  {phase:26} {' '.join(columns)}")
    print(f"  {'whole':26} {cold_s:7.2f} {warm_s:7.2f}")
    figures = {"cold_ratio": round(cold_s / whole, 3), "warm_ratio": round(warm_s / start, 3)}
    print(f"\ncold: {figures['cold_ratio']} x its bare parts ({whole:.2f} s), of {len(cold)} runs")
    print(f"warm: {figures['warm_ratio']} x the last two ({start:.2f} s), of {len(warm)} runs\n")
    return figures
