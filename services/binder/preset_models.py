"""What the API takes and answers about presets."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from hpcbinderhub.launches.presets import Preset, PresetName, Selection

from .models import Model


class PresetModel(Model):
    """A selection that the caller keeps."""

    name: str
    selection: Selection

    @classmethod
    def of(cls, preset: Preset) -> PresetModel:
        """One of the library's."""
        return cls(name=preset.name, selection=preset.selection)


class PresetsModel(Model):
    """What the caller chose last, and what she keeps."""

    last: Selection | None = Field(description="What she launched last with.")
    presets: list[PresetModel]


class PresetNameModel(BaseModel):
    """The body of PATCH /api/presets/NAME."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: PresetName = Field(description="The preset's new name.")
