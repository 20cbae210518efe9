"""Shifter's gateway, asked as the account whose imports it accepts."""

import json
from typing import Any, Dict

from .basics import Refused, Request, slurm

USUAL = ["/usr/bin", "/bin"]
"""Munge may be of the system where Slurm is not."""


def take_in(request: Request) -> Dict[str, Any]:
    """Ask Shifter's gateway to take in a ready squashfs file."""
    import urllib.error
    import urllib.request

    body = json.dumps({"filepath": request["file"], "format": "squashfs"}).encode()
    call = urllib.request.Request(request["url"], body, {"Content-Type": "application/json"})
    whole = dict(request, path=request["path"] + USUAL)
    status, credential, _ = slurm(whole, ["munge", "--no-input"], patience=10)
    if status == 0:
        call.add_header("authentication", credential.strip())
    try:
        with urllib.request.urlopen(call, timeout=30) as answer:
            return {"status": json.loads(answer.read()).get("status", "")}
    except urllib.error.URLError as error:
        raise Refused("shifter", "the image gateway refused the import: %s" % error) from error
