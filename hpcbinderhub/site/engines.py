"""What the container engines need of the site."""

from __future__ import annotations

from traitlets import Bool, HasTraits, Unicode


class Engines(HasTraits):
    """What the container engines need of the site."""

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
