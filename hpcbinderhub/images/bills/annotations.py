"""What an OCI image says of itself.

https://github.com/opencontainers/image-spec/blob/v1.1.0/annotations.md
"""

from __future__ import annotations

from .cyclonedx import described, moment
from .model import Bill

PREFIX = "hpcbinderhub."


def annotations_of(bill: Bill) -> dict[str, str]:
    """The standard's names where it has them, ours for the rest. The base image's are left out:
    builders write them, and they must name something that can be pulled."""
    standard = {
        "org.opencontainers.image.created": moment(bill.made),
        "org.opencontainers.image.source": bill.repo_url,
        "org.opencontainers.image.revision": bill.commit,
    }
    ours = {PREFIX + name: value for name, value in described(bill).items()}
    return {name: value for name, value in (standard | ours).items() if value}
