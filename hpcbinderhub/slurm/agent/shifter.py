"""Shifter's gateway, asked as the account whose imports it accepts."""

import json
import subprocess
from typing import Any, Dict

from .basics import Refused, Request


def take_in(request: Request) -> Dict[str, Any]:
    """Ask Shifter's gateway to take in a ready squashfs file."""
    import urllib.error
    import urllib.request

    body = json.dumps({"filepath": request["path"], "format": "squashfs"}).encode()
    call = urllib.request.Request(request["url"], body, {"Content-Type": "application/json"})
    munge = subprocess.run(
        ["munge", "--no-input"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=10
    )
    if munge.returncode == 0:
        call.add_header("authentication", munge.stdout.decode().strip())
    try:
        with urllib.request.urlopen(call, timeout=30) as answer:
            return {"status": json.loads(answer.read()).get("status", "")}
    except urllib.error.URLError as error:
        raise Refused("shifter", "the image gateway refused the import: %s" % error) from error
