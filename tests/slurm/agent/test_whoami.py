"""What Slurm's accounting says of a user, as `sacctmgr` prints it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from slurm.agent.conftest import Ask

SACCTMGR = """#!/bin/sh
case "$*" in
    *"show associations where user=$USER format=account,partition,qos,defaultqos")
        printf 'geo||normal,premium|normal\\nml|gpu|normal|\\n' ;;
    *"show user where name=$USER format=defaultaccount")
        echo ml ;;
    *) echo "what is $*?" >&2; exit 1 ;;
esac
"""


def test_a_user_has_associations_and_a_default_account(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "sacctmgr").write_text(SACCTMGR)
    (tmp_path / "sacctmgr").chmod(0o755)
    answer = ask("whoami", path=[str(tmp_path), "/usr/bin", "/bin"])
    assert answer["user"] == pwd.getpwuid(os.getuid()).pw_name
    assert answer["default_account"] == "ml"
    assert answer["associations"] == [
        {"account": "geo", "partition": "", "qos": "normal,premium", "default_qos": "normal"},
        {"account": "ml", "partition": "gpu", "qos": "normal", "default_qos": ""},
    ]
