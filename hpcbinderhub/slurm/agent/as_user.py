"""The one program that sudo lets a hub run as root, where the hub's host is a login node itself.

It reads a user and a request for the agent from standard input, becomes that user for good, and is
the agent. Whom it may become is in a file of root's; root, system accounts and whoever is not in
the site's group are never among them. Nothing of the request reaches root's own process but as JSON
that was looked at; nothing of its environment or open files reaches the user's.
"""

import grp
import json
import os
import pwd
import resource
import signal
import stat
import sys
import syslog
from typing import Any, Dict, List, NamedTuple

from .account_state import why_not_now

CONFIG = "/etc/hpcbinderhub/as-user.json"
REQUEST_BYTES = 4 << 20
LIMIT_SECONDS = 2000
"""Longer than anything that the agent does."""
CLOSED_SHELLS = ("nologin", "false")


class Config(NamedTuple):
    """Whom this program may become."""

    group: str
    min_uid: int
    pam_service: str
    """Whose rules say which accounts may be used at the moment."""


class No(Exception):
    """What is not done, in words for the hub's log."""


def main() -> None:
    syslog.openlog("hpcbinderhub-as-user", syslog.LOG_PID, syslog.LOG_AUTHPRIV)
    caller = os.environ.get("SUDO_USER", "?")
    try:
        if len(sys.argv) != 1 or os.geteuid() != 0:
            raise No("it is run by sudo, as root and without arguments")
        asked = read_request(sys.stdin.buffer.read(REQUEST_BYTES + 1))
        account = find_account(asked["user"], read_config(CONFIG))
    except No as error:
        syslog.syslog(syslog.LOG_WARNING, "refused %s: %s" % (caller, error))
        sys.exit("Refused: %s." % error)
    syslog.syslog("%s as %s: %.40r" % (caller, account.pw_name, asked["request"].get("op")))
    sys.exit(run(account, json.dumps(asked["request"])))


def read_request(data: bytes) -> Dict[str, Any]:
    """A user's name and a request, and nothing else."""
    if len(data) > REQUEST_BYTES:
        raise No("the request has more than %d bytes" % REQUEST_BYTES)
    try:
        asked = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise No("the request is no JSON") from None
    if not isinstance(asked, dict) or set(asked) != {"user", "request"}:
        raise No("a request has a user and a request, and nothing else")
    if not isinstance(asked["user"], str) or not isinstance(asked["request"], dict):
        raise No("the user is a text and the request an object")
    return asked


def read_config(path: str) -> Config:
    """Root's own file, or one that only root could have written."""
    try:
        with open(path) as file:
            found = os.fstat(file.fileno())
            values = json.load(file)
    except (OSError, ValueError) as error:
        raise No("%s cannot be read: %s" % (path, error)) from error
    if found.st_uid != 0 or stat.S_IMODE(found.st_mode) & 0o022:
        raise No("%s is not root's alone to write" % path)
    if not isinstance(values, dict) or not set(values) <= set(Config._fields):
        raise No("%s has other keys than %s" % (path, ", ".join(Config._fields)))
    group, min_uid = values.get("group"), values.get("min_uid", 1000)
    if not isinstance(group, str) or type(min_uid) is not int or min_uid < 1:
        raise No("%s names no group, or no number above 0 as min_uid" % path)
    service = values.get("pam_service", "sshd")
    if not isinstance(service, str) or not service.replace("-", "").isalnum():
        raise No("%s has a pam_service that is no name" % path)
    return Config(group, min_uid, service)


def find_account(name: str, config: Config) -> "pwd.struct_passwd":
    """Somebody whom this program may become."""
    try:
        account = pwd.getpwnam(name)
        group = grp.getgrnam(config.group)
    except (KeyError, ValueError):
        raise No("there is no account %.40r, or no group %s" % (name, config.group)) from None
    if account.pw_name != name or account.pw_uid < config.min_uid or account.pw_gid == 0:
        raise No("%.40r is no person's account" % name)
    if group.gr_gid not in os.getgrouplist(name, account.pw_gid):
        raise No("%s is not in the group %s" % (name, config.group))
    if os.path.basename(account.pw_shell) in CLOSED_SHELLS:
        raise No("%s may not log in" % name)
    refusal = why_not_now(name, config.pam_service)
    if refusal:
        raise No("%s may not log in now: %s" % (name, refusal))
    return account


def run(account: "pwd.struct_passwd", request: str) -> int:
    """Be the agent in a process that can never be root again; its exit status."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    groups = os.getgrouplist(account.pw_name, account.pw_gid)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            become(account, groups)
            status = be_agent(request)
        finally:
            os._exit(status)
    return wait(child)


def become(account: "pwd.struct_passwd", groups: List[int]) -> None:
    os.setsid()
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.setgroups(groups)
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    if os.getresuid() != (account.pw_uid,) * 3 or os.getresgid() != (account.pw_gid,) * 3:
        os._exit(1)
    os.chdir("/")
    os.umask(0o077)
    os.environ.clear()
    os.environ.update(
        PATH="/usr/local/bin:/usr/bin:/bin",
        HOME=account.pw_dir,
        USER=account.pw_name,
        LOGNAME=account.pw_name,
        SHELL="/bin/sh",
        LANG="C.UTF-8",
    )
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def be_agent(request: str) -> int:
    """Only now is any of the agent's code run."""
    from . import main as agent

    try:
        agent.answer(request)
    except SystemExit:
        return 1
    return 0


def wait(child: int) -> int:
    """Until it has ended, which it must some time: the hub cannot end what is not its own."""

    def too_long(_signal: int, _frame: Any) -> None:
        os.killpg(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LIMIT_SECONDS)
    _, status = os.waitpid(child, 0)
    return 0 if status == 0 else 1
