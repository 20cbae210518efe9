"""`make demo`: waits until the site can build and launch, then says what to do."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from .cluster import Cluster
from .engine import ClusterError, docker_command, ensure_docker, step

BASE_IMAGE_SECONDS = 900
WELCOME = """
HPC BinderHub is at   {url}

Log in as             alice  or  bob     password  {password}
   dave has no allocation; carol is the admin (password {admin_password})

Paste a repository    http://git/quickstart.git
or follow a link      {url}/services/binder/v2/git/http%3A%2F%2Fgit%2Fquickstart.git/HEAD

   http://git/postbuild.git     packages from Debian, data made while building
   http://git/dockerfile.git    a Dockerfile
   http://git/geophysics.git    SimPEG, inversions on Dask workers, HDF5
   http://git/conda.git         environment.yml; needs conda hosts

`make demo-down` removes everything.
"""


def wait_for_base_image(cluster: Cluster) -> None:
    """The worker makes the base image of all environments when it first starts."""
    limit = time.monotonic() + BASE_IMAGE_SECONDS
    if not is_made(cluster):
        print("base image      … made once, in a minute or two: what all environments start from")
    with step("base image") as note:
        while not is_made(cluster):
            if time.monotonic() > limit:
                raise ClusterError(
                    "The base image of all environments was not made in time: "
                    + "\n".join(worker_log(cluster).splitlines()[-10:]),
                    "Is the package index reachable from containers? See `logs hub`.",
                )
            time.sleep(1)
        note("ready")


def is_made(cluster: Cluster) -> bool:
    """Whether the worker has its base image and takes builds."""
    return "Waiting for builds" in worker_log(cluster)


def worker_log(cluster: Cluster) -> str:
    """What the worker wrote since it was started last."""
    done = subprocess.run(
        [*docker_command(), "logs", cluster.container("hub")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout.rpartition("spawned: 'worker'")[2]


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--detach", action="store_true", help="return when ready")
    options = parser.parse_args()
    cluster = Cluster(port=options.port)
    try:
        ensure_docker()
        wait_for_base_image(cluster)
    except ClusterError as error:
        print(f"error: {error.what}\nwhat to do: {error.do}", file=sys.stderr)
        return 1
    print(
        WELCOME.format(
            url=f"http://127.0.0.1:{options.port}",
            password="hpcbinder-demo",
            admin_password="hpcbinder-demo-admin-password-for-carol",
        )
    )
    if not options.detach:
        print("It goes on in the background; what the hub writes follows. Ctrl-C ends only this.\n")
        try:
            subprocess.run(
                [*docker_command(), "logs", "--follow", "--tail=0", cluster.container("hub")],
                check=False,
            )
        except KeyboardInterrupt:
            print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
