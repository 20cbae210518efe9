"""The whole way, on the containerised site, as its users go it."""

from __future__ import annotations

import json

import httpx
import pytest
from cluster.lab import Lab
from cluster.person import Person
from cluster.rig import Rig, eventually
from cluster.watch import Watch

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"

LOOK_AROUND = """
import getpass, json, os, pathlib, socket, subprocess, sys
import dask, distributed, jupyterlab
from dask.distributed import Client
with Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None) as client:
    total = client.submit(sum, range(10)).result()
print(json.dumps({
    "node": socket.gethostname(), "user": getpass.getuser(), "uid": os.getuid(),
    "cwd": os.getcwd(), "home": os.environ["HOME"], "total": total,
    "homes": sorted(os.listdir("/home")), "mine": sorted(os.listdir("/home/" + getpass.getuser())),
    "scratch": pathlib.Path("/scratch/shared/hello.txt").read_text().strip(),
    "binder": {k: v for k, v in os.environ.items() if k.startswith("BINDER_")},
    "head": subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip(),
    "origin": subprocess.check_output(["git", "remote", "get-url", "origin"], text=True).strip(),
    "secrets_in_argv": [p for p in pathlib.Path("/proc").glob("[0-9]*/cmdline")
        if os.environ["JUPYTERHUB_API_TOKEN"].encode() in p.read_bytes()],
}, default=str))
"""

LOOK_AT_HOME = """
import json, os, pathlib, site
print(json.dumps({
    "thesis": pathlib.Path("/home/alice/thesis.txt").read_text(),
    "home": os.environ["HOME"], "user_site": site.ENABLE_USER_SITE,
}))
"""


async def test_a_pasted_url_becomes_jupyterlab_on_a_compute_node(alice: Person, rig: Rig) -> None:
    launch = alice.launch(QUICKSTART)
    events = list(alice.events(launch))
    phases = list(dict.fromkeys(event["phase"] for event in events))
    assert phases[0] == "fetching"
    assert phases[-2:] == ["launching", "ready"]

    seen = json.loads(await Lab(alice, events[-1]["url"]).run(LOOK_AROUND))
    assert seen["node"] in ("c1", "c2", "c3")
    assert (seen["user"], seen["uid"], seen["total"]) == ("alice", 2001, 45)
    assert seen["cwd"].startswith("/home/alice/hpcbinder/workspaces/quickstart-")
    assert seen["home"] == f"/home/alice/hpcbinder/launches/{launch}/home"
    assert seen["scratch"] == "hello from the scratch file system"
    assert seen["secrets_in_argv"] == []

    # The repository's code sees its workspace and the data, and nothing else of anybody's home.
    assert seen["homes"] == ["alice"]
    assert seen["mine"] == ["hpcbinder"]

    commit = alice.call("GET", f"api/launches/{launch}").json()["commit"]
    assert (seen["head"], seen["origin"]) == (commit, QUICKSTART)
    assert seen["binder"]["BINDER_REPO_URL"] == QUICKSTART
    assert seen["binder"]["BINDER_REF_URL"] == f"{QUICKSTART}/tree/{commit}"
    assert seen["binder"]["BINDER_REQUEST"].startswith("v2/git/http%3A%2F%2Fgit%2Fquickstart.git/")

    jobs = rig.jobs("alice")
    assert len(jobs) == 1
    (server,) = alice.servers()
    alice.stop(server)
    eventually(lambda: not rig.jobs("alice"), 180, "the job is gone")
    assert not rig.processes(seen["node"], "jupyterhub-singleuser")


async def test_a_repository_that_alice_trusts_sees_her_home_and_takes_nothing_from_it(
    alice: Person, rig: Rig
) -> None:
    rig.cluster.run("login", "tee", "/home/alice/thesis.txt", input="all mine")
    launch = alice.launch(QUICKSTART, reach="home", consent=True)
    last = alice.follow(launch)
    (consent,) = alice.call("GET", "api/consents").json()
    alice.call("DELETE", f"api/consents/{consent['id']}").raise_for_status()
    seen = json.loads(await Lab(alice, last["url"]).run(LOOK_AT_HOME))
    home = f"/home/alice/hpcbinder/launches/{launch}/home"
    assert seen == {"thesis": "all mine", "home": home, "user_site": False}


def test_jupyterlab_asks_for_no_news_from_a_node_without_internet(alice: Person, rig: Rig) -> None:
    repository = rig.repository("no-news", rig.unseen({}))
    last = alice.follow(alice.launch(repository, start_when_ready=True))
    path = "lab/api/settings/@jupyterlab/apputils-extension:notification"
    properties = Lab(alice, last["url"]).get(path).json()["schema"]["properties"]
    assert properties["fetchNews"]["default"] == "false"
    assert properties["checkForUpdates"]["default"] is False


