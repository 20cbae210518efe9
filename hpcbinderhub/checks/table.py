"""All that is checked, by name; what one needs comes before it."""

from __future__ import annotations

from . import address, builder, configuration, registry, secret_files, storage, versions
from .finding import Matter
from .ground import Ground


def _on_the_hub(ground: Ground) -> str:
    return "" if ground.is_hub() else "This is a builder's account, and this is the hub's matter."


MATTERS = (
    Matter("configuration", "The site's files, and what production needs", configuration.look),
    Matter("secrets", "Files with secrets: whose they are and who reads them", secret_files.look),
    Matter(
        "storage",
        "The service's state, its database, and the artefact store",
        storage.look,
        applies=_on_the_hub,
    ),
    Matter(
        "address",
        "The hub at its public address: TLS, JupyterHub, the service",
        address.look,
        applies=_on_the_hub,
    ),
    Matter("registry", "The registry for engines that pull", registry.look, applies=_on_the_hub),
    Matter(
        "builder",
        "This host as one that builds",
        builder.look,
        seconds=300,
        applies=builder.applies,
    ),
    Matter("versions", "Which versions work together", versions.look),
)
