"""Two users build at once, and one of them means harm: the other's build is right and on time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from builds.outcomes import built, eventually, failed, nothing_is_left, read

if TYPE_CHECKING:
    from conftest import Builder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SECRET = "what-only-the-neighbour-may-know"
LIMITS = {
    "seconds": 120,
    "processes": 200,
    "memory_bytes": 800_000_000,
    "disk_bytes": 300_000_000,
    "log_bytes": 100_000,
}

HOSTILE = {
    "fork bomb": ("bomb() { bomb | bomb & }\nbomb\nsleep 100", "over-limit"),
    "zeros": ("dd if=/dev/zero of=big bs=1M count=100000", "over-limit"),
    "zeros in many files": (
        "for n in $(seq 1000); do dd if=/dev/zero of=big$n bs=1M count=100; done; sleep 100",
        "over-limit",
    ),
    "zeros without a name": (
        "exec python3 -c 'import tempfile, time\n"
        'files = [tempfile.TemporaryFile(dir=".") for _ in range(90)]\n'
        "[file.write(bytes(1 << 20)) for _ in range(200) for file in files]\n"
        "time.sleep(100)'",
        "over-limit",
    ),
    "memory": (
        "for n in 1 2 3 4 5 6 7 8; do python3 -c "
        "'import time; b = b\"x\" * (200 << 20); time.sleep(100)' & done; wait",
        "out-of-memory",
    ),
    "endless output": ("yes and so on", "over-limit"),
    "endless line": ("tr '\\0' x < /dev/zero", "over-limit"),
}

CAREFUL = """\
#!/bin/sh
set -e
n=0
while [ $n -lt 20 ]; do echo $n | sha256sum >> sums; n=$((n + 1)); sleep 0.2; done
sha256sum < sums > result
"""


@pytest.fixture(scope="module")
def neighbour(builder: Builder) -> Iterator[Builder]:
    """The other user's builder: another worker of the same account."""
    other = builder.neighbour(builder.folder.with_name(f"{builder.folder.name}-neighbour"))
    yield other
    other.remove()


@pytest.fixture(autouse=True)
def _held(builder: Builder) -> None:
    if not builder.holds_strangers:
        pytest.skip("this host cannot keep builds apart, so strangers do not build on it")


@dataclass
class Careful:
    """The other user's build, in the background."""

    builder: Builder
    events: list[dict[str, Any]]
    thread: threading.Thread
    started: float


def start_careful(builder: Builder) -> Careful:
    """Start the build of somebody who means no harm."""
    context = builder.repository({"postBuild": CAREFUL, "mine": SECRET})
    events: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: events.extend(builder.build(context)))
    thread.start()
    return Careful(builder, events, thread, time.monotonic())


def right_and_on_time(careful: Careful) -> None:
    """What it made is what it would have made alone, and it took seconds."""
    careful.thread.join(300)
    event = built(careful.events)
    sums = "".join(
        subprocess.run(["sha256sum"], input=f"{n}\n", capture_output=True, text=True).stdout
        for n in range(20)
    )
    expected = subprocess.run(["sha256sum"], input=sums, capture_output=True, text=True).stdout
    assert read(event["artefact"], "srv/repo/result") == expected
    # Long before the time of the other one is over.
    assert event["seconds"]["building"] < 100
    nothing_is_left(careful.builder)


@pytest.mark.parametrize("harm", HOSTILE)
def test_what_uses_everything_up_is_ended(builder: Builder, neighbour: Builder, harm: str) -> None:
    script, cause = HOSTILE[harm]
    careful = start_careful(neighbour)
    context = builder.repository({"postBuild": f"#!/bin/bash\n{script}\n"})
    events = builder.build(context, limits=LIMITS)
    event = failed(events, cause)
    assert event["message"]
    assert event["advice"]
    assert sum(len(event.get("message", "")) for event in events) < 300_000
    right_and_on_time(careful)
    # What was ended tidies nothing up; the next build does, whatever becomes of it.
    failed(builder.build(builder.repository({"postBuild": "exit 3"})), "postbuild")
    nothing_is_left(builder)


