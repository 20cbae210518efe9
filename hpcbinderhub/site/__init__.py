"""What a facility configures, in one place.

The hub, the service, the worker and the command line all read the same files
(`jupyterhub_config.d/*.py`), where every line starts with `c.Site.`. Each help text says what the
value is for, gives an example, and names who may set it: everything here is the admin's.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from traitlets import TraitError
from traitlets.config import Config, LoggingConfigurable
from traitlets.config.loader import PyFileConfigLoader

from .builds import Builds
from .cluster import LOOPBACK, ClusterAccess
from .engines import Engines
from .hop import HopSettings
from .identity import Identity
from .launches import Launches
from .repositories import Repositories
from .spelling import check_spelling, unknown
from .storage import Storage
from .trust import TrustSettings
from .web import Web

__all__ = ["LOOPBACK", "Site", "check_files", "load_config", "load_site"]


class Site(
    Identity,
    ClusterAccess,
    HopSettings,
    Storage,
    Repositories,
    Builds,
    TrustSettings,
    Engines,
    Launches,
    Web,
    LoggingConfigurable,
):
    """The facility: its cluster, its storage, its builders and what it offers.

    Once it is made, nothing changes it: what was checked stays what was checked.
    """

    _made = False

    def __init__(self, **known: Any):
        super().__init__(**known)
        settings = self.class_trait_names(config=True)
        for name in self.config.get("Site", {}):
            if name not in settings:
                raise TraitError(unknown(name, settings))
        self._made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._made and self.has_trait(name):
            raise AttributeError(f"Site.{name} is set in the site's files, and nowhere else")
        super().__setattr__(name, value)

    def but(self, **values: Any) -> Site:
        """The same site with other values for some settings."""
        return Site(config=self.config, **self.trait_values(config=True) | values)


def load_config(directory: str | Path) -> Config:
    """The merged configuration of `directory/*.py`, in order of name, as JupyterHub reads it."""
    merged = Config()
    paths = sorted(Path(directory).glob("*.py"))
    check_files(paths)
    for path in paths:
        merged.merge(PyFileConfigLoader(path.name, path=str(path.parent)).load_config())
    return merged


def check_files(paths: Iterable[Path]) -> None:
    """Refuse files that set what is not there, with the line."""
    check_spelling(paths, Site.class_trait_names(config=True))


def load_site(directory: str | Path) -> Site:
    """The site that the files in `directory` describe."""
    return Site(config=load_config(directory))
