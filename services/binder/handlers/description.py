"""The API's own description."""

from __future__ import annotations

from typing import Any

from .base import BaseHandler


class OpenAPIHandler(BaseHandler):
    """GET: the OpenAPI description. Public, like the documentation that is made from it."""

    def initialize(self, description: dict[str, Any]) -> None:
        """The description, made when the service started."""
        self._description = description

    def get(self) -> None:
        """See the class."""
        self.answer(self._description)
