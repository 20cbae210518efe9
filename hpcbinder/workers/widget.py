"""Workers in a notebook: what they are, a slider for how many, and a button that ends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipywidgets import HTML, Button, HBox, IntSlider, Layout, VBox

from . import display
from .errors import WorkersError

if TYPE_CHECKING:
    from .workers import Workers

REFRESH_SECONDS = 0.3


class Panel:
    """It is refreshed in the event loop of the workers, so that a busy kernel shows it too, and
    hands what is pressed over to that loop, so that nothing blocks the kernel."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._due = False
        self._setting = False
        self._head, self._nodes = HTML(), HTML()
        self._slider = IntSlider(
            description="Workers", continuous_update=False, layout=Layout(width="24em")
        )
        self._stop = Button(
            description="Stop",
            icon="stop",
            tooltip="End these workers and their jobs",
            layout=Layout(width="6em"),
        )
        self._slider.observe(self._slid, "value")
        self._stop.on_click(self._stopped)
        self._controls = HBox([self._slider, self._stop])
        self.box = VBox([self._head, self._controls, self._nodes])
        self._refresh()

    def changed(self) -> None:
        """There is news. A thousand workers that come at once are shown at once."""
        if not self._due:
            self._due = True
            self._workers.loop.call_later(REFRESH_SECONDS, self._refresh)

    def _refresh(self) -> None:
        self._due = False
        workers = self._workers
        self._head.value = display.head(workers)
        self._nodes.value = display.table(workers)
        crew = workers.crew
        self._setting = True
        most = crew.max_nodes * crew.per_node or 10 * max(crew.per_node, crew.wanted_workers)
        self._slider.max = max(most, crew.wanted_workers)
        self._slider.step = crew.per_node
        self._slider.value = crew.wanted_workers
        self._setting = False
        over = crew.over or workers.status.name in ("closing", "closed")
        self._slider.disabled = self._stop.disabled = over

    def _slid(self, change: dict[str, Any]) -> None:
        if not self._setting:
            self._workers.loop.add_callback(self._scale, change["new"])

    def _stopped(self, _: Button) -> None:
        self._stop.disabled = True
        self._workers.loop.add_callback(self._workers.close)

    async def _scale(self, count: int) -> None:
        try:
            await self._workers.scale(count)
        except WorkersError as error:
            self._workers.remark = str(error)
        self.changed()
