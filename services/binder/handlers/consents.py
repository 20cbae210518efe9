"""The caller's own consents: which repositories' code may see her home when she asks for it."""

from __future__ import annotations

from ..models import ConsentModel
from ..operations import operation
from .base import LAUNCH_SCOPE, UserHandler, found


class ConsentsHandler(UserHandler):
    """GET: what the caller has consented to."""

    @operation(
        "List the repositories that you let see your home directory",
        scope=LAUNCH_SCOPE,
        answers={200: list[ConsentModel]},
    )
    async def get(self) -> None:
        """Those that are remembered since a launch with `consent`; not those that are your own or
        that the site trusts."""
        user = self.require(LAUNCH_SCOPE)
        consents = await self.services.consents.of_user(user)
        self.answer([ConsentModel.of(consent) for consent in consents])


class ConsentHandler(UserHandler):
    """DELETE: withdraw one."""

    @operation("Withdraw a consent", scope=LAUNCH_SCOPE, answers={204: None})
    async def delete(self, consent_id: str) -> None:
        """A server that runs goes on as it is; a launch that has not asked for its node yet is
        refused."""
        user = self.require(LAUNCH_SCOPE)
        found(await self.services.consents.withdraw(user, consent_id) or None, "consent")
        self.set_status(204)
