"""IPython as a notebook's user has it."""

from __future__ import annotations

import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


class Ran(NamedTuple):
    """What became of a cell."""

    printed: str
    value: Any
    error: BaseException | None


class Notebook:
    """A shell that runs one cell after the other."""

    def __init__(self, folder: Path) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "nocolor"
        config.InteractiveShell.ipython_dir = str(folder / ".ipython")
        self._main = sys.modules["__main__"]
        self.shell = InteractiveShell.instance(config=config)
        self.shell.execution_count = 1

    def run(self, cell: str) -> Ran:
        """Run a cell; what it printed, its traceback included."""
        printed = StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            result = self.shell.run_cell(cell, store_history=True)
        return Ran(
            printed.getvalue(), result.result, result.error_before_exec or result.error_in_exec
        )

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.shell.user_ns[name] = value

    def end(self) -> None:
        """So that the next has nothing of this one."""
        self.shell.reset(new_session=False)
        InteractiveShell.clear_instance()
        # It had put its own in the place.
        sys.modules["__main__"] = self._main
