"""The numbers at `/metrics`; `docs/metrics.md` says of each what it counts.

Builds and launches are counted when somebody scrapes, from their records since the last scrape.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from tornado.web import RequestHandler

from hpcbinderhub.builds.records import OUTDATED
from hpcbinderhub.builds.request import Cause
from hpcbinderhub.database import Database
from hpcbinderhub.statistics import (
    EndedBuild,
    EndedLaunch,
    ended_builds,
    ended_launches,
    live_launches,
    queue_length,
)

BUILD_BUCKETS = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600)
LAUNCH_BUCKETS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 14400)
CAUSES = frozenset((*get_args(Cause), "worker-lost", OUTDATED))
OVERLAP_SECONDS = 60.0
"""Two builds that end at once may be recorded in the other order; so look back this far."""


class Metrics:
    """One registry, for one service."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time):
        self._database = database
        self._clock = clock
        self._since = clock()
        self._counted: dict[str, float] = {}
        self.registry = registry = CollectorRegistry()
        self._builds = Counter(
            "hpcbinderhub_builds", "Builds that ended.", ["result", "cause"], registry=registry
        )
        self._phase_seconds = Histogram(
            "hpcbinderhub_build_phase_seconds",
            "How long a phase of a build took.",
            ["phase"],
            buckets=BUILD_BUCKETS,
            registry=registry,
        )
        self._queue = Gauge(
            "hpcbinderhub_queue_builds", "Builds that wait or run.", ["state"], registry=registry
        )
        self._launches = Counter(
            "hpcbinderhub_launches",
            "Launches that ended.",
            ["result", "profile"],
            registry=registry,
        )
        self._ready_seconds = Histogram(
            "hpcbinderhub_launch_ready_seconds",
            "From the click to a server that answers, time in Slurm's queue included.",
            ["profile"],
            buckets=LAUNCH_BUCKETS,
            registry=registry,
        )
        self._live = Gauge(
            "hpcbinderhub_live_launches", "Launches on their way.", ["state"], registry=registry
        )
        self.watchers = Gauge(
            "hpcbinderhub_event_streams", "Event streams that are open.", registry=registry
        )
        self._requests = Counter(
            "hpcbinderhub_http_requests",
            "Answered HTTP requests.",
            ["handler", "method", "status"],
            registry=registry,
        )

    def answered(self, handler: RequestHandler) -> None:
        """Count a request that is over."""
        known = handler.request.method in RequestHandler.SUPPORTED_METHODS
        self._requests.labels(
            type(handler).__name__,
            handler.request.method if known else "other",
            handler.get_status(),
        ).inc()

    async def text(self) -> bytes:
        """All numbers as of now, in Prometheus's text format."""
        self._set(self._queue, await self._database.run(queue_length))
        self._set(self._live, await self._database.run(live_launches))
        now, since = self._clock(), self._since
        builds = await self._database.run(ended_builds, since)
        launches = await self._database.run(ended_launches, since)
        for build in builds:
            if self._new(f"build:{build.id}", build.at):
                self._count_build(build)
        for launch in launches:
            if self._new(f"launch:{launch.id}", launch.at):
                self._count_launch(launch)
        self._since = max(since, now - OVERLAP_SECONDS)
        self._counted = {key: at for key, at in self._counted.items() if at >= self._since}
        return generate_latest(self.registry)

    def _new(self, key: str, at: float) -> bool:
        seen = key in self._counted
        self._counted[key] = at
        return not seen

    def _count_build(self, build: EndedBuild) -> None:
        # The word comes from a builder, which is not trusted: only known ones become labels.
        cause = build.cause if build.cause in CAUSES or not build.cause else "other"
        self._builds.labels(build.result, cause).inc()
        for phase, seconds in build.phases.items():
            self._phase_seconds.labels(phase).observe(seconds)

    def _count_launch(self, launch: EndedLaunch) -> None:
        self._launches.labels(launch.result, launch.profile).inc()
        if launch.result == "ready":
            self._ready_seconds.labels(launch.profile).observe(launch.seconds)

    def _set(self, gauge: Gauge, values: dict[str, int]) -> None:
        for state, number in values.items():
            gauge.labels(state).set(number)
