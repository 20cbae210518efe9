"""The way from the proxy to a server, on a real network with other users on the nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cluster.lab import Lab
from cluster.person import Person
from cluster.rig import Rig, eventually

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"
NODES = ("c1", "c2", "c3")
HOP = "hpcbinderhub.hop /"

KNOCK = """
import json, socket, ssl, sys
host, port = sys.argv[1], int(sys.argv[2])
def ask(secured):
    try:
        plain = socket.create_connection((host, port), 10)
        context = ssl._create_unverified_context()
        connection = context.wrap_socket(plain) if secured else plain
        connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        return connection.recv(100).decode()
    except ConnectionRefusedError:
        return "nobody listens"
    except OSError:
        return ""
print(json.dumps([ask(False), ask(True)]))
"""

LISTEN_IN = """
import socket, sys
while True:
    try:
        listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
        break
    except OSError:
        pass
while True:
    connection, _ = listener.accept()
    connection.settimeout(2)
    heard = b""
    try:
        while True:
            more = connection.recv(65536)
            heard += more
            if not more:
                break
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nhi")
    except OSError:
        pass
    print(heard.hex(), flush=True)
"""


def place(rig: Rig, person: Person, launch: str) -> tuple[str, str]:
    """The node and the port of a server."""
    (job,) = rig.jobs(person.name)
    node = rig.slurm("squeue", "--noheader", f"--job={job}", "--format=%N")
    log = f"/home/{person.name}/hpcbinder/launches/{launch}/job.log"
    text = rig.cluster.run("login", "cat", log).stdout
    return node, text.partition("Starting the server on port ")[2].partition(".")[0]


def test_a_servers_port_answers_nobody_else(alice: Person, rig: Rig) -> None:
    launch = alice.launch(QUICKSTART)
    last = alice.follow(launch)
    assert last["phase"] == "ready", last
    node, port = place(rig, alice, launch)
    elsewhere = next(name for name in NODES if name != node)
    for service in (node, elsewhere):
        knock = rig.cluster.run(service, "python3", "-c", KNOCK, node, port, user="bob")
        assert json.loads(knock.stdout) == ["", ""]
    folder = f"/home/alice/hpcbinder/launches/{launch}"
    # The server has its keys in memory, and answers by them.
    assert "server-" not in rig.cluster.run("login", "ls", folder).stdout
    assert Lab(alice, last["url"]).get("api/status").status_code == 200


def test_whoever_takes_over_a_servers_port_hears_no_request(alice: Person, rig: Rig) -> None:
    launch = alice.launch(QUICKSTART)
    last = alice.follow(launch)
    node, port = place(rig, alice, launch)
    heard = f"/tmp/heard-{launch}"
    with rig.silent("slurmctld"):  # The hub cannot know that the job has ended.
        listen = f"timeout 120 python3 -c '{LISTEN_IN}' {port} > {heard} 2>&1 &"
        rig.cluster.run(node, "sh", "-c", listen, user="bob")
        rig.cluster.run(node, "pkill", "-9", "-u", "alice")

        def knock() -> str:
            answer = alice.client.get(f"{last['url']}api/status", headers={"X-Secret": "secret"})
            assert answer.status_code in (502, 503), answer.text
            return rig.cluster.run(node, "cat", heard).stdout

        words = eventually(knock, 180, "somebody else listens there")
    for line in words.split():
        # The beginning of TLS, and nothing of what was to go through it.
        assert bytes.fromhex(line)[:1] in (b"", b"\x16")
        assert b"secret" not in bytes.fromhex(line)
    (server,) = alice.servers()
    alice.stop(server)


async def outlives_the_hub(lab: Lab, person: Person, rig: Rig) -> None:
    """One connection to a kernel, before, while and after the hub is away."""
    async with lab.kernel() as kernel:
        assert await kernel.run("n = 1; print(n)") == "1\n"
        rig.kill("hub")
        assert await kernel.run("n += 1; print(n)") == "2\n"
        rig.wait_until_up()
        eventually(lambda: person.servers(), 180, "the hub knows the server")
        assert await kernel.run("n += 1; print(n)") == "3\n"


async def test_whoever_works_in_a_kernel_does_not_notice_that_the_hub_was_killed(
    alice: Person, rig: Rig
) -> None:
    last = alice.follow(alice.launch(QUICKSTART))
    lab = Lab(alice, last["url"])
    await outlives_the_hub(lab, alice, rig)
    (before,) = rig.processes("hub", HOP)
    rig.kill("hop")
    eventually(lambda: rig.processes("hub", HOP) not in ([], [before]), 180, "there is a new one")
    eventually(lambda: lab.get("api/status").status_code == 200, 180, "it leads to the server")
    (server,) = alice.servers()
    alice.stop(server)


@contextmanager
def through_the_login_node(rig: Rig) -> Iterator[None]:
    """A hub that opens no connection to a compute node, configured as an admin would."""
    config = "/etc/jupyterhub/jupyterhub_config.d/95-hop.py"
    signer = "/usr/local/libexec/hpcbinderhub-sign"
    was = rig.cluster.run("hub", "cat", signer).stdout
    permits = was.replace("hpcbinderhub-sign ", "hpcbinderhub-sign --permit-port-forwarding ", 1)
    rig.cluster.run("hub", "tee", config, input="c.Site.hop = 'login'\n")
    rig.cluster.run("hub", "tee", signer, input=permits)
    rule = ("OUTPUT", "-p", "tcp", "--syn", "-j", "REJECT", "-d")
    nodes = [rig.cluster.run("hub", "getent", "hosts", n).stdout.split()[0] for n in NODES]
    for node in nodes:
        rig.in_network_of("hub", "iptables", "-A", *rule, node)
    rig.cluster.run("hub", "supervisorctl", "restart", "hub")
    rig.wait_until_up()
    try:
        yield
    finally:
        for node in nodes:
            rig.in_network_of("hub", "iptables", "-D", *rule, node)
        rig.cluster.run("hub", "tee", signer, input=was)
        rig.cluster.run("hub", "rm", config)
        rig.cluster.run("hub", "supervisorctl", "restart", "hub")
        rig.wait_until_up()


async def test_a_hub_without_a_route_to_the_nodes_goes_through_the_login_node(
    alice: Person, rig: Rig
) -> None:
    with through_the_login_node(rig):
        launch = alice.launch(QUICKSTART)
        last = alice.follow(launch)
        assert last["phase"] == "ready", last
        node, port = place(rig, alice, launch)
        knock = rig.cluster.run("hub", "python3", "-c", KNOCK, node, port)
        assert json.loads(knock.stdout) == ["nobody listens"] * 2
        await outlives_the_hub(Lab(alice, last["url"]), alice, rig)
        (server,) = alice.servers()
        alice.stop(server)
