"""One node's Dask workers: forked by our launcher, or each started by itself as dask-jobqueue does
at its leanest (`dask worker --no-nanny --no-dashboard`, one job each). TLS on for both.

The clock runs from the start of the first process until the scheduler, which is a process of its
own, knows all workers; CPU is what all of the workers' processes have used by then.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NUMBERS = (32, 40)
ROUNDS = 3
SCHEDULER = """
import asyncio, json, logging, sys, time
from distributed import Scheduler
from distributed.security import Security

async def main():
    logging.disable(logging.CRITICAL)
    security = Security(require_encryption=True, **json.loads(sys.stdin.readline()))
    options = dict(dashboard=False, dashboard_address="127.0.0.1:0", port=0)
    async with Scheduler(protocol="tls", host="127.0.0.1", security=security, **options) as found:
        print(found.address, flush=True)
        for line in iter(sys.stdin.readline, ""):
            while len(found.workers) != int(line):
                await asyncio.sleep(0.005)
            print(time.monotonic(), flush=True)

asyncio.run(main())
"""


class Pair(NamedTuple):
    """A certificate that is its own authority, and its key, as the service makes them."""

    certificate: str
    key: str


Starter = Callable[[Path, int, Pair, str], list["subprocess.Popen[str]"]]


class Start(NamedTuple):
    """What it took until all workers were there."""

    seconds: float
    cpu: float


def run() -> dict[str, object]:
    """Ratios for each number of workers."""
    figures: dict[str, object] = {}
    for number in NUMBERS:
        ours, lean = [], []
        for _ in range(ROUNDS):
            ours.append(_measured(number, _forked))
            lean.append(_measured(number, _each_by_itself))
        _show(f"{number} forked", ours)
        _show(f"{number} by themselves", lean)
        figures[f"node_connect_lean_over_ours_{number}"] = _ratio(lean, ours, "seconds")
        figures[f"node_cpu_lean_over_ours_{number}"] = _ratio(lean, ours, "cpu")
    return figures


def _show(what: str, starts: list[Start]) -> None:
    seconds, cpu = (median(getattr(start, name) for start in starts) for name in Start._fields)
    print(f"{what}: all connected after {seconds:.2f} s, with {cpu:.2f} s of CPU", flush=True)


def _ratio(theirs: list[Start], ours: list[Start], field: str) -> float:
    """The median of the rounds, each of which had the same machine."""
    pairs = zip(theirs, ours, strict=True)
    return round(median(getattr(a, field) / getattr(b, field) for a, b in pairs), 2)


def _measured(number: int, start: Starter) -> Start:
    pair = _pair()
    with tempfile.TemporaryDirectory() as folder, _scheduler(pair) as scheduler:
        began = time.monotonic()
        started = start(Path(folder), number, pair, scheduler.address)
        try:
            connected = scheduler.has(number)
            cpu = sum(_cpu(one.pid) for one in started)
        finally:
            for one in started:
                one.terminate()
            for one in started:
                one.wait()
        return Start(connected - began, cpu)


def _cpu(process: int) -> float:
    """CPU of a process, of those below it, and of those that it has waited for."""
    top = psutil.Process(process)
    times = [one.cpu_times() for one in (top, *top.children(recursive=True))]
    waited = top.cpu_times()
    own = sum(one.user + one.system for one in times)
    return own + waited.children_user + waited.children_system


def _forked(folder: Path, number: int, pair: Pair, address: str) -> list[subprocess.Popen[str]]:
    grant = {
        "env": {},
        "workspace": str(folder),
        "home": str(folder / "home"),
        "scheduler": address,
        "tls": pair._asdict(),
        "node": "1_0",
        "workers": number,
        "threads": 1,
        "memory_mb": 0,
        "gpus": 0,
        "left": None,
        "warn_seconds": 60,
        "lost_contact_seconds": 300,
    }
    orders = folder / "orders.json"
    orders.touch(0o600)
    orders.write_text(json.dumps({"grant": grant}))
    return [_quietly(["-m", "hpcbinder.node", "--grant", str(orders)], folder)]


def _each_by_itself(
    folder: Path, number: int, pair: Pair, address: str
) -> list[subprocess.Popen[str]]:
    files = {"ca-file": pair.certificate, "cert": pair.certificate, "key": pair.key}
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
    for name, text in files.items():
        (folder / name).write_text(text)
        options += [f"--tls-{name}", str(folder / name)]
    program = "from distributed.cli.dask_worker import main; main()"
    return [
        _quietly(["-c", program, address, *options, "--name", str(index)], folder)
        for index in range(number)
    ]


def _quietly(arguments: list[str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )


class Scheduler:
    """A scheduler in a process of its own."""

    def __init__(self, pair: Pair) -> None:
        files = {"ca_file": pair.certificate}
        for role in ("client", "scheduler", "worker"):
            files |= {f"{role}_cert": pair.certificate, f"{role}_key": pair.key}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCHEDULER], stdin=pipe, stdout=pipe, text=True
        )
        self.address = self._asked(
            json.dumps({f"tls_{name}": text for name, text in files.items()})
        )

    def has(self, workers: int) -> float:
        """When it knew so many, by the machine's monotonic clock."""
        return float(self._asked(str(workers)))

    def _asked(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextmanager
def _scheduler(pair: Pair) -> Iterator[Scheduler]:
    found = Scheduler(pair)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()


def _pair() -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "crew")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Pair(certificate.public_bytes(serialization.Encoding.PEM).decode(), pem.decode())
