"""Who we are, and where the service keeps what it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from traitlets import HasTraits, Unicode, default, validate


class Identity(HasTraits):
    """Who we are, and where the service keeps what it knows."""

    title = Unicode("HPC BinderHub", config=True, help="The name on every page.")
    public_url = Unicode(
        "http://127.0.0.1:8000/",
        config=True,
        help="""The hub's address as compute nodes and workers on other hosts reach it.

        Tickets and tokens travel to this address, so in production it starts with `https://`.
        Example: `https://hub.example.org/`.
        """,
    )
    ca_file = Unicode(
        "",
        config=True,
        help="""A PEM file with the certificate authority that signed `public_url`'s certificate.

        Leave empty if compute nodes and images trust it already. It is public: jobs get it.
        """,
    )
    get_access = Unicode(
        "Ask your facility's help desk for an account and an allocation.",
        config=True,
        help="The sentence that is shown to somebody who has no Slurm account.",
    )
    state_dir = Unicode(
        "/var/lib/hpcbinderhub",
        config=True,
        help="""Where the service keeps its database and its cache of Git repositories.

        On a local disk, owned by the hub's account, mode 0700.
        """,
    )
    database_url = Unicode(
        config=True,
        help="""SQLAlchemy URL of the queue. SQLite below `state_dir` unless set.

        Example: `postgresql+psycopg://hpcbinderhub@db/hpcbinderhub`.
        """,
    )

    @default("database_url")
    def _default_database_url(self) -> str:
        return f"sqlite:///{Path(self.state_dir) / 'hpcbinderhub.sqlite'}"

    @validate("public_url")
    def _end_with_slash(self, proposal: Any) -> str:
        return str(proposal.value).rstrip("/") + "/"

    def ca_certificates(self) -> str | None:
        """The PEM text that jobs need to trust `public_url`, if they need any."""
        return Path(self.ca_file).read_text() if self.ca_file else None
