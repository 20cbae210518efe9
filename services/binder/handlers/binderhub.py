"""What BinderHub serves beside builds and pages, at the same addresses."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from tornado.httputil import url_concat
from tornado.web import StaticFileHandler

from hpcbinderhub import __version__
from hpcbinderhub.repos.display import DISPLAY

from .base import BaseHandler


class VersionsHandler(BaseHandler):
    """GET: what runs here. `binderhub` is the version of this program, which answers as one."""

    def set_default_headers(self) -> None:
        """Public, so every origin may read it, as with BinderHub."""
        super().set_default_headers()
        self.set_header("Access-Control-Allow-Origin", "*")

    def get(self) -> None:
        """See the class."""
        repo2docker = version("jupyter-repo2docker")
        self.answer(
            {
                "builder": f"repo2docker {repo2docker}",
                "builder_info": {"repo2docker-version": repo2docker},
                "binderhub": __version__,
                "hpcbinderhub": __version__,
                "jupyterhub": version("jupyterhub"),
            }
        )


class RepoProvidersHandler(BaseHandler):
    """GET: the kinds of repositories, as forms show them."""

    def get(self) -> None:
        """See the class."""
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(DISPLAY))


class LegacyRedirectHandler(BaseHandler):
    """GET: the addresses of Binder's first version, which old badges still hold."""

    def get(self, _organisation: str, _repository: str, path: str | None = None) -> None:
        """See the class. The names go on as they stood in the address, not as Tornado read them."""
        prefix = self.settings["prefix"]
        _, organisation, repository, *_ = self.request.path.removeprefix(prefix).split("/")
        address = f"{prefix}v2/gh/{organisation}/{repository}/master"
        if path and path.strip("/"):
            address = url_concat(address, {"urlpath": path})
        self.redirect(address)


class StaticHandler(BaseHandler, StaticFileHandler):
    """GET: badges and the pages' own files."""

    def set_extra_headers(self, path: str) -> None:
        """Badges are shown by other sites' pages, and may change with a new version."""
        self.set_header("Cache-Control", "public, max-age=3600")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Not kept for an hour, as the file would be."""
        self.clear_header("Cache-Control")
        super().write_error(status_code, **kwargs)
