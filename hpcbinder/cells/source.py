"""Compiling and running a cell, and telling its tracebacks as the notebook would."""

from __future__ import annotations

import ast
import linecache
import traceback
from typing import Any

from .parts import Cell, Failure

_labels: dict[str, str] = {}
"""What the cells are called whose functions a traceback may lead through, by their file names."""


def check(cell: Cell) -> None:
    """A cell that is no Python is refused where it was written."""
    _compiled(ast.parse(cell.source, cell.filename), cell.filename, "exec")


def execute(cell: Cell, namespace: dict[str, Any]) -> Any:
    """Run it; the value of its last line, if that is an expression."""
    _remember(cell)
    tree = ast.parse(cell.source, cell.filename)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(_compiled(tree, cell.filename, "exec"), namespace)
        return None
    before = ast.Module(tree.body[:-1], tree.type_ignores)
    exec(_compiled(before, cell.filename, "exec"), namespace)
    return eval(_compiled(ast.Expression(last.value), cell.filename, "eval"), namespace)


def failure(cell: Cell, error: BaseException) -> Failure:
    """The exception as text, from the cell's own frame on."""
    found = frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != cell.filename:
        frame = frame.tb_next
    told = traceback.TracebackException(type(error), error, frame or found)
    text = "".join(told.format())
    for filename, label in _labels.items():
        text = text.replace(f'  File "{filename}", line', f"  {label}, line")
    return Failure(type(error).__name__, str(error), text.rstrip())


def _compiled(tree: ast.AST, filename: str, mode: str) -> Any:
    # What this module imports from the future is not meant for others' code.
    return compile(tree, filename, mode, dont_inherit=True)  # type: ignore[call-overload]


def _remember(cell: Cell) -> None:
    """Its lines are looked up by `traceback`, `inspect` and whatever else shows code."""
    _labels[cell.filename] = cell.label
    lines = cell.source.splitlines(keepends=True)
    linecache.cache[cell.filename] = (len(cell.source), None, lines, cell.filename)
