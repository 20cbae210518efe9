"""What all handlers share: who asks, what they may, and how errors look."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from jupyterhub.services.auth import HubOAuthenticated, UserNotAllowed
from pydantic import BaseModel, ValidationError
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from hpcbinderhub.errors import (
    NotAllowed,
    NotFound,
    TooManyRequests,
    Unavailable,
    UserError,
    defect,
)
from hpcbinderhub.profiles import Profile
from hpcbinderhub.ratelimit import RateLimiter
from hpcbinderhub.repos.spec import RepoSpec, parse_link

from ..origins import cors_headers, is_foreign

if TYPE_CHECKING:
    from ..services import Services

Model = TypeVar("Model", bound=BaseModel)

BUILD_SCOPE = "custom:hpcbinderhub:build"
LAUNCH_SCOPE = "custom:hpcbinderhub:launch"
ADMIN_SCOPE = "custom:hpcbinderhub:admin"
CONTENT_SCOPE = "custom:hpcbinderhub:content"
CREWS_SCOPE = "custom:hpcbinderhub:crews"

CHUNK = 1 << 20


class BaseHandler(RequestHandler):
    """Any handler of the service."""

    def __init__(self, application: Any, request: Any, **kwargs: Any):
        super().__init__(application, request, **kwargs)
        self.services.farewell.arrived()

    def on_finish(self) -> None:
        """The service may stop, as far as this request is concerned."""
        self.services.farewell.departed()

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
        origin = self.request.headers.get("Origin", "")
        for name, value in cors_headers(origin, self.services.site.api_origins).items():
            self.set_header(name, value)

    def options(self, *_: str) -> None:
        """What a browser asks before another origin's page may call us. It starts nothing."""
        self.set_status(204)

    def parse(self, model: type[Model]) -> Model:
        """The request's body as a model."""
        return self._checked(lambda: model.model_validate_json(self.request.body or b"{}"))

    def query(self, model: type[Model]) -> Model:
        """The query as a model; the last of several values with one name counts."""
        given = {name: self.get_query_arguments(name) for name in model.model_fields}
        values = {name: found[-1] for name, found in given.items() if found}
        return self._checked(lambda: model.model_validate(values))

    def _checked(self, make: Callable[[], Model]) -> Model:
        try:
            return make()
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
        self.finish(json.dumps(value, default=_plain))

    async def send_files(self, *paths: Path) -> None:
        """Files as if they were one, however large, without keeping others waiting; or the rest,
        for whom the beginning has reached already."""
        sizes = [(await asyncio.to_thread(path.stat)).st_size for path in paths]
        begin = self._begin(sum(sizes))
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Length", str(sum(sizes) - begin))
        for path, size in zip(paths, sizes, strict=True):
            if begin < size:
                await self._send(path, begin, size)
            begin = max(begin - size, 0)

    def _begin(self, whole: int) -> int:
        """Where a client goes on that had so many bytes before its connection broke."""
        asked = re.fullmatch(r"bytes=([0-9]{1,18})-", self.request.headers.get("Range", ""))
        begin = int(asked[1]) if asked else 0
        if not 0 < begin < whole:
            return 0
        self.set_status(206)
        self.set_header("Content-Range", f"bytes {begin}-{whole - 1}/{whole}")
        return begin

    async def _send(self, path: Path, begin: int, end: int) -> None:
        with await asyncio.to_thread(path.open, "rb") as file:
            file.seek(begin)
            while begin < end and (chunk := await asyncio.to_thread(file.read, CHUNK)):
                begin += len(chunk)
                self.write(chunk)
                await self.flush()

    def error_of(self, status: int, exception: BaseException | None) -> tuple[int, dict[str, str]]:
        """The status and the three texts of an error."""
        if isinstance(exception, UserError):
            return exception.status, exception.as_dict()
        if isinstance(exception, Unavailable):
            return 503, UserError(str(exception), "Try again in a minute.").as_dict()
        known = {
            400: ("This request cannot be understood.", "Correct its address or its content."),
            403: ("You may not do this.", "Log in, or ask for a token with the right scope."),
            404: ("There is nothing at this address.", "Start again from the launch page."),
            405: ("This address does not take this kind of request.", "See the API's description."),
        }
        error = UserError(*known[status]) if status in known else defect()
        return status, error.as_dict()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """JSON with the three texts, never a bare page."""
        exception = kwargs.get("exc_info", (None, None, None))[1]
        status, texts = self.error_of(status_code, exception)
        self.say_when(exception)
        self.answer(texts, status)

    def say_when(self, exception: BaseException | None) -> None:
        """When to try again, if that is known."""
        if isinstance(exception, TooManyRequests):
            self.set_header("Retry-After", str(exception.retry_after))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """What a user can cause is no defect of ours."""
        if not isinstance(value, (UserError, Unavailable)):
            super().log_exception(typ, value, tb)


