"""A job that `check` sends out: here Slurm runs it on this host, and everything else is real."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from checks.conftest import Slurm
from checks.grounds import found
from slurm.login_node import LoginNode

from hpcbinderhub.checks.finding import Finding, Outcome, failed
from hpcbinderhub.checks.ground import Ground
from hpcbinderhub.checks.hop import reached
from hpcbinderhub.checks.nodes import of_report
from hpcbinderhub.checks.run import look_at
from hpcbinderhub.checks.table import MATTERS
from hpcbinderhub.images.engines import engine_class
from hpcbinderhub.site import Site

Make = Callable[..., Ground]


async def all_of(on: Ground) -> list[Finding]:
    """Every finding of the matter."""
    (looked,) = await look_at([m for m in MATTERS if m.name == "jobs"], on)
    return list(looked.findings)


async def test_a_job_there_and_back(
    site: Make, hub: str, node: str, slurm: Slurm, tmp_path: Path
) -> None:
    findings = await all_of(site(hub + node, user="alice"))
    words = [finding.sentence for finding in findings]
    assert words[0] == "alice submitted job 7."
    assert words[1].startswith("watch sees it: ")
    wrong = [finding for finding in findings if finding.outcome is Outcome.FAILED]
    assert [finding.sentence for finding in wrong] == [
        "/nonexistent/data is missing there, or closed to the user."
    ]
    assert wrong[0].advice == "Mount it on the node, or take it out of c.Site.data_roots."
    for said in (
        *("It sees what the login node wrote below c.Site.workspace_root.", "/usr is there."),
        *("Charliecloud: 0.38.", "It ran a command in the newest image of the store."),
        "Its clock and the hub's are 0 s apart.",
        "This host reaches what listens on 127.0.0.1.",
    ):
        assert said in words
    assert any(said.startswith("It reaches the hub at https://localhost") for said in words)
    assert words[-1] == "It was cancelled, and ended."
    options = (slurm.folder / "options").read_text().splitlines()
    assert "--cpus-per-task=1" in options
    assert list((tmp_path / "work" / "launches").iterdir()) == []


async def test_an_authority_that_did_not_sign_the_hubs_certificate(
    site: Make, hub: str, node: str, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    (finding,) = [
        finding
        for finding in await all_of(site(hub + node, user="alice"))
        if finding.sentence.startswith("It does not reach the hub")
    ]
    assert "CERTIFICATE_VERIFY_FAILED" in finding.sentence
    assert finding.advice.startswith("Set c.Site.ca_file to the authority that signed")


async def test_a_node_that_the_hub_does_not_reach(site: Make) -> None:
    finding = await reached(site(user="alice"), "p", "127.0.0.1", 1)
    assert finding.outcome is Outcome.FAILED
    assert finding.sentence.startswith("This host does not reach port 1 of 127.0.0.1")
    assert "from 1024 up" in finding.advice


async def test_a_job_behind_the_login_node(
    site: Make, hub: str, node: str, login: LoginNode
) -> None:
    lines = hub + node + "c.Site.hop = 'login'\n"
    findings = await all_of(site(lines, user="alice", forwarding=True))
    (port,) = [port for user, port in login.forwarded if user == "alice"]
    assert port > 1023
    assert "The login node reaches what listens on 127.0.0.1." in [f.sentence for f in findings]
    # As certificates are that forward nothing.
    wrong = [
        f for f in await all_of(site(lines, user="alice")) if "does not reach port" in f.sentence
    ]
    assert [f.outcome for f in wrong] == [Outcome.FAILED]
    assert wrong[0].sentence.endswith("listens: The login node forwards no connections.")
    assert "--permit-port-forwarding" in wrong[0].advice


async def test_what_answers_is_what_was_started(site: Make) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n")
        writer.close()

    stranger = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with stranger:
        port = stranger.sockets[0].getsockname()[1]
        finding = await reached(site(user="alice"), "p", "127.0.0.1", port)
    assert finding.sentence.startswith(f"Something else answers at port {port}")
    assert finding.advice.endswith("a proxy may stand there.")


async def test_a_watcher_that_sees_nothing(
    site: Make, hub: str, node: str, slurm: Slurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpcbinderhub.checks.sent.SIGHT_SECONDS", 0.5)
    monkeypatch.setattr("hpcbinderhub.checks.sent.END_SECONDS", 0.5)
    slurm.takes_jobs(seen=False)
    findings = await all_of(site(hub + node, user="alice"))
    assert findings[1] == failed(
        "p, charliecloud",
        "watch does not see job 7 of alice, so no server is ever ready.",
        "sacctmgr modify user watch set AdminLevel=Operator (PrivateData hides others' jobs); "
        "or set c.Site.watch_as = 'users', which is slower.",
    )
    assert any(finding.sentence.startswith("It reaches the hub") for finding in findings)
    assert findings[-1].advice.startswith("scancel 7")


async def test_a_job_that_dies_at_once(site: Make, hub: str, node: str, slurm: Slurm) -> None:
    slurm.takes_jobs(ending=True)
    lines = "c.Site.job_prologue = 'echo no such module >&2; exit 1'\n"
    findings = await all_of(site(hub + node + lines, user="alice"))
    assert findings[2].outcome is Outcome.FAILED
    assert "The job ended before it had reported." in findings[2].sentence
    assert "Its last lines: no such module" in findings[2].sentence
    assert "c.Site.job_prologue" in findings[2].advice


async def test_a_user_without_room(site: Make, hub: str, node: str) -> None:
    lines = f"{hub}{node}c.Site.room_mb = 1 << 40\n"
    (finding,) = await all_of(site(lines, user="alice"))
    assert finding.outcome is Outcome.FAILED
    assert finding.sentence.startswith("Your storage is full")


async def test_temporary_files_on_the_node(site: Make, hub: str, node: str, tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    for folder, said in (
        (tmp_path / "local", f"Jobs get a TMPDIR of their own in {tmp_path}/local."),
        (tmp_path / "none", f"{tmp_path}/none is missing there, or closed to the user"),
    ):
        lines = f"{hub}{node}c.Site.node_tmp = {str(folder)!r}\n"
        findings = await all_of(site(lines, user="alice"))
        assert any(finding.sentence.startswith(said) for finding in findings)


async def test_a_log_in_a_folder_of_the_user_s_own(
    site: Make, hub: str, node: str, slurm: Slurm, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    lines = f"c.Site.log_root = '{logs}/{{user}}'\n"
    words = [finding.sentence for finding in await all_of(site(hub + node + lines, user="alice"))]
    assert "/usr is there." in words  # This came by way of the log.
    (own,) = logs.iterdir()  # By the name of whoever runs the tests.
    assert f"--output={own}/check" in (slurm.folder / "options").read_text()
    assert list(own.iterdir()) == []
    own.chmod(0o777)
    (finding,) = await all_of(site(hub + node + lines, user="alice"))
    assert "no folder of your own for the logs" in finding.sentence
    assert "`c.Site.log_root`" in finding.advice


async def test_slurm_refuses_the_job(site: Make, node: str, slurm: Slurm) -> None:
    slurm.runs("sbatch", "echo 'sbatch: error: Invalid partition specified: p' >&2; exit 1")
    here = site(node, user="alice")
    (finding,) = await all_of(here)
    assert finding.sentence == (
        "Slurm refused the job. (sbatch: error: Invalid partition specified: p)"
    )
    assert finding.advice
    finding = (await found("profiles", here))["profile “p” as alice"]
    assert finding.outcome is Outcome.FAILED
    assert "Invalid partition" in finding.sentence


async def test_slurm_would_take_it(site: Make, node: str) -> None:
    finding = (await found("profiles", site(node, user="alice")))["profile “p” as alice"]
    assert finding.sentence.startswith("Slurm would take it, and start it in ")


async def test_slurm_takes_a_server_and_not_so_many_nodes_of_workers(
    site: Make, node: str, slurm: Slurm
) -> None:
    slurm.runs(
        "sbatch",
        """case "$*" in
        *--array=0-2999*) echo 'allocation failure: Invalid job array specification' >&2; exit 1 ;;
        *) echo "sbatch: Job 7 to start at $(date +%s) using 1 processors" >&2 ;;
        esac""",
    )
    many = 'c.Site.profiles = [dict(name="p", title="P", partition="p", worker_nodes=3000)]\n'
    said = await found("profiles", site(node + many, user="alice"))
    assert said["profile “p” as alice"].outcome is Outcome.OK
    refused = said["profile “p” as alice, 3000 nodes of workers"]
    assert refused.outcome is Outcome.FAILED
    assert "Invalid job array specification" in refused.sentence


async def test_nobody_to_submit_as(site: Make, slurm: Slurm) -> None:
    (finding,) = await all_of(site())
    assert finding.outcome is Outcome.SKIPPED
    assert finding.sentence.endswith("say as whom, with --user NAME.")
    slurm.says("sacctmgr", "")
    (finding,) = await all_of(site(user="dave"))
    assert finding.sentence.startswith("Slurm's accounting has no account")
    assert finding.advice.startswith("Name another user")


@pytest.mark.parametrize(
    ("changed", "words", "advice"),
    [
        ({"shared": "no"}, "does not see what the login node wrote", "compute nodes share"),
        ({"engine": None}, "Charliecloud is not on a job's PATH", "the profile's `modules`"),
        ({"store": "no"}, "artefact store /artefacts is missing there", "with mode 0755"),
        ({"fuse": "no"}, "It has no FUSE", "/dev/fuse mode 0666"),
        ({"fuse": "no", "local": "yes /tmp 10"}, "/tmp takes no image", "c.Site.node_local"),
        ({"userns": "no"}, "cannot make user namespaces", "max_user_namespaces"),
        ({"tmp": "no /local/alice"}, "/local/alice is missing there", "set c.Site.node_tmp"),
        ({"run": "no oh dear"}, "could not run the newest image: oh dear", "docs/engines.md"),
        ({"call": "no timed out"}, "does not reach the hub at", "firewalls let it"),
        ({"call": None}, "neither python3 nor curl", "by hand"),
    ],
)
def test_what_a_node_says(
    tmp_path: Path, changed: dict[str, str | None], words: str, advice: str
) -> None:
    well = {
        "host": "n1",
        "shared": "yes",
        "engine": "0.38",
        "store": "yes",
        "fuse": "yes",
        "local": "yes /tmp 99999",
        "userns": "yes",
        "run": "yes",
        "call": "yes",
    }
    report = {name: [value] for name, value in {**well, **changed}.items() if value is not None}
    charliecloud = engine_class("charliecloud")
    findings = [
        finding
        for finding in of_report("p", report, charliecloud, Site(), "https://hub")
        if finding.outcome is not Outcome.OK
    ]
    assert any(words in finding.sentence and advice in finding.advice for finding in findings), (
        json.dumps([finding.sentence for finding in findings])
    )
    assert {finding.what for finding in findings} == {"p on n1"}
