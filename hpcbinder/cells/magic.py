"""`%%workers` in IPython: `%load_ext hpcbinder`."""

from __future__ import annotations

import inspect
import uuid
from typing import Any

from distributed.client import Client, Future
from IPython.core.magic import Magics, cell_magic, magics_class

from . import options, source, table, targets
from .errors import Refused
from .options import Options
from .parts import Cell, Part
from .run import Run
from .screen import Screen, show


@magics_class
class WorkersMagics(Magics):  # type: ignore[misc]
    """Cells that run on Dask's workers."""

    @cell_magic
    def workers(self, line: str, body: str) -> Any:
        """Run the cell on Dask's workers."""
        wanted = options.parse(line)
        variables = self.shell.user_ns
        client = targets.client_of(wanted.of, variables)
        values = _values(wanted.values, variables)
        cell = self._cell(line, body)
        source.check(cell)
        run = self._begin(client, cell, wanted, values)
        if wanted.background:
            return self._leave(run, wanted.into)
        return self._wait(run, wanted.into)

    def _cell(self, line: str, body: str) -> Cell:
        """Registered with IPython, so that its own tracebacks show the cell, too."""
        number = _number(self.shell)
        filename = self.shell.compile.cache(f"%%workers {line}\n{body}", number)
        return Cell(f"cell-{uuid.uuid4().hex}", f"Cell In[{number}]", filename, f"\n{body}")

    def _begin(self, client: Client, cell: Cell, wanted: Options, values: dict[str, Any]) -> Run:
        if wanted.each:
            rows = table.rows(wanted.each, self.shell.user_ns)
            parts = [Part(index, row) for index, row in enumerate(rows)]
            run, on = Run(client, cell, parts, "each"), None
        else:
            on = _targets(client, wanted)
            parts = [Part(index) for index in range(len(on))]
            run = Run(client, cell, parts, "one" if wanted.one else "all")
        run.begin(on, _sent(client, values, on))
        return run

    def _leave(self, run: Run, into: str | None) -> Run | None:
        if into is None:
            # Which is how it is shown.
            return run
        self.shell.user_ns[into] = run
        show(run)
        return None

    def _wait(self, run: Run, into: str | None) -> Any:
        try:
            Screen(hasattr(self.shell, "kernel")).follow(run)
        except KeyboardInterrupt:
            run.cancel()
            print(run)
            raise
        if into is not None:
            self.shell.user_ns[into] = run.values()
        value = run.result()
        if into is not None or value is None:
            return None
        found = value.values() if run.shape == "all" else value if run.shape == "each" else [value]
        return None if all(one is None for one in found) else value


def _number(shell: Any) -> int:
    """The number of the cell that runs. IPython's own counter may be at the next one already."""
    known = getattr(shell.compile, "_filename_map", {})
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_filename in known:
            return int(known[frame.f_code.co_filename])
        frame = frame.f_back
    return int(shell.execution_count)


def _targets(client: Client, wanted: Options) -> dict[str, str]:
    there = targets.workers_of(client)
    if not there:
        raise Refused(
            "No worker is connected yet.",
            "Wait for them: workers.wait(). With --each, rows wait by themselves.",
        )
    if wanted.one:
        # The same one each time: what a cell leaves behind is there.
        return dict([next(iter(there.items()))])
    return targets.chosen(there, wanted.on) if wanted.on else there


def _values(names: list[str], variables: dict[str, Any]) -> dict[str, Any]:
    missing = [name for name in names if name not in variables]
    if missing:
        raise Refused(f"There is no variable “{missing[0]}”.", "Set it in a cell before this one.")
    return {name: variables[name] for name in names}


def _sent(client: Client, values: dict[str, Any], on: dict[str, str] | None) -> dict[str, Any]:
    """The values at the workers, sent once however many rows there are."""
    plain = [name for name, value in values.items() if not isinstance(value, Future)]
    if not plain:
        return values
    if on is None:
        client.wait_for_workers(1)
    places = {"workers": list(on.values())} if on else {}
    futures = client.scatter(
        [values[name] for name in plain], hash=False, broadcast=bool(on), **places
    )
    return {**values, **dict(zip(plain, futures))}


def load_ipython_extension(shell: Any) -> None:
    """For `%load_ext hpcbinder`."""
    shell.register_magics(WorkersMagics)
