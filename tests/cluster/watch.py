"""Follows a launch in the background, as a page does."""

from __future__ import annotations

import threading
from typing import Any

from .person import Person


class Watch:
    """A launch that is followed in the background, as a page does."""

    def __init__(self, person: Person, launch: str):
        self.launch = launch
        self.events: list[dict[str, Any]] = []
        self._person = person
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        for event in self._person.events(self.launch):
            self.events.append(event)

    def saw(self, phase: str) -> bool:
        return any(event["phase"] == phase for event in self.events)

    def said(self, text: str) -> bool:
        return any(text in event["message"] for event in self.events)

    def end(self, seconds: float = 180) -> dict[str, Any]:
        self._thread.join(seconds)
        assert not self._thread.is_alive(), self.events
        return self.events[-1]

    def ready(self, seconds: float = 180) -> str:
        """The server's address, once it is ready; else what was told until it failed."""
        last = self.end(seconds)
        told = [f"{event['message']} {event.get('detail', '')}" for event in self.events]
        assert last["phase"] == "ready", "\n".join(told)
        return str(last["url"])
