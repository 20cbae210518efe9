"""A notebook's shell, and workers that are processes of their own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Workers say a lot of themselves; a test's own failure is what has to be seen.
os.environ.setdefault("DASK_DISTRIBUTED__LOGGING__DISTRIBUTED", "error")

pytest.importorskip("distributed")
pytest.importorskip("IPython")

from distributed import Client, LocalCluster

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from notebook import Notebook  # noqa: E402


@pytest.fixture(scope="package")
def client() -> Iterator[Client]:
    """Two workers, `0` and `1`, each with one thread."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        yield client


@pytest.fixture
def notebook(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    monkeypatch.chdir(tmp_path)
    client.run(os.chdir, tmp_path)
    notebook = Notebook(tmp_path)
    # `hpcbinder` is the folder of tests here; `%load_ext hpcbinder` is tried in a real kernel.
    ran = notebook.run("%load_ext hpcbinder.cells.magic")
    assert (ran.printed, ran.error) == ("", None)
    # As a kernel has it: what a shell runs in the background hears no interrupt.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield notebook
    signal.signal(signal.SIGINT, before)
    notebook.end()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts a scheduler is not for `make test-fast`."""
    for item in items:
        if HERE in item.path.parents and "client" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
