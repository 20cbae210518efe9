"""What JupyterHub shows instead of options: the way to repositories, which start servers."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from .profile import ProfileSpawner

# JupyterHub's own button would ask for a server without saying what it is to run.
_FORM = """
<style>#spawn_form .feedback-container {{ display: none; }}</style>
<p>Servers are started from a repository{whose}.</p>
<p>
  <a class="btn btn-primary" href="{recent}">Recent environments</a>
  <a class="btn btn-outline-primary" href="{service}">Choose a repository</a>
  <a class="btn btn-outline-primary" href="{service}mine">Yours</a>
</p>
"""
_GO_ON = "<script>location.replace({address});</script>"


def form_for(spawner: ProfileSpawner) -> str:
    """The way to the page of recent environments. Its owner is taken there at once, unless there is
    something to read first: what went wrong, or that somebody else's server is asked for."""
    name = quote(spawner.name, safe="")
    service = f"{urlsplit(spawner._facility.site.public_url).path}services/binder/"
    recent = f"{service}recent?server={name}" if name else f"{service}recent"
    request = spawner.handler
    asker = getattr(getattr(request, "current_user", None), "name", "")
    hers = asker == spawner.user.name
    whose = "" if hers else f", by {escape(spawner.user.name)} herself"
    page = _FORM.format(recent=recent, service=service, whose=whose)
    if hers and request.request.method == "GET":
        page += _GO_ON.format(address=json.dumps(recent))
    return page
