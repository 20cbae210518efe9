"""Mount a squashfs file without privilege: FUSE in our own namespaces, served from outside them.

The server stays in the host's mount namespace. So the last process of the container takes the
mount with it when it ends, the server reads ENODEV, and nothing is left behind. The double has one
server per container; Shifter shares one loop device per image and node (contract 2).
"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from .errors import SetupError
from .kernel import MS_NODEV, MS_NOSUID, MS_RDONLY, mount

SERVER = "/usr/bin/squashfuse_ll"


@dataclass(frozen=True)
class SquashServer:
    """A server that waits for its mount."""

    device: int
    go: int

    def mount(self, target: Path) -> None:
        """Mount on `target` and let the server answer; call it in the new mount namespace."""
        data = (
            f"fd={self.device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},"
            "allow_other,default_permissions"
        )
        flags = MS_RDONLY | MS_NOSUID | MS_NODEV
        mount("squashfuse", target, "fuse.squashfuse", flags, data)
        os.write(self.go, b"1")
        # Only the server may hold the device: then its end shows as an error instead of a hang.
        os.close(self.device)
        os.close(self.go)


def start_server(image: Path) -> SquashServer:
    """Start a server for an image; call it inside the user namespace, before the mount namespace.

    The kernel wants the device opened in the user namespace that mounts it.
    """
    if not os.access(SERVER, os.X_OK):
        raise SetupError(f"FAILED to find {SERVER}")
    if not os.access(image, os.R_OK):
        raise SetupError(f"FAILED to read image file: {image}")
    device = os.open("/dev/fuse", os.O_RDWR)
    wait, go = os.pipe()
    child = os.fork()
    if child == 0:
        _detach_and_serve(image, device, wait, go)
    os.waitpid(child, 0)
    os.close(wait)
    return SquashServer(device, go)


def _detach_and_serve(image: Path, device: int, wait: int, go: int) -> None:
    """Become the server as nobody's child: the command must not find an unknown one of its own."""
    try:
        os.setsid()
        if os.fork() == 0:
            os.close(go)
            # A signal to a whole job step must not take the files from under the command.
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            if os.read(wait, 1):
                _keep_only(device)
                os.chdir("/")
                os.execv(SERVER, [SERVER, "-f", str(image), "/dev/fd/3"])
    finally:
        os._exit(0)


def _keep_only(device: int) -> None:
    """Leave the caller's files: whoever reads the command's output waits for all writers to end."""
    kept = os.dup2(device, 3) if device != 3 else device
    os.set_inheritable(kept, True)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
