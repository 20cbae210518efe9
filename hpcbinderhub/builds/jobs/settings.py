"""What a facility configures about builders as Slurm jobs: lines that start with `c.BuildJobs.`."""

from __future__ import annotations

import math

from traitlets import Integer, List, Unicode
from traitlets.config import LoggingConfigurable

SLACK_MINUTES = 30
"""What a job gets beside the time of one build: the base image has to come to its node."""


class BuildJobs(LoggingConfigurable):
    """Builders as Slurm jobs of a service account. Everything here is the admin's to set."""

    user = Unicode(
        "",
        config=True,
        help="""The service account whose jobs build, as the login nodes know it; empty for none.

        It owns the artefact store, and nothing else runs as it: what it builds is strangers' code.
        Example: `hpcbuild`.
        """,
    )
    directory = Unicode(
        "{home}/builders",
        config=True,
        help="""Where each job's ticket and log are, on storage that nodes share.

        `{home}` and `{user}` are filled in as the login node knows them.
        """,
    )
    node_storage = Unicode(
        "/tmp",
        config=True,
        help="""Where a builder's storage is made on its node, and removed at the job's end.

        A local disk, never NFS or Lustre; variables of the job are filled in. Example: `$SCRATCH`.
        """,
    )
    command = List(
        Unicode(),
        default_value=["hpcbinderhub", "worker"],
        config=True,
        help="""The worker as compute nodes find it: each word of its command.

        With `--config` if the site's files are elsewhere there, and `--hpcbinder` if it is needed.
        Example: `['/sw/hpcbinderhub/bin/hpcbinderhub', 'worker', '--config=/sw/hpcbinderhub/etc']`.
        """,
    )
    prologue = Unicode(
        "",
        config=True,
        help="Shell lines at the start of the job's script. Example: `module load buildah`.",
    )
    most = Integer(
        4, min=1, config=True, help="How many of these jobs wait or run at a time, at most."
    )
    partition = Unicode("", config=True, help="Their partition; Slurm's default one if empty.")
    account = Unicode("", config=True, help="The Slurm account that is charged for them.")
    qos = Unicode("", config=True, help="Their QOS. One that may be preempted loses no build.")
    cpus = Integer(4, min=1, config=True, help="CPUs of each.")
    memory_mb = Integer(8192, min=512, config=True, help="Memory of each, in MiB.")


def job_minutes(build_seconds: float) -> int:
    """The time limit of a job: one build fits in, however long it may take."""
    return math.ceil(build_seconds / 60) + SLACK_MINUTES
