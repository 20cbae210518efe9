"""The queue as a whole: how long it is, and whether it moves."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from hpcbinderhub.builds.outlook import held_up
from hpcbinderhub.launches.options import Line

from ..models import QueueModel
from ..operations import operation
from .base import ADMIN_SCOPE, BUILD_SCOPE, UserHandler


class PauseRequest(BaseModel):
    """The body of POST /api/queue/pause."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    why: Line = Field(default="", description="A sentence for those who wait meanwhile.")


class AnyQueue(UserHandler):
    """What the handlers below answer with."""

    async def answer_queue(self) -> None:
        """The queue as it is."""
        queue = self.services.queue
        lengths = await queue.lengths()
        self.answer(
            QueueModel(
                queued=lengths["queued"],
                running=lengths["running"],
                paused=await queue.paused() is not None,
                held_up=await held_up(queue, self.services.workers, self.services.builders),
            )
        )


class QueueHandler(AnyQueue):
    """GET: the queue."""

    @operation("Show the queue", scope=BUILD_SCOPE, answers={200: QueueModel})
    async def get(self) -> None:
        """Its length, and why it does not move if it does not."""
        self.require(BUILD_SCOPE)
        await self.answer_queue()


class PauseHandler(AnyQueue):
    """POST: let what runs end and nothing begin. DELETE: go on."""

    @operation("Pause the queue", scope=ADMIN_SCOPE, body=PauseRequest, answers={200: QueueModel})
    async def post(self) -> None:
        """Until somebody says to go on, restarts included. Images that are there are launched."""
        user = self.require(ADMIN_SCOPE)
        await self.services.queue.pause(user, self.parse(PauseRequest).why)
        await self.answer_queue()

    @operation("Go on after a pause", scope=ADMIN_SCOPE, answers={200: QueueModel})
    async def delete(self) -> None:
        """Builds begin again at once."""
        self.require(ADMIN_SCOPE)
        await self.services.queue.go_on()
        await self.answer_queue()
