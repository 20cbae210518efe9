"""The service's word for which repository an artefact was made of.

Whoever writes a start request by hand names an artefact and a repository as she likes. The service
signs that the two belong together, with a key that it shares with the hub, and a profile that is
for some repositories alone takes nothing else. A server that is started again has the same word.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

from ..errors import NotAllowed
from ..kept_secret import kept_secret
from .options import LaunchOptions

FILE = "origin_secret"


def signed(options: LaunchOptions, state_dir: Path) -> LaunchOptions:
    """The options of a launch, as the service sends them."""
    origin = _word(options, kept_secret(state_dir / FILE))
    return options.model_copy(update={"origin": origin})


def check_origin(options: LaunchOptions, state_dir: Path) -> None:
    """Refuse what the service did not send."""
    # The service makes the key before it signs; without one, nothing was signed.
    path = state_dir / FILE
    if not path.exists() or not hmac.compare_digest(
        options.origin, _word(options, path.read_bytes())
    ):
        raise NotAllowed(
            "This profile is for some repositories alone, and nothing says that this image was "
            "made of one of them.",
            "Start it from the launch page.",
        )


def _word(options: LaunchOptions, key: bytes) -> str:
    said = json.dumps([options.artefact, options.repo_url, options.spec])
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()
