"""Sites as admins write them, to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hpcbinderhub.checks.finding import Finding, Matter
from hpcbinderhub.checks.ground import Ground
from hpcbinderhub.checks.run import look_at
from hpcbinderhub.checks.table import MATTERS
from hpcbinderhub.site import Site, load_config


def ground(folder: Path, text: str = "", **more: Any) -> Ground:
    """The ground of a site whose one file has these lines, and whose state is in `folder`."""
    files = folder / "jupyterhub_config.d"
    files.mkdir(exist_ok=True)
    state = folder / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    (folder / "artefacts").mkdir(exist_ok=True)
    lines = [
        "c = get_config()",
        f"c.Site.state_dir = {str(state)!r}",
        f"c.Site.artefacts = {str(folder / 'artefacts')!r}",
        f"c.Site.builder_dir = {str(folder / 'builder')!r}",
        "c.Site.profiles = [{'name': 'p', 'title': 'P', 'partition': 'p'}]",
    ]
    (files / "10-site.py").write_text("\n".join([*lines, text]) + "\n")
    config = load_config(files)
    return Ground(files, config, Site(config=config), **more)


def matter(name: str) -> Matter:
    """The row of that name."""
    return next(one for one in MATTERS if one.name == name)


async def found(name: str, on: Ground) -> dict[str, Finding]:
    """What is found about a matter, by what was looked at."""
    (looked,) = await look_at([matter(name)], on)
    return {finding.what: finding for finding in looked.findings}


def said(finding: Finding) -> tuple[str, str, str]:
    """Its outcome, and the two sentences."""
    return finding.outcome.value, finding.sentence, finding.advice