SPY = """
import os, sys
wanted = sys.argv[1:]

def look(root):
    for path in wanted:
        try:
            with open(root + path) as file:
                print("FOUND", root + path, file.read())
        except OSError:
            pass

look("")
for process in filter(str.isdigit, os.listdir("/proc")):
    for way in ("root", "cwd"):
        look("/proc/" + process + "/" + way)
    try:
        for handle in os.listdir("/proc/" + process + "/fd"):
            look("/proc/" + process + "/fd/" + handle)
    except OSError:
        pass
# The oldest way out of a changed root, which takes a capability.
try:
    os.mkdir("/inner")
    here = os.open("/", os.O_RDONLY)
    os.chroot("/inner")
    os.fchdir(here)
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")
    print("chroot(2) is allowed")
except OSError as error:
    print("chroot(2):", error)
look("")
print("SPIED")
"""


@pytest.mark.parametrize("isolation", ["oci", "chroot"])
def test_a_build_sees_nothing_of_another(
    builder: Builder, neighbour: Builder, isolation: str
) -> None:
    own = builder.folder / "token"
    others = neighbour.folder / "tmp" / "secret"
    for path in (own, others):
        assert builder.run("sh", "-c", f"umask 077; echo {SECRET} > {path}").returncode == 0
    dockerfile = (
        f"FROM {builder.base_image}\nUSER root\nCOPY spy.py /spy.py\n"
        f"RUN python3 /spy.py {own} {others} && false\n"
    )
    context = builder.repository({"Dockerfile": dockerfile, "spy.py": SPY})
    confinement = builder.confinement | {"isolation": isolation, "hidden": [str(own)]}
    try:
        events = builder.build(context, confinement=confinement)
    finally:
        builder.run("rm", "-f", str(own), str(others))
    said = [event["message"] for event in events if "message" in event]
    assert "SPIED" in said, events[-5:]
    assert not [line for line in said if "FOUND" in line or SECRET in line]


