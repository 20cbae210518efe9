"""The agent, run on this host as another account: what SSH would do on a login node."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys

from service.agent_here import COMMAND, AgentHere


def change_to(account: str) -> list[str]:
    """What goes before a command to run it as this account; nothing for one's own."""
    entry = pwd.getpwnam(account)
    if entry.pw_uid == os.getuid():
        return []
    return ["setpriv", f"--reuid={account}", f"--regid={entry.pw_gid}", "--init-groups"]


def can_read_our_python(account: str) -> bool:
    """Whether the account can run what these tests run."""
    probe = [*change_to(account), sys.executable, "-c", "import hpcbinderhub"]
    return subprocess.run(probe, capture_output=True, cwd="/").returncode == 0


class AgentAs(AgentHere):
    """A transport to one account, whatever the user is called."""

    def __init__(self, account: str):
        self.command = (*change_to(account), *COMMAND)
        self.uid = pwd.getpwnam(account).pw_uid
