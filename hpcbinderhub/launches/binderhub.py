"""Our events in BinderHub's words, for its clients.

BinderHub's messages end with a line break, since its clients write them to a terminal as they are.
Its event has one text for an error; ours has three, so they become lines of that one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin

from ..errors import UserError
from ..events import Event
from ..repos.identifiers import page_of
from ..repos.spec import parse_link
from .records import Launch
from .story import Told


@dataclass(frozen=True)
class Address:
    """Where the service is, as the caller reached it."""

    origin: str
    """Scheme and host: `https://hub.example.org`."""
    prefix: str
    """The service's path: `/services/binder/`."""

    @property
    def launch_host(self) -> str:
        """What a `v2/…` request is appended to."""
        return self.origin + self.prefix


def of_launch(told: Told, launch: Launch, address: Address) -> dict[str, Any]:
    """One event of a launch's story."""
    event, phase = told.event, told.event.phase
    if told.of_build:
        return _event(phase, event.message)
    if phase == "failed":
        return failed(
            UserError(
                event.message,
                event.data.get("advice", ""),
                detail=event.data.get("detail", ""),
                status=event.data.get("status", 400),
            )
        )
    if phase == "parked":
        page = f"{address.launch_host}launches/{launch.id}"
        return _event("waiting", f"{event.message} Go on at {page}.")
    if phase == "building":
        # Here the launch begins to wait for its build, which tells by itself when it starts.
        return _event("waiting", event.message)
    if phase == "built":
        return built(event.message, told.facts["artefact"])
    if phase == "ready":
        return _ready(told, launch, address)
    return _event(phase, event.message)


def of_build(event: Event, artefact: str | None) -> dict[str, Any]:
    """One event of a build that nobody launches. `artefact` is known once it is built."""
    if event.phase == "failed":
        lines = "\n".join(event.data.get("lines", []))
        return failed(UserError(event.message, event.data.get("advice", ""), detail=lines))
    if event.phase == "built" and artefact:
        return built(event.message, artefact)
    return _event(event.phase, event.message)


def built(message: str, artefact: str) -> dict[str, Any]:
    """The image is there."""
    return _event("built", message, imageName=image_name(artefact))


def failed(error: UserError) -> dict[str, Any]:
    """An error, as the last event of a stream."""
    return _event("failed", error.as_text(), status_code=error.status)


def image_name(artefact: str) -> str:
    """An artefact's name to the outside: what it is, not where it lies."""
    return f"sha256:{artefact}"


def _ready(told: Told, launch: Launch, address: Address) -> dict[str, Any]:
    commit = told.facts["commit"]
    url = urljoin(address.origin, told.facts["url"])
    provider, _, spec = launch.spec.partition("/")
    exact = replace(parse_link(provider, spec), ref=commit)
    return _event(
        "ready",
        f"server running at {url}",
        url=url,
        # A server here asks JupyterHub who comes, so there is no token to hand out.
        token="",
        image=image_name(told.facts["artefact"]),
        repo_url=launch.repo_url,
        binder_ref_url=page_of(launch.repo_url, commit),
        binder_launch_host=address.launch_host,
        binder_request=f"v2/{launch.spec}",
        binder_persistent_request=f"v2/{exact.path}",
    )


def _event(phase: str, message: str, **more: Any) -> dict[str, Any]:
    return {"phase": phase, "message": message.rstrip("\n") + "\n", **more}
