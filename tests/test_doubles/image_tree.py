"""A small root file system to make test images from."""

import shutil
import subprocess
from pathlib import Path

APPLETS = [
    "sh",
    "cat",
    "env",
    "false",
    "id",
    "ls",
    "mkdir",
    "pwd",
    "rm",
    "sleep",
    "stat",
    "touch",
    "true",
]


def make_tree(root: Path) -> None:
    """Fill `root`: programs, a file of every kind of permission, content at a site's path."""
    for name in [
        "bin",
        "etc",
        "home/jovyan",
        "opt/tool",
        "private",
        "srv/env",
        "usr/lib",
        "var/lib",
    ]:
        (root / name).mkdir(parents=True)
    _install_programs(root)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\njovyan:x:1000:1000:::\n")
    (root / "etc/motd").write_text("of the image\n")
    (root / "srv/env/.keep").touch()
    (root / "srv/env/hidden").write_text("secret\n")
    (root / "srv/env/hidden").chmod(0o600)
    (root / "private").chmod(0o700)
    (root / "srv/latest").symlink_to("env")


def _install_programs(root: Path) -> None:
    busybox = shutil.which("busybox")
    if busybox and "statically" in _describe(busybox):
        shutil.copy(busybox, root / "bin/busybox")
        for name in APPLETS:
            (root / "bin" / name).symlink_to("busybox")
        return
    for name in APPLETS:
        program = shutil.which(name)
        assert program is not None, f"{name} is needed to make a test image"
        shutil.copy(program, root / "bin" / name)
        _install_libraries(root, program)


def _describe(program: str) -> str:
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return "statically" if "not a dynamic" in linked.stdout + linked.stderr else "dynamically"


def _install_libraries(root: Path, program: str) -> None:
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for word in listed.split():
        if word.startswith("/"):
            target = root / word.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(word, target)
