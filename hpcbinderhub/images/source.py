"""Where the in-image distribution is: what every environment gets of ours."""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError


def hpcbinder_source(given: str | None) -> Path:
    """As it is named, or beside the library in a source tree."""
    path = Path(given) if given else Path(__file__).resolve().parents[2] / "hpcbinder"
    if not path.exists():
        raise UserError(
            "The in-image distribution was not found.",
            "Name its source tree or wheel with --hpcbinder.",
        )
    return path.resolve()
