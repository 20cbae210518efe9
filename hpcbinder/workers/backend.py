"""Who submits: the hub's service where it is at hand, and Slurm itself elsewhere."""

from __future__ import annotations

import os
import shutil

from .crews import Crews
from .errors import WorkersError
from .service import URL, ServiceCrews
from .slurm import SlurmCrews


def crews_at_hand() -> Crews:
    """As the environment says."""
    if os.environ.get(URL):
        return ServiceCrews.from_environment()
    if shutil.which("sbatch"):
        return SlurmCrews.from_environment()
    raise WorkersError(
        "There is nobody here who can submit workers: neither a hub's service nor Slurm.",
        "In a server that HPC BinderHub launched, ask the site's administrators whether its "
        "service for workers is on; elsewhere, go where sbatch is.",
    )
