"""What is seen of workers: one line, some lines, and a table for a notebook."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from .crew import Crew, Node, Profile
from .places import VARIABLE

if TYPE_CHECKING:
    from .workers import Workers

STATES = {
    "submitting": "is being submitted",
    "pending": "pending",
    "running": "running",
    "ending": "ending",
    "ended": "ended",
    "unknown": "not known just now",
}
ORDER = {state: place for place, state in enumerate(("unknown", "ending", "pending", "submitting"))}
ORDER |= {"running": 5, "ended": 6}
MOST_NODES = 40


def summary(workers: Workers) -> str:
    """One line: `40 asked for, 32 connected, 8 pending (Priority), expected at 14:05`."""
    crew = workers.crew
    if crew.over:
        return crew.words or "closed"
    parts = [f"{crew.wanted_workers} asked for", f"{connected(workers)} connected"]
    waiting = [node for node in crew.nodes if node.waiting]
    if waiting:
        parts.append(f"{_count(crew, waiting)} pending" + _why(waiting))
    lost = [node for node in crew.nodes if node.lost]
    if lost:
        parts.append(f"{_count(crew, lost)} lost")
    if workers.limits:
        parts.append("as many as the work needs, {} to {:g}".format(*workers.limits))
    return ", ".join(parts)


def text(workers: Workers) -> str:
    """For a terminal: the summary, then each node."""
    lines = [f"{workers.name}: {summary(workers)}", *_remarks(workers)]
    nodes, more = _some(workers.crew)
    lines += [f"  {node.id:<12} {node.node:<12} {of_node(node)}" for node in nodes]
    return "\n".join(lines + ([f"  {more}"] if more else []))


def html(workers: Workers) -> str:
    """For a notebook without widgets, and for one that is looked at later."""
    return head(workers) + table(workers)


def head(workers: Workers) -> str:
    """What is most important, and how much of what was asked for is there."""
    crew = workers.crew
    shown = "" if crew.over else _link(workers.dashboard_link)
    remarks = "".join(
        f"<div style='white-space:pre-wrap'>{escape(remark)}</div>" for remark in _remarks(workers)
    )
    return (
        f"<div><b>{escape(workers.name)}</b> {escape(crew.title)}{shown}<br>"
        f"{escape(summary(workers))}</div>{_bar(workers)}{remarks}"
    )


def _link(address: str) -> str:
    # JupyterLab gives links in widgets the colour of text.
    style = "color:var(--jp-content-link-color, #1565c0);text-decoration:underline"
    shown = f" · <a href='{escape(address)}' target='_blank' style='{style}'>Dashboard</a>"
    return shown if address else ""


def table(workers: Workers) -> str:
    """Every node with its state; what needs a look comes first."""
    nodes, more = _some(workers.crew)
    rows = "".join(
        f"<tr><td>{escape(node.id)}</td><td>{escape(node.node)}</td><td>{node.workers or ''}</td>"
        f"<td style='text-align:left'>{escape(of_node(node))}</td></tr>"
        for node in nodes
    )
    if not rows:
        return ""
    return (
        f"<details><summary>{_nodes(len(workers.crew.nodes))}</summary><table><tr><th>Job</th>"
        f"<th>Node</th><th>Workers</th><th>State</th></tr>{rows}</table>{more}</details>"
    )


def of_node(node: Node) -> str:
    """One node's state, with the reason and the times that are known."""
    parts = ["lost" if node.lost else STATES.get(node.state, node.state)]
    if node.waiting and node.expected_start:
        parts.append(f"expected at {clock(node.expected_start)}")
    if node.state == "running" and node.ends:
        parts.append(f"until {clock(node.ends)}")
    if node.state == "running" and not node.claimed:
        parts.append("starting")
    known = "", f"Running on {node.node}."
    return ", ".join(parts) + (f" ({node.words})" if node.words not in known else "")


def connected(workers: Workers) -> int:
    """How many have a scheduler."""
    return len(workers.scheduler_info.get("workers", {}))


