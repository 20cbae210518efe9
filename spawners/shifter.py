"""The spawner for sites whose engine is Shifter."""

from __future__ import annotations

from hpcbinderhub.images.engines import Engine, Shifter
from hpcbinderhub.profiles import Profile

from .imagebatch import ImageBatchSpawner


class ShifterBatchSpawner(ImageBatchSpawner):
    """`ImageBatchSpawner` with Shifter, whatever engine the profile names."""

    def _engine(self, profile: Profile) -> Engine:
        return Shifter(self._facility.site, self._facility.cluster)
