"""The site without a host for builds: its builders are jobs of the account `builder`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cluster.person import Person
from cluster.rig import Rig, eventually

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.second_site,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
]

OURS = "/etc/jupyterhub/jupyterhub_config.d/96-build-jobs.py"
JOBS = """
c = get_config()
c.BuildJobs.user = "builder"
c.BuildJobs.account = "builds"
c.BuildJobs.partition = "regular"
c.BuildJobs.most = 2
c.BuildJobs.cpus = 2
c.BuildJobs.memory_mb = 3000
c.BuildJobs.command = [
    *("/opt/hpcbinderhub/bin/hpcbinderhub", "worker", "--config=/opt/hpcbinderhub/etc"),
    "--hpcbinder=/opt/hpcbinderhub/src/hpcbinder",
]
c.BuildJobs.node_storage = "/local"
"""
# What the nodes read: the site's own files, without those that speak of the hub's host.
NODES = """
c = get_config()
c.Site.build_environment = {environment!r}
c.Site.build_ca_bundle = "/opt/hpcbinderhub/etc/ca-bundle.crt"
"""
SHIP = """
set -e
find /software -mindepth 1 -delete
cp -a /opt/hpcbinderhub/. /software
mkdir /software/etc
cp /etc/jupyterhub/jupyterhub_config.d/*.py /software/etc/
cp /etc/hpcbinderhub/ca-bundle.crt /software/etc/
chmod -R a+rX /software
"""
PUBLISH = """
from functools import partial
from pathlib import Path
from hpcbinderhub.builds.workplace import base_settings, storage
from hpcbinderhub.images.shared_base import shared_base
from hpcbinderhub.site import load_site
site = load_site("/etc/jupyterhub/jupyterhub_config.d")
settings, *_others = base_settings(site, storage(Path(site.builder_dir)))
shared_base(settings, Path("/opt/hpcbinderhub/src/hpcbinder"), Path(site.artefacts), print)
"""
AS_BUILDER = ("HOME=/var/lib/builder", "USER=builder", "XDG_RUNTIME_DIR=/run/user/901")


@pytest.fixture(scope="module")
def jobs_site(rig: Rig) -> Iterator[Rig]:
    """The site with its own worker stopped, and the software where compute nodes find it."""
    run = rig.cluster.run
    run("hub", "supervisorctl", "stop", "worker")
    run("hub", "tee", OURS, input=JOBS)
    run("hub", "sh", "-c", SHIP, timeout=300)
    environment = dict(
        setting.partition("=")[::2]
        for setting in rig.cluster.settings["HPCBINDERHUB_BUILD_ENV"].split()
    )
    mine = NODES.format(environment=environment)
    run("hub", "tee", "/software/etc/97-nodes.py", input=mine)
    # The base image is in the worker's storage already: it is not made once more.
    python = ("env", *AS_BUILDER, "/opt/hpcbinderhub/bin/python", "-c", PUBLISH)
    run("hub", *python, user="builder", timeout=600)
    restart_hub(rig)
    yield rig
    run("hub", "rm", OURS)
    run("hub", "supervisorctl", "start", "worker")
    restart_hub(rig)
    rig.wait_until_builds_are_taken()


def restart_hub(rig: Rig) -> None:
    """With it, the service, which reads the configuration again."""
    rig.cluster.run("hub", "supervisorctl", "restart", "hub")
    rig.wait_until_up()


@pytest.fixture
def site(jobs_site: Rig, carol: Person) -> Iterator[Rig]:
    """Nothing is left behind that waits or builds."""
    yield jobs_site
    for state in ("queued", "running"):
        for build in carol.call("GET", f"api/builds?state={state}").json():
            carol.call("POST", f"api/builds/{build['id']}/cancel")
    eventually(lambda: not jobs_site.jobs("builder"), 120, "the builder has no job")


def sleeping(rig: Rig, name: str, seconds: int) -> str:
    """A repository whose build says that it sleeps, and does."""
    files = {"postBuild": f"#!/bin/sh\necho It sleeps now.\nsleep {seconds}\n"}
    return rig.repository(name, files | {"salt": rig.unique()})


def ask(person: Person, repository: str) -> str:
    """Have something built; the build's id."""
    answer = person.call("POST", "api/builds", {"repository": repository})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["build"]["id"])


def shown(person: Person, build: str) -> dict[str, Any]:
    return dict(person.call("GET", f"api/builds/{build}").json())


def becomes(
    person: Person, build: str, true: Callable[[dict[str, Any]], bool], what: str
) -> dict[str, Any]:
    """The build as it is shown once something is true of it."""

    def look() -> dict[str, Any] | None:
        found = shown(person, build)
        return found if true(found) else None

    return dict(eventually(look, 300, what))


def sleeps(person: Person, build: str, times: int) -> bool:
    log = person.call("GET", f"api/builds/{build}/log").text
    return log.count("It sleeps now.") == times


def test_a_launch_is_built_by_a_job_and_starts(site: Rig, alice: Person) -> None:
    # Another recipe each time: an image that is there already is not built.
    repository = site.repository("job-built", site.unseen({"requirements.txt": "six\n"}))
    launch = alice.launch(repository, start_when_ready=True)
    last = alice.follow(launch)
    assert last["phase"] == "ready", last
    build = alice.call("GET", f"api/launches/{launch}").json()["build"]
    told = [event["message"] for event in alice.build_log(build)]
    worker = shown(alice, build)["worker"]
    number = worker.removeprefix("job-")
    (starts,) = [line for line in told if line.startswith("The build starts")]
    assert re.fullmatch(rf"The build starts on c[1-3], as job {number}\.", starts)
    eventually(lambda: not site.jobs("builder"), 120, "the job ends when nothing comes")
    # Nothing of it is left: on its node, or where its ticket was.
    for node in ("c1", "c2", "c3"):
        assert site.cluster.run(node, "ls", "-A", "/local").stdout == ""
    assert site.cluster.run("login", "ls", "-A", "/home/builder/builders").stdout == ""


def test_no_secret_of_a_job_is_in_slurms_hands(site: Rig, alice: Person) -> None:
    site.hold_starts()
    try:
        ask(alice, sleeping(site, "job-secret", 1))
        (job,) = eventually(lambda: site.jobs("builder"), 180, "a job is submitted")
        listed = site.cluster.run("login", "sh", "-c", "cat /home/builder/builders/*/claim.json")
        ticket = listed.stdout.split('"')[3]
        assert len(ticket) > 40
        for asked in (
            ("scontrol", "show", "job", "-d", job),
            ("scontrol", "write", "batch_script", job, "-"),
            ("sacct", "--allusers", f"--jobs={job}", "--env-vars"),
        ):
            # Accounting hears of a job a moment after it was submitted.
            told = eventually(lambda asked=asked: site.slurm(*asked), 180, "Slurm tells of it")
            assert ticket not in told
    finally:
        site.allow_starts()


