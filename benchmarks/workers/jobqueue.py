"""Run on the login node by `peer.py`: dask-jobqueue, told by lines when to begin and to end."""

from __future__ import annotations

import json
import sys
import time

from dask_jobqueue import SLURMCluster  # type: ignore[import-not-found]

TURN_SECONDS = 0.01


def main() -> None:
    """One set of workers."""
    workers, limit, options = json.loads(sys.argv[1])
    sys.stdin.readline()
    began = time.time()
    cluster = SLURMCluster(**options)
    cluster.scale(jobs=workers)
    # Jobs are listed when the last of them was submitted.
    while len(cluster.workers) < workers:
        time.sleep(TURN_SECONDS)
    submitted = time.time()
    while len(cluster.scheduler_info["workers"]) < workers and time.time() < began + limit:
        time.sleep(TURN_SECONDS)
    connected = time.time()
    found = len(cluster.scheduler_info["workers"])
    print(json.dumps([found, submitted - began, connected - began]), flush=True)
    sys.stdin.readline()
    cluster.close()
    print("closed", flush=True)


main()
