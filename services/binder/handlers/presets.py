"""What the caller chose last, and the choices that she keeps."""

from __future__ import annotations

from hpcbinderhub.errors import NotFound
from hpcbinderhub.launches.presets import Preset, Selection

from ..operations import operation
from ..preset_models import PresetModel, PresetNameModel, PresetsModel
from .base import LAUNCH_SCOPE, UserHandler


class PresetsHandler(UserHandler):
    """GET: the caller's presets."""

    @operation("List your presets", scope=LAUNCH_SCOPE, answers={200: PresetsModel})
    async def get(self) -> None:
        """By name, and what you launched last with."""
        user = self.require(LAUNCH_SCOPE)
        kept, last = self.services.presets, await self.services.presets.last(user)
        presets = [PresetModel.of(preset) for preset in await kept.of_user(user)]
        self.answer(PresetsModel(last=last, presets=presets))


class PresetHandler(UserHandler):
    """PUT, PATCH, DELETE: one preset of the caller's."""

    @operation("Keep a preset", scope=LAUNCH_SCOPE, body=Selection, answers={200: PresetModel})
    async def put(self, name: str) -> None:
        """In place of what had the name before. Whether its profile would take it is said when it
        is used: profiles change."""
        user = self.require(LAUNCH_SCOPE)
        chosen = self.parse(Selection)
        name = self._checked(lambda: PresetNameModel(name=name)).name
        await self.services.presets.keep(user, name, chosen)
        self.answer(PresetModel.of(Preset(name, chosen)))

    @operation("Rename a preset", scope=LAUNCH_SCOPE, body=PresetNameModel, answers={204: None})
    async def patch(self, name: str) -> None:
        """409 if you have one of that name."""
        user = self.require(LAUNCH_SCOPE)
        await self.services.presets.rename(user, name, self.parse(PresetNameModel).name)
        self.set_status(204)

    @operation("Delete a preset", scope=LAUNCH_SCOPE, answers={204: None})
    async def delete(self, name: str) -> None:
        """For good."""
        if not await self.services.presets.delete(self.require(LAUNCH_SCOPE), name):
            raise NotFound(f"You have no preset “{name}”.", "Load the page again.")
        self.set_status(204)