def test_a_colleague_follows_the_link_and_is_in_without_a_build(
    alice: Person, bob: Person, rig: Rig
) -> None:
    first = alice.launch(QUICKSTART)
    assert alice.follow(first)["phase"] == "ready"
    spec = alice.call("GET", f"api/launches/{first}").json()["spec"]

    # Bob's login shell is tcsh, and his rc files print and set what would beat a batch script.
    noise = "echo hello from an rc file\nsetenv SBATCH_TIMELIMIT 1\nsetenv SQUEUE_FORMAT nonsense\n"
    rig.cluster.run("login", "tee", "/home/bob/.cshrc", input=noise)

    answer = bob.call("POST", "api/launches", {"spec": spec, "profile": "interactive"})
    launch = answer.json()["id"]
    events = list(bob.events(launch))
    assert events[-1]["phase"] == "ready", events[-1]
    assert not [event for event in events if "build" in event]
    (job,) = rig.jobs("bob")
    assert rig.slurm("squeue", "--noheader", f"--job={job}", "--format=%l") == "1:00:00"


async def test_shifter_runs_the_same_repository(alice: Person) -> None:
    launch = alice.launch(QUICKSTART, profile="shifter")
    last = alice.follow(launch)
    assert last["phase"] == "ready", last
    seen = json.loads(
        await Lab(alice, last["url"]).run(
            "import json, os, pathlib; print(json.dumps({"
            "'shifter': pathlib.Path('/var/shifterConfig.json').exists(),"
            "'home': os.environ['HOME'], 'uid': os.getuid()}))"
        )
    )
    assert seen == {
        "shifter": True,
        "home": f"/home/alice/hpcbinder/launches/{launch}/home",
        "uid": 2001,
    }


@pytest.mark.parametrize(
    ("example", "printed"),
    [
        ("quickstart", "333333833333500000"),
        # What its postBuild made beside the commit is in the workspace.
        ("postbuild", "moon: "),
        ("dockerfile", "from /usr/lib/python3"),
        ("geophysics", "correlation with the truth: 0.8"),
    ],
)
async def test_an_examples_notebook_runs(example: str, printed: str, alice: Person) -> None:
    last = alice.follow(alice.launch(f"http://git/{example}.git"))
    assert last["phase"] == "ready", last
    lab = Lab(alice, last["url"])
    assert printed in await lab.run_notebook("index.ipynb")
    await lab.run("import dask, distributed, hpcbinder")


def test_somebody_without_an_allocation_is_told_before_anything_is_built(dave: Person) -> None:
    answer = dave.call("POST", "api/launches", {"repository": QUICKSTART, "profile": "interactive"})
    assert answer.status_code == 403
    assert "dave has no allocation on this cluster" in answer.json()["message"]
    assert (
        answer.json()["advice"] == "This is the demo: log in as alice or bob, who have allocations."
    )
    page = dave.client.get("/services/binder/")
    assert "dave has no allocation" in page.text


def test_a_link_starts_nothing_by_itself(alice: Person, rig: Rig) -> None:
    page = alice.client.get("/services/binder/v2/git/http%3A%2F%2Fgit%2Fquickstart.git/HEAD")
    assert page.status_code == 200
    assert "Launch this repository" in page.text
    assert alice.servers() == []
    assert rig.jobs("alice") == []


def test_an_owner_who_is_away_spends_nothing(alice: Person, rig: Rig) -> None:
    repository = rig.repository("away", rig.unseen({}))
    launch = alice.launch(repository)
    state = lambda: alice.call("GET", f"api/launches/{launch}").json()["state"]  # noqa: E731
    eventually(lambda: state() == "parked", 180, "the launch waits for its owner")
    assert rig.jobs("alice") == []
    alice.call("POST", f"api/launches/{launch}/start").raise_for_status()
    assert alice.follow(launch)["phase"] == "ready"


def test_a_job_of_somebody_else_cannot_have_the_content(alice: Person, bob: Person) -> None:
    launch = alice.launch(QUICKSTART)
    assert alice.follow(launch)["phase"] == "ready"
    assert bob.call("GET", f"api/content/{launch}").status_code == 403
    assert bob.call("GET", f"api/launches/{launch}").status_code == 404
    assert bob.call("GET", f"api/launches/{launch}/events").status_code == 404


def test_a_ticket_is_good_once_and_for_its_own_job(alice: Person, rig: Rig) -> None:
    rig.hold_starts()
    try:
        launch = alice.launch(QUICKSTART)
        directory = f"/home/alice/hpcbinder/launches/{launch}"
        read = ("cat", f"{directory}/claim.json")
        watch = Watch(alice, launch)
        eventually(
            lambda: rig.cluster.run("login", *read, check=False).returncode == 0, 180, "it is there"
        )
        mode = rig.cluster.run("login", "stat", "-c", "%a %U", f"{directory}/claim.json")
        assert mode.stdout.split() == ["600", "alice"]
        claim = json.loads(rig.cluster.run("login", *read).stdout)
        (job,) = eventually(lambda: rig.jobs("alice"), 180, "the job waits")
    finally:
        rig.allow_starts()
    assert watch.end()["phase"] == "ready"
    path = claim["claim_url"].partition("/hub/api/")[2]
    for ticket, number in ((claim["ticket"], job), (claim["ticket"], "1"), ("x", job)):
        answer = httpx.post(
            f"{rig.url}/hub/api/{path}",
            json={"ticket": ticket, "job": number, "claimant": "c1" * 16, "tls": True},
            timeout=30,
        )
        assert answer.status_code in (403, 409), answer.text
    script = rig.slurm("scontrol", "write", "batch_script", job, "-")
    environment = rig.slurm("sacct", "--env-vars", f"--jobs={job}")
    assert claim["ticket"] not in script + environment
    assert "JUPYTERHUB_API_TOKEN" not in script + environment
