"""A server's times, with Slurm's own clock, signals and ends."""

from __future__ import annotations

import json

import pytest
from cluster.lab import Lab
from cluster.person import Person
from cluster.rig import Rig, eventually

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"

SAY_THAT_NOTHING_RUNS = """
import json, os, ssl, urllib.request
session = json.loads(os.environ["HPCBINDER_SESSION"])
asked = urllib.request.Request(
    session["url"] + "/ending",
    json.dumps({"why": "idle"}).encode(),
    {"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"]},
)
trusted = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
print(urllib.request.urlopen(asked, context=trusted).status)
"""
END_THE_SERVER = """
import os, subprocess
# As soon as this kernel is gone, so that its last words arrive.
end = f"while kill -0 {os.getpid()}; do sleep 0.2; done; kill -TERM {os.getppid()}"
subprocess.Popen(["sh", "-c", end], start_new_session=True, stderr=subprocess.DEVNULL)
"""


def test_a_server_learns_what_an_operator_changes(alice: Person, rig: Rig) -> None:
    lab = Lab(alice, alice.follow(alice.launch(QUICKSTART))["url"])
    (job,) = rig.jobs("alice")
    left = lab.get("hpcbinder/api/session").json()["left"]
    assert 3200 < left <= 3600
    rig.slurm("scontrol", "update", f"JobId={job}", "TimeLimit=120")
    eventually(
        lambda: lab.get("hpcbinder/api/session").json()["left"] > 6000, 240, "it has been told"
    )


@pytest.mark.parametrize("profile", ["interactive", "shifter"])
async def test_slurms_signal_saves_and_ends_nothing(alice: Person, rig: Rig, profile: str) -> None:
    lab = Lab(alice, alice.follow(alice.launch(QUICKSTART, profile=profile))["url"])
    (job,) = rig.jobs("alice")
    rig.slurm("scancel", "--batch", "--signal=USR1", job)
    eventually(lambda: lab.get("hpcbinder/api/session").json()["saves"] == 1, 180, "it saves")
    assert json.loads(await lab.run("print(6 * 7)")) == 42
    assert rig.jobs("alice") == [job]


async def test_a_server_that_ends_by_itself_says_why_and_is_gone(alice: Person, rig: Rig) -> None:
    launch = alice.launch(QUICKSTART)
    lab = Lab(alice, alice.follow(launch)["url"])
    assert (await lab.run(SAY_THAT_NOTHING_RUNS)).strip() == "200"
    (job,) = rig.jobs("alice")
    await lab.run(END_THE_SERVER)
    eventually(lambda: not rig.jobs("alice"), 180, "the job is over")
    eventually(lambda: not alice.servers(), 180, "the hub knows")
    ended = rig.slurm("sacct", "--noheader", "--allocations", f"--jobs={job}", "--format=State")
    assert ended.strip() == "COMPLETED"
