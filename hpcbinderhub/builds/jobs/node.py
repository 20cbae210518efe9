"""A builder in a job: `hpcbinderhub worker --job DIRECTORY`, as the batch script runs it."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from functools import partial
from pathlib import Path

from ...errors import UserError
from ...images.base import BaseImage, BaseSettings
from ...images.shared_base import shared_base
from ...site import Site
from ..client import ServiceClient
from ..worker import Terms, Worker
from ..workplace import make_ready
from .node_storage import own_storage
from .settings import BuildJobs
from .ticket import exchange

log = logging.getLogger(__name__)

LEAVING_SECONDS = 60.0
"""What is left of a job's time for telling how the last build ended, and for tidying up."""


async def run_in_job(site: Site, hpcbinder_source: Path, directory: Path) -> None:
    """Build what waits, until nothing does or the job's time would not do for one more build."""
    began = time.monotonic()
    # The batch script's own is for the ticket's directory. Here, files are made that go into
    # images, which everybody reads.
    os.umask(0o022)
    job = os.environ.get("SLURM_JOB_ID", "")
    if not job:
        raise UserError("This is no Slurm job.", "Leave --job away to run a worker by hand.")
    token, seconds = await exchange(ServiceClient(site, ""), directory, job)
    parent = Path(os.path.expandvars(BuildJobs(parent=site).node_storage))
    with own_storage(parent) as where:
        site = site.but(builder_dir=str(where))

        def make_base(settings: BaseSettings) -> BaseImage:
            return shared_base(settings, hpcbinder_source, Path(site.artefacts), log.info)

        ready = partial(make_ready, site, make_base)
        terms = Terms(leaves=True, until=began + seconds - site.build_seconds - LEAVING_SECONDS)
        worker = Worker(site, ServiceClient(site, token), ready, terms)
        worker.stop_on_signals()
        await worker.run()
    # A job that failed leaves its log, for the service to take.
    await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