class UserHandler(HubOAuthenticated, BaseHandler):  # type: ignore[misc]
    """A handler for a user of the hub, by cookie or by token."""

    async def prepare(self) -> None:
        """Ask the hub who this is, without blocking."""
        if self.request.method == "OPTIONS":
            return
        model = await self.hub_auth.get_user(self, sync=False)
        self._hub_auth_user_cache = None
        if model:
            try:
                self._hub_auth_user_cache = self.check_hub_user(model)
            except UserNotAllowed:
                raise HTTPError(403) from None
            if not self.by_token and self.from_elsewhere:
                raise NotAllowed(
                    "Pages of another origin cannot use your log-in here.",
                    "Such a page needs a token, and to be among this site's `api_origins`.",
                )

    def get_current_user(self) -> Any:
        """Who `prepare` found this to be. Where it could not ask, an error's page asks nobody."""
        return getattr(self, "_hub_auth_user_cache", None)

    @property
    def by_token(self) -> bool:
        """Whether the request itself brought a token, which no link or image tag can."""
        return bool(getattr(self, "_token_authenticated", False))

    @property
    def from_elsewhere(self) -> bool:
        """Whether a page of another origin sent this. Following a link names no origin."""
        return is_foreign(
            self.request.headers.get("Origin", ""),
            f"{self.request.protocol}://{self.request.host}",
            self.services.site.public_url,
        )

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
    def is_admin(self) -> bool:
        """Whether the caller looks after everybody's builds."""
        user = self.current_user
        return bool(user and self.hub_auth.check_scopes({ADMIN_SCOPE}, user))

    @property
    def sees(self) -> str | None:
        """As whom the caller looks at builds; None sees everybody's."""
        return None if self.is_admin else str(self.current_user["name"])

    def count(self, user: str, limiter: RateLimiter | None = None) -> None:
        """Count a request for a build or a launch, or what else there is a limiter for;
        TooManyRequests beyond the site's limit."""
        allowance = (limiter or self.services.limiter).take(user)
        if allowance:
            self.set_header("X-RateLimit-Limit", str(allowance.limit))
            self.set_header("X-RateLimit-Remaining", str(allowance.remaining))
            self.set_header("X-RateLimit-Reset", str(allowance.reset_in))

    @property
    def groups(self) -> list[str]:
        """The hub groups of the user."""
        return list(self.current_user.get("groups", []))

    def offered(self) -> list[Profile]:
        """The profiles that the user may choose from."""
        return [p for p in self.services.site.profiles if p.visible_to(self.groups)]

    def linked(self) -> RepoSpec:
        """The repository that `…/PROVIDER/SPEC` names. The spec is taken as the address has it:
        Tornado would decode the slashes of an address in it."""
        path = self.request.path.removeprefix(self.settings["prefix"])
        _, provider, spec = path.split("/", 2)
        return parse_link(provider, spec)


class EventStreamHandler(UserHandler):
    """Server-sent events. A client that reconnects says the last number it saw."""

    def initialize(self) -> None:
        """`left` is set when the client has gone; `sent_at` is when it was told something last."""
        self.left = asyncio.Event()
        self.sent_at = asyncio.get_running_loop().time()

    def on_connection_close(self) -> None:
        """The client has gone."""
        self.left.set()

    def last_seen(self) -> int:
        """The number to go on after: from the header that clients send, or from `?since=`."""
        text = self.request.headers.get("Last-Event-ID") or self.get_query_argument("since", "0")
        return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0

    def begin_stream(self) -> None:
        """The headers; nginx and others must not hold events back."""
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Accel-Buffering", "no")

    def was_over(self) -> None:
        """Nothing was left to tell, and this is how a client is told not to come back."""
        self.set_status(204)
        self.clear_header("Content-Type")

    async def send(self, text: str) -> bool:
        """An event as text; False when the client has left."""
        try:
            await self.send_soon(text)
        except StreamClosedError:
            return False
        return True

    def send_soon(self, text: str) -> asyncio.Future[None]:
        """An event as text, or a comment as a sign of life, without waiting until it is sent."""
        self.sent_at = asyncio.get_running_loop().time()
        self.write(text)
        return self.flush()


def _plain(model: BaseModel) -> Any:
    return model.model_dump(mode="json")


def server_url(hub_base_url: str, user: str, server: str) -> str:
    """Where the hub's proxy shows a user's server."""
    base = f"{hub_base_url.removesuffix('hub/')}user/{quote(user, safe='')}/"
    return f"{base}{quote(server, safe='')}/" if server else base


def found(value: Model | Any | None, what: str) -> Any:
    """The value, or a 404 that says what is missing."""
    if value is None:
        raise NotFound(f"There is no such {what}.", "It may have been removed; launch again.")
    return value
