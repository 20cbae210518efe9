"""The tree of a file: what is in it, what that is made of, and what it means."""

from .attributes import attributes
from .axes import axes
from .nodes import children, node
from .searching import search
from .values import values
from .views import view

__all__ = ["attributes", "axes", "children", "node", "search", "values", "view"]
