"""Which repositories may be launched, and how much of them is kept."""

from __future__ import annotations

from traitlets import Dict, Float, HasTraits, Integer, List, Unicode


class Repositories(HasTraits):
    """Which repositories may be launched, and how much of them is kept."""

    repository_hosts = List(
        Unicode(),
        default_value=["*"],
        config=True,
        help="""Hosts from which repositories may come; `*` stands for anything.

        Example: `['github.com', '*.example.org']`.
        """,
    )
    denied_repository_hosts = List(
        Unicode(), config=True, help="Hosts from which none may come, whatever the list above says."
    )
    private_networks = List(
        Unicode(),
        config=True,
        help="""Networks that are not the public internet's and may hold repositories all the same.

        Everything private, local or reserved is refused otherwise, since a user's address must not
        lead the service into the site's inside. Example: `['10.20.0.0/16']`, for a Git server.
        """,
    )
    git_timeout = Integer(
        120, config=True, help="Seconds that one Git command may take on the network."
    )
    git_cache_mb = Integer(
        20_000,
        config=True,
        help="""How much room the service's copies of repositories may take, in MiB; `0`: no limit.

        The least recently used go first, never one of the last 24 hours or one that was pushed.
        """,
    )
    record_mb = Integer(
        2000,
        config=True,
        help="How large an archive's record may be, in MiB, as it comes and when it is unpacked.",
    )
    forge_token_files = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        config=True,
        help="""Files with a token for a forge's API, which then allows more questions.

        For `github.com` and `gitlab.com`. Readable by the hub's account alone; a token without any
        permission is enough. Example: `{'github.com': '/etc/jupyterhub/github-token'}`.
        """,
    )
    credential_keys_file = Unicode(
        "",
        config=True,
        help="""The file with the keys for users' own credentials, which open private repositories,
        and for the secrets of running servers in JupyterHub's database.

        `hpcbinderhub credential-key FILE` makes one, or puts a newer key into it; mode 0600, of the
        account of hub and service, and not kept with the databases. Take an older key out when the
        servers that were started with it have ended. Without the file there are no private
        repositories, and who reads JupyterHub's database can open running servers.
        """,
    )
    credential_http_hosts = List(
        Unicode(),
        config=True,
        help="""Hosts that may be shown a credential without TLS: whoever is on the way can read it.

        For a Git server on the service's own host or network. Example: `['localhost']`.
        """,
    )

    repository_paths = List(
        Unicode(),
        config=True,
        help="""Directories on the cluster's storage below which users may launch repositories.

        They are read by the agent on a login node, with the rights of whoever launches, and what
        she reads is hers alone. Unless set, paths are refused. Example: `['/scratch', '/home']`.
        """,
    )
    launched_registries = List(
        Unicode(),
        config=True,
        help="""Registries, or parts of them, whose images users may launch by digest.

        Such an image gets the hub's tools in a build, as a Dockerfile's does; builders pull it, and
        without a login. Unless set, none is launched. For admins alone.
        Example: `['registry.example.org/science', 'docker.io/library']`.
        """,
    )
    push_mb = Integer(
        500,
        min=0,
        config=True,
        help="""How large a repository may be, in MiB and with its history, that is sent or read.

        Sent with `hpcbinderhub push`, or read below `repository_paths`. With 0, none is.
        """,
    )
    pushed_mb_per_user = Integer(
        2000,
        min=0,
        config=True,
        help="How much of what one user has pushed is kept, in MiB.",
    )
    pushed_days = Float(
        30.0,
        min=0.0,
        config=True,
        help="What was pushed and nobody has launched for so many days goes; 0 sets no limit.",
    )

    lfs_mb = Integer(
        1000,
        min=0,
        config=True,
        help="""How much in Git LFS of one commit is fetched, in MiB; with 0, nothing.

        Builds that need the whole repository have all of it or nothing; a new workspace has the
        smallest files, as many as there is room for. Who finds pointers is told.
        """,
    )
