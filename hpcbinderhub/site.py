"""What a facility configures, in one place.

The hub, the service, the worker and the command line all read the same files
(`jupyterhub_config.d/*.py`), where every line starts with `c.Site.`. Each help text says what the
value is for, gives an example, and names who may set it: everything here is the admin's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from traitlets import (
    Bool,
    Dict,
    Enum,
    Float,
    Integer,
    List,
    TraitError,
    Unicode,
    default,
    validate,
)
from traitlets.config import Config, LoggingConfigurable
from traitlets.config.loader import PyFileConfigLoader

from .builds.records import QueueLimits
from .builds.request import PYTHON
from .profiles import Profile
from .trust.addresses import checked_own_pattern, checked_pattern


class Site(LoggingConfigurable):
    """The facility: its cluster, its storage, its builders and what it offers."""

    # -- who we are ------------------------------------------------------------------------------
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

    # -- the cluster -----------------------------------------------------------------------------
    login_hosts = List(
        Unicode(),
        config=True,
        help="Login nodes, `host` or `host:port`, tried in order. Example: `['login1', 'login2']`.",
    )
    known_hosts = Unicode(
        "/etc/ssh/ssh_known_hosts",
        config=True,
        help="OpenSSH known_hosts file. A login node whose key is not in it is never spoken to.",
    )
    certificate_command = List(
        Unicode(),
        config=True,
        help="""A command that signs one SSH public key for one user, for minutes.

        It gets `{"principal": …, "public_key": …}` as JSON on standard input and prints an OpenSSH
        certificate. The key of the authority belongs to another account or host, never to the hub.
        Example: `['sudo', '-n', '-u', 'sshca', '/usr/local/libexec/hpcbinderhub-sign']`.
        """,
    )
    agent_command = Unicode(
        "/usr/libexec/hpcbinderhub/agent",
        config=True,
        help="""The agent on the login nodes: the one command that is ever run there.

        Install it from `hpcbinderhub agent`, owned by root.
        """,
    )
    watcher_user = Unicode(
        "hpcwatch",
        config=True,
        help="""The account on the login nodes that may see everybody's jobs.

        With `PrivateData=jobs` a plain account sees none: give it `AdminLevel=Operator`.
        """,
    )
    watch_seconds = Float(
        5.0, config=True, help="How often the watcher asks Slurm for the state of all our jobs."
    )
    slurm_path = List(
        Unicode(),
        default_value=["/usr/local/bin", "/usr/bin", "/bin"],
        config=True,
        help="Directories on the login nodes in which `sbatch` and engines' clients are.",
    )
    slurm_environment = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        config=True,
        help="""Variables that Slurm's and engines' clients need on the login nodes.

        `{user}` and `{home}` are filled in. Example: `{'SLURM_CONF': '/opt/slurm.conf'}`, or
        `{'SCRATCH': '/scratch/{user}'}`, below which podman-hpc keeps a user's images.
        """,
    )
    job_prologue = Unicode(
        "",
        config=True,
        help="Shell lines at the start of every batch script. Example: `module load charliecloud`.",
    )

    # -- storage ---------------------------------------------------------------------------------
    workspace_root = Unicode(
        "{home}/hpcbinder",
        config=True,
        help="""Where a user's workspaces and launch records live, on storage that nodes share.

        `{home}` and `{user}` are filled in as the login node knows them.
        """,
    )
    workspace_purge_days = Integer(
        0,
        min=0,
        config=True,
        help="""After how many days without use the site removes files where workspaces are.

        For the warnings on the page “Yours”: nothing is removed by this. 0: never. Example: `90`.
        """,
    )
    workspace_purge_notice_days = Integer(
        14, min=0, config=True, help="How many days before that a workspace's owner is warned."
    )
    data_roots = List(
        Unicode(),
        config=True,
        help="""File systems that every container sees, at the same path. Example: `['/scratch']`.

        File permissions go on deciding who reads what.
        """,
    )
    mount_points = List(
        Unicode(),
        default_value=["/home"],
        config=True,
        help="""Empty directories that every artefact gets, so that file systems can be mounted.

        The first component of `workspace_root` and of every data root must be among them.
        """,
    )
    artefacts = Unicode(
        "/artefacts",
        config=True,
        help="The artefact store: a path that builders write and compute nodes read.",
    )
    artefacts_login = Unicode(
        config=True,
        help="""Where the artefact store is reached over SSH, for builders that do not mount it.

        The account owns the store, and its `authorized_keys` lets the builders' key do nothing but
        that: `restrict,command="/usr/libexec/hpcbinderhub/agent artefacts /artefacts" ssh-…`.
        Unless set, builders write to `artefacts`. For admins alone.
        Example: `binder@dtn1.example.org:22`.
        """,
    )
    artefacts_key_file = Unicode(
        "/etc/hpcbinderhub/artefacts-key",
        config=True,
        help="The builders' SSH key for `artefacts_login`, readable by their account alone.",
    )
    artefacts_limit_gb = Float(
        0.0,
        min=0.0,
        config=True,
        help="""How much all images may take up, in GB; 0 sets no limit. Example: `2000`.

        Beyond it, those go that were launched the longest ago: never one that is pinned or in use.
        """,
    )
    artefacts_age_days = Float(
        0.0,
        min=0.0,
        config=True,
        help="""Images that nobody has launched for so many days go; 0 sets no limit. Example: `90`.

        Never one that is pinned or in use.
        """,
    )
    artefacts_grace_days = Float(
        3.0,
        min=0.0,
        config=True,
        help="""How long an image counts as in use by a server that stopped and could start again.

        Also by a launch that waits for its owner to come back. Example: `7`.
        """,
    )

    # -- repositories ----------------------------------------------------------------------------
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
        help="""The file with the keys for users' own credentials, which open private repositories.

        `hpcbinderhub credential-key FILE` makes one, or puts a newer key into it; mode 0600, of the
        account of the service, and not kept with the database. Without it there are no private
        repositories.
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

    # -- builds ----------------------------------------------------------------------------------
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

    # -- trust -----------------------------------------------------------------------------------
    home_access = Enum(
        ["never", "trusted"],
        default_value="trusted",
        config=True,
        help="""Whose code may see its user's home directory: nobody's, or that of trusted ones.

        `trusted`: a repository that is the user's own, that this site trusts or that she has said
        she trusts; and only if she asks for it with that launch. A profile can say `never` too.
        """,
    )
    trusted_repositories = List(
        Unicode(),
        config=True,
        help="""Repositories that the site vouches for to all its users: an address, or one that
        ends in `/*` for everything below it.

        Whoever can write to one of them can read the home directories of those who ask for theirs.
        Upper and lower case count, but in the host. Example: `['https://github.com/our-centre/*']`.
        """,
    )
    own_repositories = List(
        Unicode(),
        config=True,
        help="""Repositories that are a user's own: patterns as above, with `{user}` for her name.

        Only at a forge where nobody else can have the name that she has at the hub. Example:
        `['https://gitlab.example.org/{user}/*']`.
        """,
    )
    refuse_unhidden = Bool(
        False,
        config=True,
        help="""Whether an engine that cannot hide the home (Shifter) is for those launches alone
        that were given the home.

        Otherwise it runs everything, and the launch page says what the code will see.
        """,
    )

    # -- engines ---------------------------------------------------------------------------------
    image_registry = Unicode(
        "",
        config=True,
        help="""A repository in a registry, for engines that run no file but pull.

        These are podman-hpc, Sarus, and Shifter without `shifter_gateway`. The service puts every
        image there that is not one reader's alone, with its artefact's SHA-256 as its tag; whoever
        reaches the registry can pull it. For admins alone.
        Example: `registry.example.org/hpcbinder/images`.
        """,
    )
    image_registry_auth_file = Unicode(
        "",
        config=True,
        help="""The service's login to `image_registry`, as `podman login --authfile` writes it.

        Of the service's account, mode 0600; it may write to that repository, and better to nothing
        else. Builders never have it. Example: `/etc/jupyterhub/registry-auth.json`.
        """,
    )
    image_registry_ca_file = Unicode(
        "",
        config=True,
        help="""A PEM file with the authority of `image_registry`'s certificate.

        Empty: those that the host trusts. Example: `/etc/ssl/certs/site-ca.pem`.
        """,
    )
    image_registry_plain_http = Bool(
        False,
        config=True,
        help="Whether `image_registry` has no TLS: for one on the service's own host.",
    )
    image_signing_key = Unicode(
        "",
        config=True,
        help="""The key that images are signed with, in their registry and beside their files.

        A file of the service's account, mode 0600, with an ECDSA key over P-256 in PEM, without a
        password: `hpcbinderhub signing-key FILE` makes one. Empty: nothing is signed. For admins
        alone. Example: `/etc/jupyterhub/signing-key.pem`.
        """,
    )
    node_local = Unicode(
        "",
        config=True,
        help="""A directory on each node's own disk, for images where no FUSE can mount them.

        They are unpacked there: it needs room for some GB, so it should not be in memory. `TMPDIR`
        of the job, or `/tmp`, unless set. Example: `/local/scratch`.
        """,
    )
    shifter_gateway_user = Unicode(
        "hpcwatch",
        config=True,
        help="The account whose imports Shifter's gateway accepts (`ImportUsers`).",
    )
    shifter_system = Unicode("cluster", config=True, help="`system` in Shifter's udiRoot.conf.")
    shifter_gateway = Unicode(
        "",
        config=True,
        help="""Shifter's gateway, as login nodes reach it, if it lets us import images.

        Without it, Shifter pulls from `image_registry`. Example: `http://gw:5000`.
        """,
    )

    # -- launches --------------------------------------------------------------------------------
    away_seconds = Float(
        30.0,
        config=True,
        help="An owner whose page has been closed for longer is away: nothing is submitted then.",
    )
    parked_hours = Float(
        24.0,
        config=True,
        help="How long a launch whose image is ready waits for its owner; then it expires.",
    )
    record_days = Integer(
        365, config=True, help="How long the record of a launch is kept after its end."
    )
    profiles: Any = List(
        config=True,
        help="""What the launch page offers: a list of dictionaries, see `hpcbinderhub.profiles`.

        Example: `[{'name': 'interactive', 'title': 'Interactive', 'partition': 'interactive'}]`.
        """,
    )
    require_association = Bool(
        True,
        config=True,
        help="Refuse a launch, before anything is built, for a user without a Slurm association.",
    )

    # -- the web service -------------------------------------------------------------------------
    request_limit = Integer(
        100,
        config=True,
        help="""How many builds and launches one user may ask for within `request_limit_seconds`.

        A push counts as well; continuing an event stream does not. 0 sets no limit.
        """,
    )
    request_limit_seconds = Integer(
        3600, config=True, help="The time that `request_limit` is for, in seconds."
    )
    streams_per_user = Integer(
        100,
        config=True,
        help="How many event streams one user may hold open at once. 0 sets no limit.",
    )
    api_origins = List(
        Unicode(),
        config=True,
        help="""Origins whose pages may use the API, with a token and never with a cookie.

        Sent as `Access-Control-Allow-Origin`. `['*']` lets every page do so: whoever holds a token
        can use it anyway. Example: `['https://notes.example.org']`.
        """,
    )
    authenticate_metrics = Bool(
        True,
        config=True,
        help="""Whether `/metrics` needs a token with the scope `read:metrics`.

        Like JupyterHub's `authenticate_prometheus`. Set to False only where others cannot reach it.
        """,
    )
    free_disk_mb = Integer(
        1024,
        config=True,
        help="`/health` is not well with less space than this, in MiB, for state or artefacts.",
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

    @validate("profiles")
    def _check_profiles(self, proposal: Any) -> list[Profile]:
        checked: list[Profile] = []
        for number, entry in enumerate(proposal.value, start=1):
            try:
                checked.append(Profile.model_validate(entry))
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"])
                raise TraitError(f"Profile number {number}, “{where}”: {first['msg']}") from error
        names = [profile.name for profile in checked]
        if len(set(names)) < len(names):
            raise TraitError(f"Two profiles have the same name: {', '.join(names)}")
        return checked

    @validate("trusted_repositories")
    def _check_trusted_repositories(self, proposal: Any) -> list[str]:
        return _patterns(proposal.value, checked_pattern)

    @validate("own_repositories")
    def _check_own_repositories(self, proposal: Any) -> list[str]:
        return _patterns(proposal.value, checked_own_pattern)

    @validate("public_url")
    def _end_with_slash(self, proposal: Any) -> str:
        return str(proposal.value).rstrip("/") + "/"

    def ca_certificates(self) -> str | None:
        """The PEM text that jobs need to trust `public_url`, if they need any."""
        return Path(self.ca_file).read_text() if self.ca_file else None


def _patterns(texts: Iterable[str], checked: Callable[[str], str]) -> list[str]:
    try:
        return [checked(text) for text in texts]
    except ValueError as error:
        raise TraitError(str(error)) from error


def load_config(directory: str | Path) -> Config:
    """The merged configuration of `directory/*.py`, in order of name, as JupyterHub reads it."""
    merged = Config()
    for path in sorted(Path(directory).glob("*.py")):
        merged.merge(PyFileConfigLoader(path.name, path=str(path.parent)).load_config())
    return merged


def load_site(directory: str | Path) -> Site:
    """The site that the files in `directory` describe."""
    return Site(config=load_config(directory))
