"""Addresses at which there is nothing."""

from __future__ import annotations

from tornado.web import HTTPError

from .base import BaseHandler
from .pages import PageHandler


class NoSuchResource(BaseHandler):
    """Anything below `api/`: said to programs."""

    def prepare(self) -> None:
        """Whatever the method."""
        raise HTTPError(404)


class NoSuchPage(PageHandler):
    """Anything else: said to people."""

    async def prepare(self) -> None:
        """Whatever the method."""
        await super().prepare()
        raise HTTPError(404)
