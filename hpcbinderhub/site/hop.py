"""The way from the proxy to a server on a compute node."""

from __future__ import annotations

from traitlets import Bool, Enum, HasTraits, Unicode


class HopSettings(HasTraits):
    """The way from the proxy to a server on a compute node."""

    hop = Enum(
        ["direct", "login"],
        default_value="direct",
        config=True,
        help="""How the hub's host reaches the compute nodes; for the admin to say.

        `direct`: over the network. `login`: through the login node, on the user's own SSH
        connection, for networks where the hub's host has no route to the nodes. The certificates
        must then permit port forwarding (`hpcbinderhub-sign --permit-port-forwarding`), and the
        login nodes' sshd too. Either way TLS is between the hub and the server itself.
        """,
    )
    hop_address = Unicode(
        "127.0.0.1",
        config=True,
        help="""Where the hub listens for the proxy, one port for each server; for the admin to say.

        The proxy speaks plain HTTP to it, so it should be on the same host; of that host, nobody
        but the hub and `hop_proxy_user` is let in. For a proxy elsewhere: an address of the hub's
        host, with a firewall that lets the proxy alone in. Example: `10.0.0.2`.
        """,
    )
    hop_proxy_user = Unicode(
        "",
        config=True,
        help="""The account that the proxy runs as, if it is not the hub's; for the admin to say.

        Other accounts of the hub's host are not let in past the proxy. Example: `www-data`.
        """,
    )
    hop_start = Bool(
        True,
        config=True,
        help="""Whether the hub starts the process that leads to servers; for the admin to say.

        It outlives the hub, so that open connections do. Switch this off where systemd starts it,
        as it should where systemd starts the hub: that ends with the hub's unit all that the hub
        has started. The unit runs `python -m hpcbinderhub.hop STATE_DIR/hop` as the hub's account.
        """,
    )
