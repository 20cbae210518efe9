"""A notebook in a real kernel: what it shows while workers draw bars."""

from __future__ import annotations

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("tqdm")

BEGIN = """\
from hpcbinder import Workers
from distributed import Client, LocalCluster
cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
client = Client(cluster)"""

BARS = """\
%%workers --one
import time, sys, dask
from tqdm import tqdm
from dask.diagnostics import ProgressBar
for step in tqdm(range(3), desc="steps", mininterval=0):
    time.sleep(0.5)
with ProgressBar():
    dask.compute(dask.delayed(time.sleep)(0.1), scheduler="synchronous")
"the end\""""

BACKGROUND = """\
%%workers --background --into run
print("seen from afar")
1 / 0"""

END = """\
run.wait(lambda: run.done, 120)
from IPython.display import display
display(run)
client.close(); cluster.close()"""


@pytest.mark.slow
def test_bars_of_workers_are_drawn_in_the_notebook(tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in (BEGIN, BARS, BACKGROUND, END)]
    book = nbformat.v4.new_notebook(cells=cells)
    drawn: list[str] = []

    class Seen(nbclient.NotebookClient):
        def process_message(self, message: dict, *where: object) -> object:
            if message["msg_type"].endswith("display_data"):
                drawn.append(message["content"]["data"]["text/plain"])
            return super().process_message(message, *where)

    Seen(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    assert any("[0] steps: " in text and "/3 [" in text for text in drawn), drawn
    shown = "".join(str(output) for output in book.cells[1].outputs)
    # What a bar was at last is a line as any other.
    assert "[0] steps: 100%" in shown
    assert "[0] [####" in shown
    assert "100% Completed" in shown
    assert "the end" in shown
    (begun,) = book.cells[2].outputs
    assert "of 2 done" in begun["data"]["text/plain"]
    (display,) = book.cells[3].outputs
    assert "2 of 2 done, 2 failed" in display["data"]["text/plain"]
    assert "seen from afar" in display["data"]["text/html"]
    assert "ZeroDivisionError: division by zero" in display["data"]["text/html"]
