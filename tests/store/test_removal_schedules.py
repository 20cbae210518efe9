"""Random schedules of launches, a collector and a worker: no launch counts on a file that goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import Connection, create_engine

from hpcbinderhub.builds import claims, lookups, orders
from hpcbinderhub.builds.queue import NO_LIMITS
from hpcbinderhub.builds.records import Order
from hpcbinderhub.launches import records
from hpcbinderhub.launches.records import State
from hpcbinderhub.store import removals
from hpcbinderhub.store.catalogue import _known, _read
from hpcbinderhub.store.plan import removable
from hpcbinderhub.store.uses import used_by_launches
from hpcbinderhub.tables import metadata

KEYS = st.sampled_from(["red", "green"])
GRACE = 100.0
REQUEST = {
    "user": "alice", "server": "s", "spec": "", "repo_url": "", "ref": "", "profile": "p",
    "open": "", "start_when_ready": False, "workspace": "s",
}  # fmt: skip
COUNTS_ON_ITS_IMAGE = (State.BUILT, State.STARTING, State.READY)
STEPS = {
    State.RESOLVING: [State.BUILT],
    State.BUILDING: [State.BUILT],
    State.BUILT: [State.STARTING, State.PARKED],
    State.PARKED: [State.STARTING],
    State.STARTING: [State.READY],
    # Its server is stopped.
    State.READY: [State.CANCELLED],
}


def read_uses(connection: Connection, since: float) -> set[str]:
    return set(connection.execute(used_by_launches(since)).scalars())


class Schedule(RuleBasedStateMachine):
    """The tables beside the files of the store. Each rule is a step that others may come between,
    as they do in the service: a launch looks up its image and later takes it, the collector reads
    the images, then who uses them, and then gives them up one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://")
        metadata.create_all(self.engine)
        self.now = 1000.0
        self.numbers = count()
        self.files: set[str] = set()
        self.looked_up: dict[str, str] = {}
        self.collector = self.collecting()

    def teardown(self) -> None:
        self.engine.dispose()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self.now += 1
        with self.engine.begin() as connection:
            return function(connection, *arguments)

    def ask(self, key: str) -> Any:
        return self.call(orders.find_or_add, Order(key, "", "", "0" * 40), NO_LIMITS, self.now)

    def in_state(self, *states: State) -> list[records.Launch]:
        return list(self.call(records._in_states, states))

    def change(self, launch: records.Launch, **values: Any) -> None:
        self.call(records._change, launch.id, launch.state, values | {"changed": self.now})

    # -- launches --------------------------------------------------------------------------------

    @rule(key=KEYS)
    def click(self, key: str) -> None:
        """Somebody launches: the image is there, or a build is asked for."""
        number = next(self.numbers)
        launch = self.call(
            records._add,
            REQUEST
            | {"id": f"{number:08}", "state": State.RESOLVING, "server": f"s{number}"}
            | {"created": self.now, "changed": self.now},
        )
        self.resolve(launch, key)

    def resolve(self, launch: records.Launch, key: str) -> None:
        image = self.call(lookups.find_image, key)
        if image:
            self.looked_up[launch.id] = image.artefact
            return
        build = self.ask(key)
        self.change(launch, state=State.BUILDING, build=build.id)

    @rule(key=KEYS)
    def build(self, key: str) -> None:
        """Something is built, whether or not it is there already."""
        self.ask(key)
        build = self.call(claims.claim_next, "worker", self.now, self.now + 1000)
        artefact = f"{next(self.numbers):064}"
        self.files.add(artefact)
        self.call(claims.finish, build.id, "worker", self.now, artefact, 1, None)

    @rule(data=st.data(), steps=st.integers(1, 4))
    def go_on(self, data: st.DataObject, steps: int) -> None:
        """One launch takes its next steps."""
        for launch in self.in_state(*STEPS)[-1:]:
            for _ in range(steps):
                launch = self.call(records._get, launch.id)
                if launch.state in STEPS:
                    self.step(launch, data.draw(st.sampled_from(STEPS[launch.state])))

    def step(self, launch: records.Launch, state: State) -> None:
        if launch.state is State.RESOLVING:
            self.take_or_resolve(launch, self.looked_up[launch.id], state)
        elif launch.state is State.BUILDING:
            build = self.call(lookups.find_build, launch.build)
            image = self.call(lookups.find_image, build.key)
            if build.state == "done":
                self.take_or_resolve(launch, image.artefact if image else "", state)
        elif launch.state is State.PARKED:
            self.take_or_resolve(launch, launch.artefact or "", state)
        else:
            self.change(launch, state=state)

    def take_or_resolve(self, launch: records.Launch, artefact: str, state: State) -> None:
        values = {"state": state, "changed": self.now}
        if not self.call(records._take, launch.id, launch.state, artefact, values):
            self.change(launch, state=State.RESOLVING)
            self.resolve(self.call(records._get, launch.id), "red")

    @rule()
    def wait(self) -> None:
        """Long enough for whoever has stopped not to be waited for."""
        self.now += 2 * GRACE

    # -- the collector and a worker ----------------------------------------------------------------

    @rule(steps=st.integers(1, 4))
    def collect(self, steps: int) -> None:
        """The collector takes its next steps."""
        for _ in range(steps):
            next(self.collector)

    def collecting(self) -> Iterator[None]:
        while True:
            found = self.call(_read, _known())
            yield
            used = self.call(read_uses, self.now - GRACE)
            yield
            used |= {launch.artefact for launch in self.in_state(State.READY)}
            yield
            looked_at = [replace(image, in_use=image.artefact in used) for image in found]
            for image in removable(looked_at, limit=1, wanted_before=self.now):
                self.call(removals.forget_unused, image, self.now - GRACE, self.now)
                yield

    @rule()
    def remove_files(self) -> None:
        gone = self.call(removals.pending)
        self.files -= set(gone)
        self.call(removals.removed, gone)

    # -- what always holds -------------------------------------------------------------------------

    @invariant()
    def no_launch_counts_on_a_file_that_goes(self) -> None:
        going = set(self.call(removals.pending))
        for launch in self.in_state(*COUNTS_ON_ITS_IMAGE):
            assert launch.artefact in self.files - going

    @invariant()
    def every_image_has_its_file(self) -> None:
        going = set(self.call(removals.pending))
        assert {image.artefact for image in self.call(_read, _known())} <= self.files - going


Schedule.TestCase.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, print_blob=True
)
TestSchedule = pytest.mark.slow(Schedule.TestCase)
