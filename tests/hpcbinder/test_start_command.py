"""A launch from its ticket to its server, as the job's log and the server see it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from compute_node import PROJECT, TICKET, TOKEN, Node, git, until

KERNELS = "--ServerApp.kernel_spec_manager_class=hpcbinder.kernelspecs.KernelSpecs"


def test_a_launch_ends_as_the_server_in_a_clone_of_the_commit(node: Node) -> None:
    launch = node.launch()
    process = launch.begin()
    outcome = launch.end(process)
    server = outcome.started

    assert server["pid"] == process.pid
    assert server["cwd"] == str(node.workspace)
    assert Path(server["argv"][0]).name == "jupyterhub-singleuser"
    first, *protection, last = server["argv"][1:]
    assert (first, last) == ("--ServerApp.allow_remote_access=True", KERNELS)
    assert protection == [
        f"--ServerApp.ssl_options={option}={launch.directory}/server-{name}.pem"
        for option, name in (
            ("certfile", "certificate"),
            ("keyfile", "key"),
            ("ca_certs", "client"),
        )
    ]
    for name in ("certificate", "key", "client"):
        file = launch.directory / f"server-{name}.pem"
        assert file.read_text() == f"PEM of {name}"
        assert file.stat().st_mode & 0o777 == 0o600
    assert (node.workspace / "README.md").read_text() == "# Soundings\n"
    assert git(node.workspace, "rev-parse", "HEAD") == node.origin.commit

    assert not (launch.directory / "claim.json").exists()
    assert sorted(path.name for path in launch.directory.iterdir()) == [
        "ca-bundle.pem",
        "home",
        "job.log",
        "report.json",
        "server-certificate.pem",
        "server-client.pem",
        "server-key.pem",
    ]


def test_the_hub_is_asked_four_times(node: Node) -> None:
    server = node.launch().run().started
    claimed, fetched, parts, ready = node.hub.requests
    port = ready.body["port"]

    claimant = claimed.body.pop("claimant")
    assert claimed == ("/claim", "", {"ticket": TICKET, "job": "4711", "tls": True})
    assert re.fullmatch("[0-9a-f]{32}", claimant)
    assert fetched == ("/content", f"Bearer {TOKEN}", None)
    assert parts == ("/content/parts", f"Bearer {TOKEN}", None)
    assert ready == ("/ready", f"token {TOKEN}", {"port": port, "notice": ""})
    url = f"http://0.0.0.0:{port}/user/ada/soundings/"
    assert server["env"]["JUPYTERHUB_SERVICE_URL"] == url


def test_the_log_tells_the_story_in_sentences(node: Node) -> None:
    log = node.launch().run().log
    line = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ hpcbinder: (\w+): [A-Z].*\.")
    phases = [m[1] if (m := line.fullmatch(text)) else text for text in log.splitlines()]
    assert phases == ["claim", "content", "content", "server"]


def test_the_ticket_is_neither_in_the_servers_environment_nor_in_its_arguments(node: Node) -> None:
    server = node.launch().run().started
    assert TICKET not in str(server)
    assert TOKEN not in str(server["argv"])


def test_signals_reach_the_server_itself(node: Node) -> None:
    launch = node.launch()
    launch.grant["args"].append("--wait")
    process = launch.begin()
    until(launch.report.exists)
    process.send_signal(signal.SIGTERM)
    assert launch.end(process).started["received"] == "SIGTERM"


def test_a_signal_that_an_engine_had_to_block_reaches_the_server_all_the_same(node: Node) -> None:
    launch = node.launch()
    launch.grant["args"].append("--wait")
    process = launch.begin(inside=["env", "--block-signal=TERM"])
    until(launch.report.exists)
    process.send_signal(signal.SIGTERM)
    assert launch.end(process).started["received"] == "SIGTERM"


def test_slurms_word_that_the_end_is_near_ends_no_start(node: Node) -> None:
    node.hub.replies["/claim"] = [(503, {})]
    launch = node.launch()
    launch.grant["args"].append("--wait")
    launch.grant["session"] = {"left": 3600}
    # As the job's script keeps it from the engine.
    process = launch.begin(inside=["env", "--ignore-signal=USR1"])
    launch.wait_for("Trying again")
    process.send_signal(signal.SIGUSR1)
    node.hub.replies["/claim"] = [(200, launch.grant)]
    until(launch.report.exists)
    status = Path(f"/proc/{process.pid}/status").read_text()
    ignored = int(status.partition("SigIgn:")[2].split()[0], 16)
    # A shell of the user's can do nothing with a signal that it was started to ignore.
    assert not ignored & 1 << signal.SIGUSR1 - 1
    process.terminate()
    told = launch.end(process).started["env"]["HPCBINDER_END_SIGN"]
    assert told == str(launch.directory / "end-is-near")


def test_the_server_learns_how_long_it_may_run(node: Node) -> None:
    launch = node.launch()
    launch.grant["session"] = {"left": 3600, "idle_minutes": 30, "url": f"{node.hub.url}/session"}
    before = time.monotonic()
    told = json.loads(launch.run().started["env"]["HPCBINDER_SESSION"])
    # By a clock that all processes of the node share, and not by what it says of the day.
    assert before + 3600 <= told["ends"] <= time.monotonic() + 3600
    assert (told["idle_minutes"], told["warn_seconds"]) == (30, 120)
    assert told["url"] == f"{node.hub.url}/session"


def test_what_the_server_runs_by_itself_is_left_for_it(node: Node) -> None:
    launch = node.launch()
    run = {"notebook": "index.ipynb", "output": None, "parameters": {"key": "s3cret"}}
    launch.grant["run"] = run
    env = launch.run().started["env"]
    assert json.loads(env["HPCBINDER_UNATTENDED"]) == [
        str(node.workspace / "index.ipynb"),
        str(node.workspace / "index.out.ipynb"),
        str(launch.directory / "parameters.json"),
    ]
    assert "s3cret" not in str(env)
    assert json.loads((launch.directory / "parameters.json").read_text()) == run["parameters"]


@pytest.mark.parametrize("session", [None, "an hour", {"left": "an hour"}])
def test_a_hub_that_says_it_in_words_of_its_own_ends_no_start(node: Node, session: object) -> None:
    launch = node.launch()
    launch.grant["session"] = session
    assert "HPCBINDER_SESSION" not in launch.run().started["env"]


def test_the_servers_owner_is_told_what_the_jobs_script_says_of_the_node(node: Node) -> None:
    node.launch().run({"HPCBINDER_NODE_NOTICE": "This node has no FUSE."})
    assert node.hub.asked("/ready")[-1].body["notice"] == "This node has no FUSE."


def test_the_server_ignores_no_signal_because_we_did(node: Node) -> None:
    # The stand-in is Python and ignores these two itself: so ask the shell of a start script.
    node.start_script = str(
        node.program("start", '#!/bin/sh\ngrep SigIgn /proc/$$/status >ignored\nexec "$@"\n')
    )
    node.launch().run()
    ignored = int((node.workspace / "ignored").read_text().split()[1], 16)
    assert not ignored & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1)


def test_a_start_script_runs_in_the_workspace_with_the_server_as_its_arguments(node: Node) -> None:
    script = '#!/bin/sh\npwd >here\nexport STARTED=yes\nexec "$@" --from-start\n'
    node.start_script = str(node.program("start", script))
    server = node.launch().run().started
    assert server["env"]["STARTED"] == "yes"
    assert server["argv"][-1] == "--from-start"
    assert (node.workspace / "here").read_text().strip() == str(node.workspace)


def test_a_start_script_that_may_not_run_is_left_out(node: Node) -> None:
    node.start_script = str(node.program("start", "exit 1\n", mode=0o644))
    outcome = node.launch().run()
    assert outcome.started["argv"][-1] == KERNELS
    assert "start is not executable" in outcome.log


def test_a_start_script_that_cannot_run_is_explained(node: Node) -> None:
    node.start_script = str(node.program("start", "#!/no/such/shell\n"))
    outcome = node.launch().run()
    assert outcome.code == 8
    assert "start cannot be run (No such file or directory)" in outcome.log


def test_without_its_server_the_image_is_to_blame(node: Node) -> None:
    (node.image / "bin" / "jupyterhub-singleuser").unlink()
    outcome = node.launch().run()
    assert outcome.code == 8
    assert f"The image has no {node.image}/bin/jupyterhub-singleuser." in outcome.log


def test_files_of_ours_are_private_and_hers_are_as_usual(node: Node) -> None:
    launch = node.launch()
    server = launch.run().started
    assert server["umask"] == 0o022

    def mode(path: Path) -> int:
        return path.stat().st_mode & 0o777

    assert mode(launch.directory / "ca-bundle.pem") == 0o600
    assert mode(launch.directory / "home") == 0o700
    assert mode(node.workspace.parent) == 0o700
    assert mode(node.workspace) == 0o755
    assert mode(node.workspace / "README.md") == 0o644


def test_the_hubs_ca_is_trusted_beside_the_images_authorities(node: Node) -> None:
    authorities = node.image / "authorities.pem"
    authorities.write_text("# the image's own\n")
    node.image_env["SSL_CERT_FILE"] = str(authorities)
    launch = node.launch()
    env = launch.run().started["env"]
    bundle = launch.directory / "ca-bundle.pem"
    assert bundle.read_text() == f"{node.hub.ca}\n# the image's own\n"
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        assert env[name] == str(bundle)


def test_a_hub_that_is_slow_to_come_up_is_waited_for(node: Node) -> None:
    launch = node.launch()
    node.hub.replies["/claim"] = [(503, {}), (0, None), (429, {}), (200, launch.grant)]
    node.hub.replies["/content"].insert(0, (502, {}))
    node.hub.replies["/ready"] = [(500, {}), (200, {})]
    log = launch.run().log
    assert "hpcbinder: claim: The hub is not ready (503 Service Unavailable). Trying again" in log
    assert "hpcbinder: claim: The hub at localhost cannot be reached" in log
    assert len(node.hub.asked("/claim")) == 4


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/claim", 403, 4),
        ("/claim", 404, 4),
        ("/claim", 409, 3),
        ("/claim", 410, 4),
        ("/claim", 302, 4),
        ("/content", 403, 4),
        ("/content", 404, 4),
        ("/ready", 403, 4),
        ("/ready", 409, 3),
        ("/ready", 410, 4),
    ],
)
def test_a_hub_that_refuses_is_quoted(node: Node, path: str, status: int, code: int) -> None:
    # A careless hub repeats what it was sent; `Launch.end` looks for it in the log.
    sent = TICKET if path == "/claim" else TOKEN
    words = f"This launch was cancelled.\nhpcbinder: {sent} \x1b[31m"
    node.hub.replies[path] = [(status, {"message": words})]
    outcome = node.launch().run()
    assert outcome.code == code
    assert outcome.server is None
    assert "The hub refused: This launch was cancelled." in outcome.log
    assert "\x1b" not in outcome.log
    assert len(node.hub.asked(path)) == 1


def test_a_hub_of_another_ca_is_not_trusted(node: Node) -> None:
    launch = node.launch()
    launch.claim({"ca": None})
    outcome = launch.run()
    assert outcome.code == 7
    assert "The certificate of localhost cannot be trusted" in outcome.log
    assert not node.hub.requests


def test_a_ca_that_is_none_is_named(node: Node) -> None:
    launch = node.launch()
    launch.claim({"ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"})
    outcome = launch.run()
    assert outcome.code == 2
    assert "The hub's CA in claim.json is no certificate." in outcome.log


@pytest.mark.parametrize(
    "change",
    [
        {"env": {}},
        {"env": {"JUPYTERHUB_API_TOKEN": 7}},
        {"env": {"JUPYTERHUB_API_TOKEN": TOKEN, "A=B": "c"}},
        {"args": [None]},
        {"workspace": "relative"},
        {"workspace": "/home/ada/../bob"},
        {"content": {"url": "", "repo_url": "", "ref": "", "commit": "--upload-pack=x"}},
    ],
)
def test_an_answer_that_makes_no_sense_is_not_acted_upon(
    node: Node, change: dict[str, object]
) -> None:
    launch = node.launch()
    launch.grant.update(change)
    outcome = launch.run()
    assert outcome.code == 7
    assert "The hub's answer is not understood" in outcome.log
    assert not node.workspace.parent.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": 2}',
        '{"format": 1, "env": {"A": 1}}',
        '{"format": 1, "env": {}, "repo_dir": null, "start": null, "generated": [{"path": 7}]}',
    ],
)
def test_an_image_that_is_not_ours_is_named(node: Node, text: str) -> None:
    launch = node.launch()
    description = node.image / "image.json"

    def describe() -> Path:
        description.write_text(text)
        return description

    node.describe_image = describe  # type: ignore[method-assign]
    outcome = launch.run()
    assert outcome.code == 2
    assert "image.json does not describe this image" in outcome.log
    assert (launch.directory / "claim.json").exists()


def test_a_launch_that_is_stopped_while_it_waits_says_so(node: Node) -> None:
    node.hub.replies["/claim"] = [(503, {})]
    launch = node.launch()
    process = launch.begin()
    launch.wait_for("Trying again")
    process.send_signal(signal.SIGTERM)
    outcome = launch.end(process)
    assert outcome.code == 128 + signal.SIGTERM
    assert "Stopped by SIGTERM before the server had started." in outcome.log


def test_a_defect_is_shown_with_its_traceback_but_without_secrets(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; from hpcbinder import report, start\n"
        "report.hide(sys.argv[1])\n"
        "start.image.read = lambda path: {}[sys.argv[1]]\n"
        "sys.exit(start.run(pathlib.Path(sys.argv[2]), pathlib.Path('x')))"
    )
    command = [sys.executable, "-c", code, TICKET, str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "hpcbinder: start: KeyError: '[hidden]'" in done.stderr
    assert TICKET not in done.stderr
