"""The cluster: its login nodes, and how the hub may act as a user there."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from traitlets import (
    Bool,
    Dict,
    Enum,
    Float,
    HasTraits,
    Integer,
    List,
    TraitError,
    Unicode,
    validate,
)

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""What each host calls itself."""


class ClusterAccess(HasTraits):
    """The cluster: its login nodes, and how the hub may act as a user there."""

    transport = Enum(
        ["ssh", "local"],
        "ssh",
        config=True,
        help="""How the hub reaches the agent: over SSH as the user, or on its own host by sudo.

        `local` is for a hub on a host that has Slurm's commands and the users' accounts and
        directories; see `as_user_command`. Nothing about login nodes is used then.
        """,
    )
    as_user_command = List(
        Unicode(),
        default_value=["sudo", "-n", "/usr/libexec/hpcbinderhub/as-user"],
        config=True,
        help="""The helper that becomes a user and is the agent, for `transport = 'local'`.

        Install it from `hpcbinderhub agent --as-user`, owned by root, and let sudo run it without
        arguments for the hub's account alone. Whom it may become is in root's own file
        `/etc/hpcbinderhub/as-user.json`.
        """,
    )
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
    certificate_url = Unicode(
        "",
        config=True,
        help="""A service that signs keys, in place of `certificate_command`; it begins with `https://`.

        The same JSON is POSTed to it with `Authorization: Bearer` and the token in
        `certificate_token_file`; it answers 200 with the certificate as text. The hub refuses one
        that lasts longer than five minutes or allows more than the agent.
        Example: `https://sshproxy.example.org/sign/hpcbinderhub`.
        """,
    )
    certificate_token_file = Unicode(
        "",
        config=True,
        help="The file with the token for `certificate_url`, mode 0600; read for each request.",
    )
    certificate_ca_file = Unicode(
        "",
        config=True,
        help="""A PEM file with the authority of `certificate_url`'s own TLS certificate.

        Leave empty if the hub's host trusts it already.
        """,
    )
    certificates_from_anywhere = Bool(
        False,
        config=True,
        help="""Whether certificates without `source-address` are used; for the admin to say.

        For a service that signs and cannot put the hub's address into them. Whoever steals such
        a certificate with its key can use it from any host for up to five minutes.
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
    watch_as = Enum(
        ["watcher", "users"],
        "watcher",
        config=True,
        help="""As whom Slurm is asked for the state of jobs.

        `watcher`: as `watcher_user`, with one question for everybody's. `users`: as each job's
        owner, for sites where no account may see all of them; that is a question for each user, so
        pages are told less often. What is known of a job is then its owner's own word, but for its
        node, which has to be one that `watcher_user` sees.
        """,
    )
    watch_seconds = Float(
        6.5,
        min=0.01,
        config=True,
        help="""How often the watcher asks Slurm for the state of all our jobs.

        Each look costs slurmctld one RPC. While it is slow to answer, it is asked less often.
        """,
    )
    submissions_at_once = Integer(
        8,
        min=1,
        config=True,
        help="How many jobs are submitted at the same time; further ones wait for their turn.",
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
    job_environment = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        config=True,
        help="""Variables of every job, on the node and in the container: proxies, a site's own CA.

        A profile's `environment` comes on top. Name the hub in `no_proxy` unless the proxy leads
        there. Nothing secret: scripts are kept by Slurm. Example: `{'https_proxy':
        'http://proxy:3128', 'no_proxy': 'hub.example.org', 'SSL_CERT_FILE': '/etc/ssl/site.pem'}`.
        """,
    )
    node_tmp = Unicode(
        "",
        config=True,
        help="""A directory on each node's own disk, in which every job gets a `TMPDIR` of its own.

        It has mode 0700 and is removed with the job. `{user}` and `{home}` are filled in; the
        directory has to be there, and containers see its first component, which must be among
        `mount_points`. Unless set, `TMPDIR` is as Slurm leaves it. Example: `/local/{user}`.
        """,
    )

    @property
    def jobs_are_elsewhere(self) -> bool:
        """Whether jobs run on other hosts than the hub, as far as the login nodes tell."""
        hosts = {urlsplit(f"//{host}").hostname for host in self.login_hosts}
        return self.transport == "ssh" and not hosts <= LOOPBACK

    @validate("job_environment")
    def _check_names(self, proposal: Any) -> dict[str, str]:
        for name in proposal.value:
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                raise TraitError(f"c.Site.job_environment: “{name}” is no name of a variable")
        return dict(proposal.value)

    @validate("node_tmp")
    def _check_absolute(self, proposal: Any) -> str:
        if proposal.value and not re.fullmatch(r"(/[^/{}\s]+)(/[^/\s]+)*", proposal.value):
            raise TraitError(f"c.Site.node_tmp: “{proposal.value}” does not begin as /local/…")
        return str(proposal.value)