def clock(moment: float) -> str:
    """As the user's clock shows it; with the day if it is not today."""
    local, today = time.localtime(moment), time.localtime()
    return time.strftime("%H:%M" if local[:3] == today[:3] else "%a %d %b %H:%M", local)


def dashboard_link(name: str) -> str:
    """The address below which our server extension shows it."""
    if VARIABLE not in os.environ:
        return ""
    base = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/").rstrip("/")
    return f"{base}/hpcbinder/workers/{name}/dashboard/status"


def _remarks(workers: Workers) -> list[str]:
    crew, found = workers.crew, [workers.remark] if workers.remark else []
    if workers.silent:
        found.append(f"{workers.silent} What is shown may be old.")
    if not crew.over and (crew.advice or crew.detail):
        found += [part for part in (crew.words, crew.advice, crew.detail) if part]
    if crew.over:
        found += [part for part in (crew.advice, crew.detail) if part]
    return found


def _some(crew: Crew) -> tuple[list[Node], str]:
    """As many nodes as one reads, those that do not simply run before others; and how many more."""
    nodes = sorted(crew.nodes, key=lambda node: (not node.lost, ORDER.get(node.state, 9)))
    rest = len(nodes) - MOST_NODES
    return nodes[:MOST_NODES], f"and {rest} more" if rest > 0 else ""


def _bar(workers: Workers) -> str:
    """Connected, pending and lost, as parts of what was asked for."""
    crew = workers.crew
    waiting = _count(crew, (node for node in crew.nodes if node.waiting))
    lost = _count(crew, (node for node in crew.nodes if node.lost))
    parts = ((connected(workers), "#2e7d32"), (waiting, "#f9a825"), (lost, "#c62828"))
    whole = max(crew.wanted_workers, sum(number for number, _ in parts))
    if crew.over or not whole:
        return ""
    filled = "".join(
        f"<span style='background:{colour};width:{100 * number / whole:.1f}%'></span>"
        for number, colour in parts
        if number
    )
    return (
        "<div aria-hidden='true' style='display:flex;height:6px;max-width:30em;margin:4px 0;"
        f"background:#8883'>{filled}</div>"
    )


def _count(crew: Crew, nodes: Iterable[Node]) -> int:
    return sum(node.workers or crew.per_node for node in nodes)


def _why(waiting: list[Node]) -> str:
    """The reason and the time of the node that is to start first."""
    expected = [node for node in waiting if node.expected_start]
    first = min(expected, key=lambda node: node.expected_start) if expected else waiting[0]
    reason = f" ({first.words.rstrip('.')})" if first.words else ""
    when = f", expected at {clock(first.expected_start)}" if first.expected_start else ""
    return reason + when


class Listed(list):  # type: ignore[type-arg]
    """Crews, one a line."""

    def __repr__(self) -> str:
        return "\n".join(_listed(crew) for crew in self) or "no workers"


class Offered(list):  # type: ignore[type-arg]
    """Profiles, one a line."""

    def __repr__(self) -> str:
        return "\n".join(_offered(profile) for profile in self) or "no profiles for workers"


def _listed(crew: Crew) -> str:
    running = sum(node.state == "running" for node in crew.nodes)
    kept = ", kept" if crew.keep else ""
    return (
        f"{crew.name}: {crew.wanted_workers} workers asked for, {running} of "
        f"{_nodes(crew.wanted_nodes)} running{kept} ({crew.title or crew.profile})"
    )


def _offered(profile: Profile) -> str:
    has = [
        f"{profile.cpus} CPUs" if profile.cpus else "",
        f"{profile.gpus} GPUs" * (profile.gpus > 0),
    ]
    has += [f"{profile.memory_mb / 1024:g} GB" if profile.memory_mb else ""]
    each = ", ".join(part for part in has if part)
    most = _nodes(profile.max_nodes)
    return f"{profile.name}: {profile.title}, at most {most} ({each} each)"


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"
