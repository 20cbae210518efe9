"""A PostgreSQL server of the tests' own, on a socket that nobody else finds."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER = "postgres"
"""The server refuses to run as root; Debian's package brings this account."""


def programs() -> Path | None:
    """The directory of the newest server's programs, if there is one."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    return max(found, key=lambda path: float(path.parent.name), default=None)


@contextmanager
def running_server(programs: Path) -> Iterator[str]:
    """Its URL, with `{name}` in place of a database's name."""
    # A socket's path must be short, which pytest's directories are not.
    place = Path(tempfile.mkdtemp(prefix="pg-"))
    data, as_owner = place / "data", []
    if os.geteuid() == 0:
        shutil.chown(place, OWNER)
        as_owner = ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups", "--"]

    def run(program: str, *arguments: str) -> None:
        command = [*as_owner, str(programs / program), *arguments]
        subprocess.run(command, check=True, cwd=place, stdout=subprocess.DEVNULL)

    run("initdb", "--pgdata", str(data), "--username=tests", "--auth=trust", "--no-sync")
    settings = f"-c listen_addresses= -c unix_socket_directories={place} -c fsync=off"
    run("pg_ctl", "start", "-w", "-D", str(data), "-l", str(place / "log"), "-o", settings)
    try:
        yield f"postgresql+psycopg://tests@/{{name}}?host={place}"
    finally:
        run("pg_ctl", "stop", "-w", "-D", str(data), "-m", "immediate")
        shutil.rmtree(place, ignore_errors=True)
