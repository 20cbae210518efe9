"""The containerised Slurm cluster: its images, its start, its end.

    python -m tests.cluster.compose up | down | build | status
    python -m tests.cluster.compose exec SERVICE CMD... | logs [SERVICE] | publish NAME DIRECTORY

Needs Python and Docker with either `docker compose` or `docker-compose`. The environment may set:

COMPOSE_PROJECT_NAME    the name under which containers and volumes are kept; another name is
                        another cluster
HPCBINDERHUB_PORT       the port on 127.0.0.1 at which the hub is published
HPCBINDERHUB_CA_BUNDLE  the CA bundle with which package indexes are trusted, while the hub's image
                        is built and by builds that run inside the hub (default: this machine's
                        own, where it has one)
HPCBINDERHUB_BUILD_ENV  settings for pip and npm in the same two places, `NAME=VALUE` separated by
                        spaces, such as `PIP_INDEX_URL=https://pypi.example.org/simple`
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from .cluster import SERVICES, Cluster
from .engine import ClusterError, docker_command, ensure_docker


def show_status(cluster: Cluster) -> None:
    ensure_docker()
    found = cluster.containers()
    for service in SERVICES:
        container, state = found.get(service, ("-", "absent"))
        print(f"{service:<12}{container:<14}{state}")
    if found:
        for service, command in (
            ("login", ("sinfo", "-N", "-o", "%N %P %T")),
            ("hub", ("supervisorctl", "status")),
        ):
            done = cluster.run(service, *command, check=False)
            print((done.stdout or done.stderr).rstrip())


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster.compose", description="The containerised Slurm cluster."
    )
    parser.add_argument(
        "-p", "--project", default=os.environ.get("COMPOSE_PROJECT_NAME", "hpcbinderhub")
    )
    parser.add_argument(
        "--port", type=int, default=int(os.environ.get("HPCBINDERHUB_PORT", "8000"))
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="build what changed, start everything, wait until it works")
    up.add_argument("--no-hub", action="store_true", help="do not wait for JupyterHub itself")
    down = commands.add_parser("down", help="remove containers, volumes and the network")
    down.add_argument("--images", action="store_true", help="and the images")
    commands.add_parser("build", help="build the images whose inputs changed")
    commands.add_parser("status", help="show each service's state")
    run = commands.add_parser("exec", help="run a command in a service's container")
    run.add_argument("-u", "--user", default="root")
    run.add_argument("service", choices=SERVICES)
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="CMD")
    logs = commands.add_parser("logs", help="show what the services wrote")
    logs.add_argument("service", nargs="?", choices=SERVICES)
    publish = commands.add_parser("publish", help="serve a directory as http://git/NAME.git")
    publish.add_argument("name")
    publish.add_argument("directory", type=Path)
    args = parser.parse_args(argv)
    cluster = Cluster(args.project, args.port)

    try:
        if args.command == "up":
            cluster.up(hub=not args.no_hub)
        elif args.command == "down":
            cluster.down(images=args.images)
        elif args.command == "build":
            cluster.build()
        elif args.command == "status":
            show_status(cluster)
        elif args.command == "publish":
            print(cluster.publish(args.name, args.directory))
        elif args.command == "logs":
            for service in [args.service] if args.service else SERVICES:
                subprocess.run([*docker_command(), "logs", cluster.container(service)], check=False)
        elif args.command == "exec":
            terminal = ["-it"] if sys.stdin.isatty() and sys.stdout.isatty() else ["-i"]
            user = ["-u", args.user, "-e", f"USER={args.user}"]
            words = args.words or ["bash"]
            return subprocess.run(
                [
                    *docker_command(),
                    "exec",
                    *terminal,
                    *user,
                    cluster.container(args.service),
                    *words,
                ]
            ).returncode
    except (ClusterError, subprocess.TimeoutExpired) as problem:
        print(f"error: {problem}", file=sys.stderr)
        if isinstance(problem, ClusterError) and problem.do:
            print(f"what to do: {problem.do}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
