"""Where a notebook or a terminal shows what workers print, and the bars that they draw."""

from __future__ import annotations

import shutil
import sys
from html import escape
from typing import Any

from .parts import CANCELLED
from .run import Run

DRAW_SECONDS = 0.2
TAIL = 20


class Screen:
    """Shows a run from the thread that waits for it: lines as they come, and bars below them."""

    def __init__(self, in_notebook: bool) -> None:
        self._notebook = in_notebook
        self._terminal = not in_notebook and sys.stdout.isatty()
        self._handle: Any = None
        self._drawn = ""
        self._told = 0

    def follow(self, run: Run) -> None:
        """Until it is done."""
        while not run.wait(lambda: run.done, DRAW_SECONDS):
            self._show(run)
        self._show(run)
        self._draw("")

    def _show(self, run: Run) -> None:
        lines = run.printed()
        failed = [done for done in run.errors if done.failure != CANCELLED]
        if lines and self._terminal:
            self._draw("")
        for line in lines:
            print(line, file=sys.stderr if line.stream == "err" else sys.stdout, flush=True)
        if run.shape == "each":
            for done in failed[self._told :]:
                print(f"[{run.who(done.index)}] {done.failure}", file=sys.stderr, flush=True)
        self._told = len(failed)
        self._draw("\n".join(run.bars()))

    def _draw(self, text: str) -> None:
        if text == self._drawn:
            return
        self._drawn = text
        if self._notebook:
            self._in_notebook(text)
        elif self._terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stdout.write(f"\r\x1b[K{text.replace(chr(10), ' | ')[:width]}")
            sys.stdout.flush()

    def _in_notebook(self, text: str) -> None:
        from IPython.display import display

        data = {"text/plain": text}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


def show(run: Run) -> None:
    """Shows a run that goes on in the background, and keeps that up to date in a notebook."""
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    if not hasattr(get_ipython(), "kernel"):
        print(repr(run))
        return
    Watched(run, display(_data(run), raw=True, display_id=True))


class Watched:
    """Updates a display, whatever the kernel does meanwhile."""

    def __init__(self, run: Run, handle: Any) -> None:
        self._run = run
        self._handle = handle
        self._due = False
        run.watchers.append(self.changed)
        self.changed()

    def changed(self) -> None:
        """There is news; much of it is shown together."""
        if not self._due:
            self._due = True
            loop = self._run.client.loop
            loop.add_callback(loop.call_later, DRAW_SECONDS, self._show)

    def _show(self) -> None:
        self._due = False
        self._handle.update(_data(self._run), raw=True)


def _data(run: Run) -> dict[str, str]:
    lines = [str(line) for line in list(run.output)[-TAIL:]] + run.bars()
    lines += [f"[{run.who(done.index)}] {done.failure}" for done in run.errors[-TAIL:]]
    done, total = run.progress
    text = "\n".join(lines)
    return {
        "text/plain": "\n".join([repr(run), *lines]),
        "text/html": f"<div>{escape(repr(run))} <progress value='{done}' max='{total}'></progress>"
        f"</div><pre>{escape(text)}</pre>",
    }
