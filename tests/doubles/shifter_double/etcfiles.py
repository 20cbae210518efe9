"""What replaces the image's own files in /etc (contract 2, What the container looks like)."""

import grp
import os
import pwd
import shutil
from pathlib import Path

from .config import Config
from .errors import SetupError

NSSWITCH = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"


def replace_etc_files(etc: Path, config: Config, user: pwd.struct_passwd) -> None:
    """Put passwd, group, nsswitch.conf, hosts and resolv.conf of this site and user into /etc."""
    site = Path(config.text("etcPath"))
    for host_file in ("/etc/hosts", "/etc/resolv.conf"):
        if not os.path.exists(host_file):
            raise SetupError(f"FAILED to copy {host_file}")
        _put(etc / Path(host_file).name, Path(host_file).read_text())
    for entry in sorted(site.iterdir()) if site.is_dir() else ():
        if entry.is_file():
            _put(etc / entry.name, entry.read_text())
    if not (site / "nsswitch.conf").exists():
        _put(etc / "nsswitch.conf", NSSWITCH)
    if config.flag("populateEtcDynamically"):
        _put(etc / "passwd", passwd_text(config, user))
        _put(etc / "group", group_text(config))
    elif not ((site / "passwd").exists() and (site / "group").exists()):
        raise SetupError(f"FAILED to find passwd and group in {site}")


def passwd_text(config: Config, user: pwd.struct_passwd) -> str:
    """ONLY the user and usersToImport: there is no root entry."""
    users = {user.pw_name: user}
    for name in config.words("usersToImport", r"[\s,]+"):
        users[name] = pwd.getpwnam(name)
    return "".join(
        f"{entry.pw_name}:x:{entry.pw_uid}:{entry.pw_gid}:{entry.pw_gecos}"
        f":{entry.pw_dir}:{entry.pw_shell}\n"
        for entry in users.values()
    )


def group_text(config: Config) -> str:
    """The groups this process is in, up to maxGroupCount."""
    gids = sorted({os.getgid(), *os.getgroups()})
    limit = int(config.text("maxGroupCount", "0")) or len(gids)
    lines = []
    for gid in gids[:limit]:
        try:
            lines.append(f"{grp.getgrgid(gid).gr_name}:x:{gid}:\n")
        except KeyError:
            continue
    return "".join(lines)


def _put(path: Path, text: str) -> None:
    # The image may have a link here, which would lead out of the copied /etc.
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(0o644)
