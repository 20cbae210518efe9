"""How environments are built, and by whom."""

from __future__ import annotations

from traitlets import Dict, Enum, HasTraits, Integer, Unicode

from ..builds.records import QueueLimits
from ..builds.request import PYTHON


class Builds(HasTraits):
    """How environments are built, and by whom."""

    base_image = Unicode(
        "docker.io/library/debian:bookworm",
        config=True,
        help="""The image below all images: Debian or one of its children, with apt.

        With its digest (`docker.io/library/debian@sha256:…`), all builders use the very same one,
        and another one makes all environments anew. A tag alone may mean another image elsewhere.
        """,
    )
    python = Unicode(
        PYTHON,
        config=True,
        help="""The Python of repositories that ask for none, and the one of `base_image`.

        Example: `'3.13'`, with `base_image = 'docker.io/library/debian:trixie'`.
        """,
    )
    other_pythons = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        config=True,
        help="""More Pythons for repositories, each with the image that its base image begins with.

        An image whose `python3` is of that version, or any: uv then fetches that Python, from
        GitHub or from where `UV_PYTHON_INSTALL_MIRROR` in `build_environment` says. A base image
        takes about a gigabyte of every builder.
        Example: `{'3.10': 'docker.io/library/ubuntu:22.04', '3.13':
        'docker.io/library/debian:trixie'}`.
        """,
    )
    other_base_image = Unicode(
        "docker.io/library/buildpack-deps:24.04",
        config=True,
        help="What repo2docker's own build packs (Conda, R, Julia, Nix) build on.",
    )
    build_environment = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        config=True,
        help="""Variables for every build step, and for none of the finished images.

        For a site's own package mirrors. Example: `{'PIP_INDEX_URL': 'https://pypi.example.org/'}`.
        `HPCBINDER_INDEX_STANDS_FOR` names the hosts, separated by spaces, whose files that mirror
        has: what lock files have from there is asked of it, by version and hash.
        """,
    )
    build_ca_bundle = Unicode(
        "",
        config=True,
        help="""A PEM bundle that build steps see as the system's own, and finished images do not.

        For sites whose way out re-signs TLS.
        """,
    )
    builder = Enum(
        ["buildah", "ch-image", "docker"],
        default_value="buildah",
        config=True,
        help="""The tool that makes images on the hosts where workers run; see `docs/builders.md`.

        `hpcbinderhub check` says what it cannot do there.
        """,
    )
    builder_dir = Unicode(
        "/var/lib/builder",
        config=True,
        help="The builder's storage: a local disk, never NFS or Lustre; owned by its account.",
    )
    build_seconds = Integer(3600, config=True, help="How long one build may take.")
    build_disk_mb = Integer(20_000, config=True, help="How much disk one build may fill, in MiB.")
    build_log_kb = Integer(4096, config=True, help="How much of a build's log is kept, in KiB.")
    lease_seconds = Integer(
        30,
        config=True,
        help="How long a build belongs to a worker that is not heard of; then another gets it.",
    )
    builder_free_disk_mb = Integer(
        2000,
        config=True,
        help="A worker with less space than this, in MiB, takes no builds, and their pages say so.",
    )
    live_builds = Integer(
        10_000, config=True, help="How many builds may wait or run at a time; 0 is no limit."
    )
    live_builds_per_user = Integer(
        100, config=True, help="How many of them one user may have asked for; 0 is no limit."
    )
    live_builds_per_repository = Integer(
        50, config=True, help="How many of them one repository may have; 0 is no limit."
    )
    running_builds_per_user = Integer(
        4,
        config=True,
        help="""How many of one user's builds run at a time, while others wait; 0 is no limit.

        Those who wait take turns anyway. This keeps one user's long builds from holding every
        worker when the next user comes.
        """,
    )
    log_days = Integer(
        90, config=True, help="How long the log of a build is kept after its end, compressed."
    )
    worker_tokens = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        config=True,
        help="""Workers that may claim builds: a name, and the SHA-256 of its token in hex.

        `hpcbinderhub worker-token` makes a pair.
        """,
    )
    worker_token_file = Unicode(
        "",
        config=True,
        help="On a worker's host: the file with its token, readable by its account alone.",
    )

    @property
    def pythons(self) -> dict[str, str]:
        """What its base images begin with, by their Python, the usual one first."""
        return {self.python: self.base_image, **self.other_pythons}

    @property
    def queue_limits(self) -> QueueLimits:
        """The limits of the queue, as it takes them."""
        return QueueLimits(
            in_total=self.live_builds,
            per_user=self.live_builds_per_user,
            per_repository=self.live_builds_per_repository,
            running_per_user=self.running_builds_per_user,
        )
