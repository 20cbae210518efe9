"""`Workers`: a Dask cluster on other nodes, in the same environment, from one line."""

from __future__ import annotations

import functools
from typing import Any

from dask.utils import parse_timedelta
from distributed.client import Client
from distributed.core import Status
from distributed.utils import Log, Logs

from ..cells.calls import Calls
from . import choice, display
from .asking import end, once
from .cluster import CrewCluster
from .logs import node_logs
from .scaling import Adapt
from .waiting import until_connected
from .wanted import counted, request

IDLE = "30 minutes"


class Workers(Calls, CrewCluster):
    """Dask workers, asked for with one submission.

    `Workers(40)` asks for 40 workers, `Workers(nodes=4)` for as many as four nodes have,
    `Workers.adapt(8, 64)` for as many as the work needs. `profile` is one of the site's (the first
    of `Workers.offer()` if none is named), and `account`, `minutes`, `cpus`, `memory` (of a node),
    `gpus`, `partition`, `qos` are choices within it. `threads` is per worker.

    Workers end with the kernel, and with `keep=True` with the server: a restarted kernel gets
    them by `Workers.attach(name)`. With `replace=True` a node that was lost, or whose time ends, is
    asked for again. When nothing has run for `idle` ("30 minutes"; 0 for never), all of it ends.
    """

    adapt = Adapt()
    _panel: Any = None

    def __init__(
        self,
        workers: int | None = None,
        *,
        nodes: int | None = None,
        name: str | None = None,
        threads: int | None = None,
        keep: bool = False,
        replace: bool = False,
        idle: str | float = IDLE,
        asynchronous: bool = False,
        loop: Any = None,
        quiet: bool = False,
        **choices: Any,
    ) -> None:
        options = {"threads": threads, "keep": keep or None, "replace": replace or None, **choices}
        asked = request(workers, nodes, name, options)
        begin = functools.partial(self._create, asked, float(parse_timedelta(idle, "seconds")))
        self._set_up(asked["name"], begin, asynchronous, loop, quiet)

    @classmethod
    def attach(
        cls, name: str, *, asynchronous: bool = False, loop: Any = None, quiet: bool = False
    ) -> Workers:
        """The workers that another kernel of this server has made with `keep=True`."""
        workers: Workers = object.__new__(cls)
        workers._set_up(name, workers._attach, asynchronous, loop, quiet)
        return workers

    @classmethod
    def list(cls) -> display.Listed:
        """The workers of this server."""
        return display.Listed(once(lambda crews: crews.offer()).crews)

    @classmethod
    def offer(cls) -> display.Offered:
        """The profiles that workers may have."""
        return display.Offered(once(lambda crews: crews.offer()).profiles)

    @classmethod
    def end(cls, name: str) -> None:
        """Close the workers of that name, whether or not their scheduler lives."""
        once(functools.partial(end, name))

    # What a user does with it

    def client(self, **options: Any) -> Client:
        """Dask's client: the one that there is, or a new one."""
        self._check()
        for client in self._clients:
            if client.status in ("running", "connecting", "newly-created") and not options:
                return client
        client = Client(self, asynchronous=self.asynchronous, **options)
        self._clients.add(client)
        return client

    def get_client(self) -> Client:
        """See `client`."""
        return self.client()

    def wait(self, workers: int | None = None, timeout: str | float | None = None) -> Any:
        """Until so many are connected; all that were asked for if no number is given. `NotYet` if
        they are not by then."""
        seconds = None if timeout is None else parse_timedelta(timeout, "seconds")
        return self.sync(until_connected, self, workers, seconds)

    def scale(self, workers: int | None = None, *, nodes: int | None = None) -> Any:
        """Have so many. More are one further submission; of those that are too many, what waits in
        the queue goes first, then what is idle, its results moved elsewhere."""
        self.scaling.stop_adapting()
        self.remark = ""
        self._check()
        if nodes is not None:
            return self.sync(self.scaling.to_nodes, counted("nodes", nodes))
        return self.sync(self.scaling.to_workers, counted("workers", workers))

    def logs(self, **which: Any) -> Any:
        """What was said to the user, by the scheduler, by each worker and by nodes on which there
        is none; see `get_logs`. `cluster`, `scheduler` and `workers` say which of it."""
        return self.get_logs(**which)

    def close(self, timeout: float | None = None) -> Any:
        """End the workers, their jobs and their scheduler."""
        return super().close(timeout)

    # How it is done

    async def _get_logs(
        self, cluster: bool = True, scheduler: bool = True, workers: Any = True
    ) -> Logs:
        alive = self.status == Status.running
        logs: Logs = await super()._get_logs(cluster, scheduler and alive, workers and alive)
        if scheduler and not alive and self._process is not None:
            logs["Scheduler"] = Log(self._process.log())
        if workers is True:
            logs.update(await node_logs(self._crews, self.crew, self.scheduler_info["workers"]))
        return logs

    @property
    def limits(self) -> tuple[int, float] | None:
        """Between which numbers of workers this adapts, if it does."""
        return self.scaling.limits

    @property
    def plan(self) -> set[str]:
        """The workers that shall be."""
        return choice.names(self.crew)

    @property
    def requested(self) -> set[str]:
        """The same: whoever submits answers for it."""
        return self.plan

    # What is seen

    @property
    def dashboard_link(self) -> str:
        """Where a browser sees Dask's dashboard, through the Jupyter server; empty without one."""
        return display.dashboard_link(self.name)

    def _changed(self) -> None:
        super()._changed()
        if self._panel is not None:
            self._panel.changed()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {display.summary(self)}>"

    def __str__(self) -> str:
        return display.text(self)

    def _widget(self) -> Any:
        if self._panel is None:
            try:
                from .widget import Panel
            except ImportError:
                # The table alone, then.
                return None
            self._panel = Panel(self)
        return self._panel.box

    def _repr_html_(self, cluster_status: Any = None) -> str:
        return display.html(self)
