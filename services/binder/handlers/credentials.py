"""The caller's own credentials for private repositories: entered, listed, removed, never shown."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hpcbinderhub.credentials.hosts import checked_host
from hpcbinderhub.credentials.store import DEFAULT_USER_NAME, Credential

from ..models import CredentialModel
from ..operations import operation
from .base import LAUNCH_SCOPE, UserHandler, found

OneLine = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=4000, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
]


class CredentialRequest(BaseModel):
    """The body of PUT /api/credentials/{host}."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: OneLine = Field(
        repr=False, description="A token of the forge's that may read, and no more."
    )
    user_name: OneLine = Field(
        default=DEFAULT_USER_NAME, description="Beside the token, where the forge asks for one."
    )


class CredentialsHandler(UserHandler):
    """GET: for which hosts there are credentials."""

    @operation(
        "List the hosts that you have credentials for",
        scope=LAUNCH_SCOPE,
        answers={200: list[CredentialModel]},
    )
    async def get(self) -> None:
        """With dates. What a credential says is told to nobody but the host."""
        user = self.require(LAUNCH_SCOPE)
        kept = await self.services.credentials.of_user(user)
        self.answer([CredentialModel.of(one) for one in kept])


class CredentialHandler(UserHandler):
    """PUT: enter a credential for a host. DELETE: remove it."""

    @operation(
        "Enter a credential for a host",
        scope=LAUNCH_SCOPE,
        body=CredentialRequest,
        answers={204: None},
    )
    async def put(self, host: str) -> None:
        """In the place of one that is there. It opens the private repositories of that host that
        it may read, to your own launches alone."""
        user = self.require(LAUNCH_SCOPE)
        given = self.parse(CredentialRequest)
        credential = Credential(given.token, given.user_name)
        await self.services.credentials.keep(user, checked_host(host), credential)
        self.set_status(204)

    @operation("Remove a credential", scope=LAUNCH_SCOPE, answers={204: None})
    async def delete(self, host: str) -> None:
        """Servers that run go on; the next launch of a private repository there is refused."""
        user = self.require(LAUNCH_SCOPE)
        gone = await self.services.credentials.forget(user, checked_host(host))
        found(gone or None, "credential")
        self.set_status(204)
