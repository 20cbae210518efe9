"""Running the notebook, and keeping on disk whatever it has shown up to now."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from ..kernelspecs import KernelSpecs
from ..report import one_line
from .parameters import BadParameter, with_parameters
from .record import DONE, FAILED, NONE_BEGUN


class Work(NamedTuple):
    """What is to be run."""

    notebook: Path
    output: Path
    parameters: dict[str, Any]
    kernel: str | None = None
    seconds: int | None = None
    """For each cell; none for as long as it takes."""


def run(work: Work) -> tuple[int, str]:
    """The exit code, and what has become of it."""
    try:
        book = nbformat.read(work.notebook, as_version=4)
        cells = with_parameters(book.cells, work.parameters)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        sentence = str(error) if isinstance(error, BadParameter) else f"{work.notebook}: {error}"
        return NONE_BEGUN, one_line(sentence)
    book.cells = [nbformat.from_dict(cell) for cell in cells]
    if book.nbformat_minor >= 5:
        for cell in book.cells:
            cell.setdefault("id", nbformat.v4.new_code_cell().id)
    code, words = asyncio.run(_run(book, work))
    return code, one_line(f"{words} What it has shown is in {work.output.name}.")


async def _run(book: Any, work: Work) -> tuple[int, str]:
    client = _Unattended(book, work)
    running = asyncio.ensure_future(client.async_execute())
    stopped: list[int] = []
    name = work.notebook.name

    def stop(number: int, _: object) -> None:
        if not stopped:
            loop.call_soon_threadsafe(running.cancel)
        stopped.append(number)

    loop = asyncio.get_running_loop()
    client.on_stop = stop
    try:
        await running
    except CellExecutionError as error:
        return FAILED, f"A cell of {name} failed: {error.ename}: {error.evalue[:500]}."
    except (asyncio.CancelledError, DeadKernelError, TimeoutError, OSError) as error:
        if stopped:
            # Whatever nbclient makes of it.
            return 128 + stopped[0], f"{name} was stopped by {signal.Signals(stopped[0]).name}."
        return FAILED, f"{name} broke off: {type(error).__name__}: {error}."
    finally:
        client.save()
        if client.km is not None:
            with suppress(Exception):
                await client.km.shutdown_kernel(now=True)
    return DONE, f"{name} ran to its end."


class _Unattended(NotebookClient):  # type: ignore[misc]
    """Shows in the job's log what cells print, and writes the notebook after each of them."""

    def __init__(self, book: Any, work: Work) -> None:
        name = work.kernel or book.metadata.get("kernelspec", {}).get("name", "python3")
        # The same kernels as in the server, by the same names.
        specs = KernelSpecs() if "HPCBINDER_PYTHON" in os.environ else KernelSpecManager()
        manager = AsyncKernelManager(kernel_name=name, kernel_spec_manager=specs)
        folder = str(work.notebook.absolute().parent)
        super().__init__(
            book,
            km=manager,
            kernel_name=name,
            timeout=work.seconds,
            resources={"metadata": {"path": folder}},
        )
        self._work = work
        self.on_stop: Callable[[int, Any], None] = lambda number, frame: None

    async def async_execute_cell(self, cell: Any, cell_index: int, *rest: Any, **named: Any) -> Any:
        """One cell."""
        for number in (signal.SIGTERM, signal.SIGINT):
            # nbclient would end the kernel, and tell of its death instead.
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, self.on_stop)
        begun = time.monotonic()
        if cell.cell_type == "code" and cell.source.strip():
            first = cell.source.strip().splitlines()[0]
            _say(f"Cell {cell_index + 1} of {len(self.nb.cells)}: {first[:70]}")
        try:
            return await super().async_execute_cell(cell, cell_index, *rest, **named)
        finally:
            self.save()
            if time.monotonic() - begun > 60:
                _say(f"Cell {cell_index + 1} took {time.monotonic() - begun:.0f} s.")

    def process_message(self, message: dict[str, Any], *where: Any) -> Any:
        """What a kernel says while a cell runs."""
        if message["msg_type"] == "stream":
            print(message["content"]["text"], end="", flush=True)
        return super().process_message(message, *where)

    def save(self) -> None:
        """Whole, or as it was before: a reader never finds half a notebook."""
        path = self._work.output
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = path.with_name(f".{path.name}.begun")
        nbformat.write(self.nb, begun)
        os.replace(begun, path)


def _say(sentence: str) -> None:
    print(f"hpcbinder run: {sentence}", file=sys.stderr, flush=True)