def test_a_link_out_of_the_tree_tells_nothing(builder: Builder) -> None:
    token = builder.folder / "token"
    assert builder.run("sh", "-c", f"echo {SECRET} > {token}").returncode == 0
    for name in ("apt.txt", "requirements.txt", "Dockerfile"):
        context = builder.repository({"README.md": ""})
        (context / name).symlink_to(token)
        events = builder.build(context)
        assert "leads out of the repository" in failed(events, "repository")["message"]
        assert SECRET not in json.dumps(events)
    # Where nothing reads it, a link is a link.
    context = builder.repository({"data/README.md": ""})
    (context / "data" / "link").symlink_to(token)
    event = built(builder.build(context))
    listed = subprocess.run(
        ["unsquashfs", "-ll", event["artefact"]["path"], "srv/repo/data/link"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"link -> {token}" in listed.stdout
    token.unlink()


def test_git_s_configuration_in_a_repository_runs_nothing(builder: Builder) -> None:
    marker = builder.folder / "tmp" / "owned"
    context = builder.repository({"README.md": "", "requirements.txt": ""})
    run = f"touch {marker}"
    git = ("git", "-C", str(context))
    subprocess.run([*git, "init", "--quiet"], check=True)
    for name in ("core.fsmonitor", "core.sshCommand", "core.editor", "filter.x.smudge"):
        subprocess.run([*git, "config", name, run], check=True)
    for hook in ("post-checkout", "pre-commit", "post-index-change"):
        file = context / ".git" / "hooks" / hook
        file.write_text(f"#!/bin/sh\n{run}\n")
        file.chmod(0o755)
    subprocess.run(["chmod", "-R", "a+rX", str(context)], check=True)
    events = builder.build(context, confinement=builder.confinement)
    built(events)
    assert not marker.exists()


SERVER = """
import socket, sys, threading
def serve(port):
    server = socket.create_server(("0.0.0.0", port))
    while True:
        peer, _ = server.accept()
        peer.sendall(b"reached")
        peer.close()
for port in (8001, 8002):
    threading.Thread(target=serve, args=[port]).start()
print("here", flush=True)
"""

KNOCK = """#!/bin/bash
for door in {doors}; do
    exec 3<> /dev/tcp/${{door/:/\\/}} && echo "$door $(timeout 30 cat <&3)"
done 2> /dev/null
ip -6 address show scope global 2> /dev/null
echo knocked
exit 1
"""


@dataclass(frozen=True)
class Outside:
    """A network of the test's own around a build: its host, and another host."""

    around: tuple[str, ...]

    OWN = ("127.0.0.1", "169.254.169.254", "10.77.1.1", "10.77.2.1")
    """Loopback, what clouds have there, and two addresses of the host itself."""
    GATEWAYS = ("198.18.0.2", "198.18.0.3")
    OTHER = "10.77.2.2"


@pytest.fixture
def outside() -> Iterator[Outside]:
    """Both hosts answer at every address that they have, on two ports."""
    if os.getuid() != 0:
        pytest.skip("only root makes networks for a test")
    host, other = _namespace(), _namespace()
    try:
        _in(host, "ip link add outer type veth peer name inner netns " + str(other.pid))
        for command in (
            "ip link set lo up",
            "ip address add 169.254.169.254/32 dev lo",
            "ip address add 10.77.1.1/32 dev lo",
            "ip address add 10.77.2.1/24 dev outer",
            "ip link set outer up",
        ):
            _in(host, command)
        for command in ("ip address add 10.77.2.2/24 dev inner", "ip link set inner up"):
            _in(other, command)
        with _server(host), _server(other):
            yield Outside(("nsenter", f"--net=/proc/{host.pid}/ns/net"))
    finally:
        host.kill()
        other.kill()
        host.wait()
        other.wait()


def _namespace() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["unshare", "--net", "sleep", "600"])
    ours = os.readlink("/proc/self/ns/net")
    eventually(
        lambda: os.readlink(f"/proc/{process.pid}/ns/net") != ours, 60, "the namespace is there"
    )
    return process


def _in(namespace: subprocess.Popen[bytes], command: str) -> None:
    subprocess.run(["nsenter", f"--net=/proc/{namespace.pid}/ns/net", *command.split()], check=True)


class _server:
    def __init__(self, namespace: subprocess.Popen[bytes]):
        self._enter = ["nsenter", f"--net=/proc/{namespace.pid}/ns/net"]

    def __enter__(self) -> None:
        self._process = subprocess.Popen(
            [*self._enter, sys.executable, "-c", textwrap.dedent(SERVER)], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def reached(builder: Builder, outside: Outside, network: dict[str, Any] | None) -> set[str]:
    """The doors that open to a build."""
    addresses = (*outside.OWN, *outside.GATEWAYS, outside.OTHER)
    doors = [f"{address}:{port}" for address in addresses for port in (8001, 8002)]
    context = builder.repository({"postBuild": KNOCK.format(doors=" ".join(doors))})
    knocking = replace(builder, around=outside.around)
    events = knocking.build(context, confinement=builder.confinement | {"network": network})
    failed(events, "postbuild")  # So that nothing has to be converted.
    said = [event["message"] for event in events if "message" in event]
    assert "knocked" in said
    assert not [line for line in said if "inet6" in line]
    return {line.split()[0] for line in said if line.endswith(" reached")}


def test_no_build_reaches_its_host(builder: Builder, outside: Outside) -> None:
    other = {f"{outside.OTHER}:{port}" for port in (8001, 8002)}
    # All doors do open for who stands on the host itself.
    everything = {f"{address}:{port}" for address in outside.OWN for port in (8001, 8002)} | other
    assert reached(builder, outside, None) == everything
    assert reached(builder, outside, {"mode": "open"}) == other
    assert reached(builder, outside, {"mode": "open", "denied": ["10.77.0.0/16"]}) == set()
    assert reached(builder, outside, {"mode": "none"}) == set()


def test_a_site_s_mirrors_are_all_that_is_reached(builder: Builder, outside: Outside) -> None:
    mirror = {"host": outside.OTHER, "port": 8002}
    only = {f"{outside.OTHER}:8002"}
    assert reached(builder, outside, {"mode": "listed", "listed": [mirror]}) == only
    excepted = {"mode": "open", "listed": [mirror], "denied": ["10.0.0.0/8"]}
    assert reached(builder, outside, excepted) == only


def test_the_namespace_s_filter_is_not_a_step_s_to_change(builder: Builder) -> None:
    dockerfile = (
        f"FROM {builder.base_image}\nUSER root\n"
        "RUN grep CapEff /proc/self/status; "
        "python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)' || "
        "echo no raw packets; false\n"
    )
    events = builder.build(builder.repository({"Dockerfile": dockerfile}))
    said = [event["message"] for event in events if "message" in event]
    (capabilities,) = [int(line.split()[1], 16) for line in said if line.startswith("CapEff")]
    net_admin, sys_admin = 1 << 12, 1 << 21
    assert not capabilities & (net_admin | sys_admin)
    assert "no raw packets" in said