def test_the_page_says_what_a_build_waits_for(site: Rig, alice: Person) -> None:
    site.hold_starts()
    try:
        build = ask(alice, sleeping(site, "job-waits", 1))
        (job,) = eventually(lambda: site.jobs("builder"), 180, "a job is submitted")
        words = f"A builder waits for a node, as job {job}. The partition is down."
        becomes(alice, build, lambda found: found["held_up"] == words, "the reason is told")
        # Neither a service that is killed nor a hub that is submits a second one.
        for victim in ("service", "hub"):
            site.kill(victim)
            site.wait_until_up()
        becomes(alice, build, lambda found: found["held_up"] == words, "the reason is told again")
        assert site.jobs("builder") == [job]
    finally:
        site.allow_starts()
    done = becomes(alice, build, lambda found: found["state"] != "queued", "it is built")
    assert done["worker"] == f"job-{job}"


def test_a_job_that_is_stopped_gives_its_build_back(site: Rig, alice: Person) -> None:
    build = ask(alice, sleeping(site, "job-stopped", 30))
    eventually(lambda: sleeps(alice, build, 1), 300, "it is under way")
    (job,) = site.jobs("builder")
    before = shown(alice, build)["attempt"]
    site.slurm("scancel", job)
    again = becomes(
        alice,
        build,
        lambda found: found["state"] == "running" and found["worker"] != f"job-{job}",
        "another job builds it",
    )
    assert again["attempt"] == before
    done = becomes(alice, build, lambda found: found["state"] in ("done", "failed"), "it ends")
    assert done["state"] == "done", done["failure"]


def test_a_node_that_dies_costs_the_lease_and_nothing_more(site: Rig, alice: Person) -> None:
    build = ask(alice, sleeping(site, "job-killed", 30))
    eventually(lambda: sleeps(alice, build, 1), 300, "it is under way")
    (job,) = site.jobs("builder")
    node = site.slurm("squeue", "--noheader", f"--jobs={job}", "--format=%B")
    # To Slurm's own KILL there is a TERM first.
    site.cluster.run(node, "pkill", "-9", "-f", "bin/hpcbinderhub worker")
    again = becomes(alice, build, lambda found: found["attempt"] == 2, "it is built again")
    assert again["worker"] != f"job-{job}"
    done = becomes(alice, build, lambda found: found["state"] in ("done", "failed"), "it ends")
    assert done["state"] == "done", done["failure"]


def test_cancelling_a_build_cancels_its_job(site: Rig, alice: Person, carol: Person) -> None:
    build = ask(alice, sleeping(site, "job-cancelled", 600))
    eventually(lambda: sleeps(alice, build, 1), 300, "it is under way")
    (job,) = site.jobs("builder")
    assert carol.call("POST", f"api/builds/{build}/cancel").status_code == 200
    eventually(lambda: not site.jobs("builder"), 180, "the job is gone")
    state = site.slurm("sacct", "--noheader", "--allocations", f"--jobs={job}", "--format=State")
    assert state.startswith("CANCELLED")
