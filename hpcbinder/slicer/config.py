"""What may be set for the slicer: in `jupyter_server_config.py`, or as `--Slicer.seconds=60`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from traitlets import Dict, Float, Integer, Unicode, default
from traitlets.config import Configurable

from .process.client import Bounds
from .process.limits import allowed
from .process.settings import Settings

DATA_ROOTS = "HPCBINDER_DATA_ROOTS"
"""Paths of the site's data, with colons between them: for a hub's `c.Spawner.environment`."""


class Slicer(Configurable):
    """The HDF5 slicer's limits. All of it is for whoever runs the server: files are read as that
    user, who could read them without the slicer as well."""

    roots = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="""Folders that files may be opened in, besides the one that the server was started in.

        Names that users read, and paths. Links that lead out of all of them are refused. Unless
        set, what the variable `HPCBINDER_DATA_ROOTS` of the server's environment names: paths with
        colons between them. `~` and variables in paths are replaced; one that is not absolute lies
        in the server's own folder. Example: `{"scratch": "/scratch/$USER"}`.
        """,
    ).tag(config=True)

    cache_bytes = Integer(
        192 << 20,
        help="""Decoded data that is kept for the next picture, of all files together.

        More lets a slider go back and forth through larger data without reading again.
        Example: `2 * 1024**3` on a node whose memory is the user's alone.
        """,
    ).tag(config=True)

    memory_bytes = Integer(
        2 << 30,
        help="""All the memory that the process that reads files may take, its cache included.

        Never more than half of what the job or the container has, whatever is set here.
        """,
    ).tag(config=True)

    request_bytes = Integer(
        512 << 20,
        help="""The memory that one request may hold while it is worked on; beyond it, it is
        refused (413). Example: `1024**3` where planes of 16k x 16k doubles are looked at whole.
        """,
    ).tag(config=True)

    answer_bytes = Integer(
        128 << 20,
        help="""The longest answer that is sent in one piece. Exports come in parts, and have no
        such limit.""",
    ).tag(config=True)

    waiting_bytes = Integer(
        256 << 20,
        help="""Answers that browsers have not taken yet, together; beyond it, requests are refused
        (429) until they have.""",
    ).tag(config=True)

    waiting_requests = Integer(
        256,
        help="""Requests that are under way at once, those of all pages together; more are refused
        (429).""",
    ).tag(config=True)

    seconds = Float(
        30.0,
        help="""The time for one request, or for one part of an export; then it is given up (504).

        A process that does not even notice that, since a file system does not answer, is ended ten
        seconds later, and another is started.
        """,
    ).tag(config=True)

    stall_seconds = Float(
        30.0,
        help="""A browser that takes nothing of its answer for so long is disconnected.""",
    ).tag(config=True)

    threads = Integer(
        0,
        help="""Threads that read and decode chunks; 0 is one for each processor of the job, and 16
        at most.""",
    ).tag(config=True)

    @default("roots")
    def _roots_of_the_site(self) -> dict[str, str]:
        paths = os.environ.get(DATA_ROOTS, "").split(os.pathsep)
        names = [Path(path).name for path in paths]
        # Two folders of one name are told apart by their paths.
        return {
            name if names.count(name) == 1 else path: path
            for name, path in zip(names, paths)
            if path
        }

    def settings(self, root: str) -> Settings:
        """What the reading process is told; `root` is the server's own folder."""
        memory = allowed(self.memory_bytes)
        threads = self.threads or min(16, processors())
        return Settings(
            roots=(("files", root), *self._others(root)),
            # A cache that fills all memory would leave none to make pictures with.
            cache_bytes=min(self.cache_bytes, memory // 2),
            memory_bytes=memory,
            request_bytes=min(self.request_bytes, memory // 2),
            answer_bytes=self.answer_bytes,
            seconds=self.seconds,
            requests=max(4, min(8, threads)),
            decoders=threads,
        )

    def _others(self, root: str) -> Iterator[tuple[str, str]]:
        """The other roots. What comes to nothing is none, and not the folder that it would be
        taken for."""
        for name, path in self.roots.items():
            folder = os.path.expanduser(os.path.expandvars(path)).strip()
            if folder:
                yield name, os.path.join(root, folder)

    def bounds(self) -> Bounds:
        """What may be under way at once."""
        return Bounds(self.waiting_requests, self.waiting_bytes)


def processors() -> int:
    """Those of the job, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
