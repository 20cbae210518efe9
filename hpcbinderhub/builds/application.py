"""repo2docker as a build sets it up: our build packs among its own, and our builder."""

from __future__ import annotations

import logging
from typing import Any

from repo2docker.app import Repo2Docker
from traitlets import Instance

from hpcbinderhub.builds import tools
from hpcbinderhub.builds.builders.base import Builder
from hpcbinderhub.builds.detect import build_packs, noting
from hpcbinderhub.builds.engine import HubEngine
from hpcbinderhub.builds.request import BuildRequest
from hpcbinderhub.builds.steps import Steps
from hpcbinderhub.builds.uvpack import REPO_DIR, USER


class HubRepo2Docker(Repo2Docker):  # type: ignore[misc]
    """repo2docker with an engine of ours, whether or not the entry point of it is installed."""

    hub_engine = Instance(HubEngine)

    def get_engine(self) -> HubEngine:
        """The engine that it was given."""
        return self.hub_engine


def build(request: BuildRequest, builder: Builder, given: Steps, handler: logging.Handler) -> str:
    """Let repo2docker pick a build pack and build; the name of the build pack."""
    log = logging.getLogger("repo2docker")
    log.handlers = [handler]
    log.propagate = False
    log.setLevel(logging.INFO)
    tried: list[str] = []
    repo2docker(request, builder, given, tried, log=log).build()
    # It asks them in turn, and the one that says yes is the last.
    return tried[-1]


def repo2docker(
    request: BuildRequest, builder: Builder, given: Steps, tried: list[str], **more: Any
) -> HubRepo2Docker:
    """repo2docker for one build; `tried` gets the build packs as they are asked."""
    engine = HubEngine(parent=None)
    engine.builder, engine.given = builder, given
    return HubRepo2Docker(
        hub_engine=engine,
        repo=str(request.context),
        ref=request.commit,
        output_image_spec=request.image,
        base_image=request.other_base_image,
        buildpacks=[noting(pack, tried) for pack in build_packs(request.pythons)],
        appendix=tools.appendix(request.base_image, request.lock),
        user_id=int(USER),
        user_name="jovyan",
        target_repo_dir=REPO_DIR,
        run=False,
        push=False,
        **more,
    )
