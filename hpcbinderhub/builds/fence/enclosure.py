"""A process shuts itself in before it starts a build, with all that it starts afterwards."""

from __future__ import annotations

import ctypes
import os
import select
import socket
import subprocess
import tempfile
from collections.abc import Sequence

from hpcbinderhub.builds.fence import network
from hpcbinderhub.builds.request import Confinement, Endpoint, Network
from hpcbinderhub.errors import UserError

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
SECONDS = 15.0
SHARED_MEMORY = "size=256m,mode=1777"

WAIT_FOR_GO = ("sh", "-c", 'read -r go && exec "$@"', "sh")


def enter(confinement: Confinement) -> None:
    """Shut this process in; call it before there is any other thread.

    The program that connects the build is started first, since nothing that is inside gets a
    process to the outside any more. It shares our process namespace, and ends with it.
    """
    if confinement.network is None:
        _unshare(CLONE_NEWNS)
    else:
        _enter_network(confinement.network)
    _mount("-t", "tmpfs", "-o", SHARED_MEMORY, "tmpfs", "/dev/shm")
    for path in confinement.hidden:
        if path.exists():
            _mount("--bind", "/dev/null", str(path))


def _enter_network(wanted: Network) -> None:
    own = network.addresses(_output(["ip", "-json", "address"]))
    found = {endpoint: _look_up(endpoint) for endpoint in wanted.listed}
    connector = None if wanted.mode == "none" else Connector()
    try:
        _unshare(CLONE_NEWNS | CLONE_NEWNET)
        # The filter stands before there is anything to filter.
        _output(["nft", "-f", "-"], network.filter_rules(wanted, own, found))
        _output(["ip", "link", "set", "lo", "up"])
        if connector is not None:
            connector.go()
    except BaseException:
        if connector is not None:
            connector.process.kill()
        raise
    resolver = f"nameserver {network.RESOLVER}\n" if wanted.mode == "open" else ""
    _replace("/etc/resolv.conf", resolver)
    _replace("/etc/hosts", network.hosts(found))


def _replace(path: str, text: str) -> None:
    """Have a file hold something else for this build; what it is needs no name afterwards."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(text)
        file.flush()
        _mount("--bind", file.name, path)


class Connector:
    """The program that connects our namespace, waiting outside until that is there."""

    def __init__(self) -> None:
        self._ready, theirs = os.pipe()
        self.process = subprocess.Popen(
            [*WAIT_FOR_GO, *network.slirp4netns(os.getpid(), theirs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs],
        )
        os.close(theirs)

    def go(self) -> None:
        """Have it connect us, and wait until it has."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")
        self.process.stdin.close()
        ready, _, _ = select.select([self._ready], [], [], SECONDS)
        if not ready or os.read(self._ready, 1) != b"1":
            raise not_made("slirp4netns did not connect it")
        os.close(self._ready)


def not_made(why: str) -> UserError:
    """A build that cannot be shut in does not run."""
    return UserError(
        f"The build's own network could not be made: {why}.",
        "Tell your site's admin, whom `hpcbinderhub check` tells what the build host lacks.",
    )


def _look_up(endpoint: Endpoint) -> list[str]:
    try:
        answers = socket.getaddrinfo(endpoint.host, endpoint.port, socket.AF_INET)
    except OSError as error:
        raise not_made(f"the host {endpoint.host} has no address ({error})") from error
    return sorted({str(answer[4][0]) for answer in answers})


def _output(command: Sequence[str], text: str = "") -> str:
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True)
    except OSError as error:
        raise not_made(f"{command[0]} cannot be run ({error.strerror})") from error
    if done.returncode != 0:
        raise not_made(f"{command[0]} said {done.stderr.strip()[:300]!r}")
    return done.stdout


def _mount(*arguments: str) -> None:
    _output(["mount", *arguments])


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise not_made(os.strerror(ctypes.get_errno()))
    if flags & CLONE_NEWNS:
        # What is mounted from here on is for this build alone.
        _output(["mount", "--make-rprivate", "/"])
