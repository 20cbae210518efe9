"""What is submitted for a crew, in both forms, and what its nodes see."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from hpcbinderhub.crews.batch import BatchPlan, batch_plan, batch_submission, node_log
from hpcbinderhub.crews.records import Form
from hpcbinderhub.images.engines import engine_named
from hpcbinderhub.launches.options import LaunchOptions
from hpcbinderhub.site import Site
from hpcbinderhub.slurm.cluster import Submission, cluster_of
from hpcbinderhub.slurm.members import Member
from hpcbinderhub.workspaces import Account

ALICE = Account("alice", 2001, "/home/alice")
OPTIONS = {
    "launch": "0abc1234", "profile": "small", "artefact": "a" * 64, "repo_url": "https://x.org/r",
    "ref": "main", "commit": "b" * 40, "spec": "git/https%3A%2F%2Fx.org%2Fr/main",
    "workspace": "r-123456",
}  # fmt: skip
LAUNCHES = "/home/alice/hpcbinder/launches"


def made(
    form: Form = "array",
    nodes: int = 4,
    *,
    profile: dict[str, Any] | None = None,
    chosen: dict[str, Any] | None = None,
    **traits: Any,
) -> tuple[BatchPlan, Submission]:
    """A batch of nodes for a server."""
    known = {"name": "big", "title": "Big", "partition": "batch", "engine": "sarus"}
    site = Site(public_url="https://hub.example.org/", profiles=[known | (profile or {})], **traits)
    options = LaunchOptions.model_validate(OPTIONS | (chosen or {}))
    plan = batch_plan(options, site.profiles[0], Member(ALICE, ()), site, "9batch99")
    engine = engine_named(site.profiles[0].engine, site, cluster_of(site))
    url = "https://hub.example.org/claim"
    return plan, batch_submission(plan, site, engine, "image", url, nodes=nodes, form=form)


def test_an_array_is_one_submission_whose_elements_are_nodes() -> None:
    profile = {"nodes": 2, "cpus": 16, "max_gpus": 4, "licenses": ["matlab:1"]}
    _, array = made(profile=profile, chosen={"account": "geo", "minutes": 30, "gpus": 4})
    assert array.name == "hpcbinder-9batch99"
    assert array.options == (
        "--job-name=hpcbinder-9batch99",
        "--time=30",
        "--account=geo",
        f"--chdir={LAUNCHES}/9batch99",
        f"--output={LAUNCHES}/9batch99-logs/node-%a.log",
        "--open-mode=append",
        "--no-requeue",
        "--signal=B:USR1@120",
        "--partition=batch",
        "--nodes=1",
        "--ntasks-per-node=1",
        "--cpus-per-task=16",
        "--mem=2048M",
        "--gres=gpu:4",
        "--licenses=matlab:1",
        "--array=0-3",
    )


def test_one_job_has_all_nodes_and_goes_on_without_one_that_is_lost() -> None:
    _, job = made("one_job", 3, profile={"cpus": 16, "components": [{"partition": "gpu"}]})
    assert {"--nodes=3", "--ntasks-per-node=1", "--cpus-per-task=16", "--no-kill"} <= set(
        job.options
    )
    assert f"--output={LAUNCHES}/9batch99-logs/job.log" in job.options
    assert not [word for word in job.options if word == ":" or word.startswith("--array")]
    words = shlex.split(job.script.partition("exec ")[2].rpartition(") &")[0])
    assert words[0] == "srun"
    assert {"--nodes=3", "--ntasks-per-node=1", "--cpus-per-task=16", "--no-kill"} <= set(words)
    assert f"--output={LAUNCHES}/9batch99-logs/node-%t.log" in words


@pytest.mark.parametrize("form", ["array", "one_job"])
def test_a_node_has_the_home_and_the_workspace_of_its_server(form: Form) -> None:
    plan, batch = made(form)
    where = plan.where
    assert str(where.home) == f"{LAUNCHES}/0abc1234/home"
    assert str(where.workspace) == "/home/alice/hpcbinder/workspaces/r-123456/files"
    # Strangers' code sees these, and of other launches, and of the logs, nothing.
    shown = [str(path) for path in where.shown(plan.options.reach)]
    assert shown == [f"{LAUNCHES}/9batch99", str(where.home), str(where.workspace.parent)]
    for path in shown:
        assert f"source={path},destination={path}" in batch.script
        assert str(where.copy_of(Path(path))) in batch.directories
    assert f"/srv/hpcbinder/bin/hpcbinder node --launch {LAUNCHES}/9batch99" in batch.script
    assert f"HOME={where.home}" in batch.script
    assert batch.directory == f"{LAUNCHES}/9batch99"
    assert batch.claim["claim_url"] == "https://hub.example.org/claim"
    assert len(batch.claim["ticket"]) >= 32


def test_logs_are_where_no_node_could_put_a_link_for_a_later_one() -> None:
    plan, batch = made()
    assert batch.log == f"{LAUNCHES}/9batch99-logs"
    assert str(node_log(plan, 3)) == f"{LAUNCHES}/9batch99-logs/node-3.log"
    assert not plan.where.log.is_relative_to(plan.where.launch)
    plan, batch = made(log_root="/logs/{user}")
    assert batch.log == "/logs/alice/9batch99"
    assert "--output=/logs/alice/9batch99/node-%a.log" in batch.options


def test_workers_find_in_their_environment_what_the_server_finds() -> None:
    profile = {
        "environment": {"https_proxy": "http://gpu-proxy:3128"},
        "host": {"environment": {"MPICH_GPU": "1"}},
    }
    plan, batch = made(profile=profile, job_environment={"https_proxy": "http://proxy:3128"})
    assert plan.variables["https_proxy"] == "http://gpu-proxy:3128"
    assert plan.variables["MPICH_GPU"] == "1"
    assert plan.variables["BINDER_REPO_URL"] == "https://x.org/r"
    assert not [name for name in plan.variables if name.startswith("JUPYTERHUB")]
    assert "export https_proxy=http://gpu-proxy:3128" in batch.script.splitlines()


def ran(batch: Submission, folder: Path, nodes: int, **environment: str) -> subprocess.Popen[str]:
    """Its script, with a `sarus` that waits and an `srun` that runs its words twice; it runs."""
    (folder / "bin").mkdir()
    sarus = "trap 'exit 6' USR1; echo up $SLURM_PROCID; while :; do sleep 0.05; done"
    srun = (
        'while [[ $1 == --* ]]; do shift; done\nSLURM_PROCID=0 "$@" &\nSLURM_PROCID=1 "$@" &\nwait'
    )
    for name, script in (("sarus", sarus), ("srun", srun)):
        (folder / "bin" / name).write_text(f"#!/bin/bash\n{script}\n")
        (folder / "bin" / name).chmod(0o755)
    path = f"{folder}/bin:{os.environ['PATH']}"
    process = subprocess.Popen(
        ["bash", "-c", batch.script],
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, "PATH": path},
        start_new_session=True,
    )
    assert process.stdout
    for _ in range(nodes):
        assert process.stdout.readline().startswith("up")
    return process


@pytest.mark.parametrize(
    ("form", "environment", "signs"),
    [
        ("array", {"SLURM_ARRAY_TASK_ID": "3"}, ["end-is-near-3"]),
        ("one_job", {}, ["end-is-near-0", "end-is-near-1"]),
    ],
)
def test_each_node_is_told_that_its_end_is_near(
    tmp_path: Path, form: Form, environment: dict[str, str], signs: list[str]
) -> None:
    plan, batch = made(form, 2, workspace_root=f"{tmp_path}/it's-{{user}}")
    folder = Path(plan.where.launch)
    folder.mkdir(parents=True)
    with ran(batch, tmp_path, len(signs), **environment) as process:
        try:
            process.send_signal(signal.SIGUSR1)
            limit = time.monotonic() + 60
            while sorted(path.name for path in folder.iterdir()) != signs:
                assert time.monotonic() < limit
                time.sleep(0.02)
            assert process.poll() is None
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("engine", ["charliecloud", "apptainer", "enroot", "podman-hpc", "shifter"])
@pytest.mark.parametrize("form", ["array", "one_job"])
def test_every_engine_runs_nodes(engine: str, form: Form) -> None:
    _, batch = made(form, profile={"engine": engine})
    assert f"node --launch {LAUNCHES}/9batch99" in batch.script
    subprocess.run(["bash", "-n"], input=batch.script, text=True, check=True)
    assert json.dumps(batch.claim)
