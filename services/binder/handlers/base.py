"""What all handlers share: who asks, what they may, and how errors look."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from jupyterhub.services.auth import HubOAuthenticated, UserNotAllowed
from pydantic import BaseModel, ValidationError
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from hpcbinderhub.errors import NotAllowed, NotFound, Unavailable, UserError
from hpcbinderhub.events import Event

if TYPE_CHECKING:
    from ..app import Services

Model = TypeVar("Model", bound=BaseModel)

KEEP_ALIVE_SECONDS = 25
BUILD_SCOPE = "custom:hpcbinderhub:build"
LAUNCH_SCOPE = "custom:hpcbinderhub:launch"
CONTENT_SCOPE = "custom:hpcbinderhub:content"


class BaseHandler(RequestHandler):
    """Any handler of the service."""

    @property
    def services(self) -> Services:
        """The library."""
        services: Services = self.settings["services"]
        return services

    def set_default_headers(self) -> None:
        """Nobody frames us, nobody guesses types, and addresses are not passed on."""
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Content-Security-Policy", "frame-ancestors 'none'")

    def parse(self, model: type[Model]) -> Model:
        """The request's body as a model."""
        try:
            return model.model_validate_json(self.request.body or b"{}")
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "the request"
            raise UserError(
                f"{field}: {first['msg']}.", "Correct the field and try again."
            ) from error

    def answer(self, value: Any, status: int = 200) -> None:
        """JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(value))

    def error_of(self, status: int, exception: BaseException | None) -> tuple[int, dict[str, str]]:
        """The status and the three texts of an error."""
        if isinstance(exception, UserError):
            return exception.status, exception.as_dict()
        if isinstance(exception, Unavailable):
            return 503, UserError(str(exception), "Try again in a minute.").as_dict()
        known = {
            403: ("You may not do this.", "Log in, or ask for a token with the right scope."),
            404: ("There is nothing at this address.", "Start again from the launch page."),
            405: ("This address does not take this kind of request.", "See the API's description."),
        }
        message, advice = known.get(
            status,
            ("Something went wrong on our side.", "Try again; if it goes on, tell your help desk."),
        )
        return status, UserError(message, advice).as_dict()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """JSON with the three texts, never a bare page."""
        exception = kwargs.get("exc_info", (None, None, None))[1]
        status, texts = self.error_of(status_code, exception)
        self.answer(texts, status)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """What a user can cause is no defect of ours."""
        if not isinstance(value, (UserError, Unavailable)):
            super().log_exception(typ, value, tb)


class UserHandler(HubOAuthenticated, BaseHandler):  # type: ignore[misc]
    """A handler for a user of the hub, by cookie or by token."""

    async def prepare(self) -> None:
        """Ask the hub who this is, without blocking."""
        model = await self.hub_auth.get_user(self, sync=False)
        self._hub_auth_user_cache = None
        if model:
            try:
                self._hub_auth_user_cache = self.check_hub_user(model)
            except UserNotAllowed:
                raise HTTPError(403) from None

    def require(self, scope: str) -> str:
        """The name of the user, who must hold the scope."""
        model = self.current_user
        if not model:
            raise HTTPError(403)
        if model.get("kind") != "user" or not self.hub_auth.check_scopes({scope}, model):
            raise NotAllowed(
                f"This needs the scope {scope}.", "Ask for a token that holds it, or for the role."
            )
        return str(model["name"])

    @property
    def groups(self) -> list[str]:
        """The hub groups of the user."""
        return list(self.current_user.get("groups", []))


class EventStreamHandler(UserHandler):
    """Server-sent events. A client that reconnects says the last number it saw."""

    def last_seen(self) -> int:
        """The number to go on after: from the header that clients send, or from `?since=`."""
        text = self.request.headers.get("Last-Event-ID") or self.get_query_argument("since", "0")
        return int(text) if text.isdigit() else 0

    def begin_stream(self) -> None:
        """The headers; nginx and others must not hold events back."""
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Accel-Buffering", "no")

    async def send(self, event: Event | None) -> bool:
        """One event, or a sign of life; False when the client has left."""
        text = f"id: {event.number}\ndata: {json.dumps(event.as_dict())}\n\n" if event else ":\n\n"
        try:
            self.write(text)
            await self.flush()
        except StreamClosedError:
            return False
        return True


def server_url(hub_base_url: str, user: str, server: str) -> str:
    """Where the hub's proxy shows a user's server."""
    base = hub_base_url.removesuffix("hub/")
    return f"{base}user/{quote(user, safe='')}/{quote(server, safe='')}/"


def found(value: Model | Any | None, what: str) -> Any:
    """The value, or a 404 that says what is missing."""
    if value is None:
        raise NotFound(f"There is no such {what}.", "It may have been removed; launch again.")
    return value
