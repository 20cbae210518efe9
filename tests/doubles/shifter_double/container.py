"""Build the container's root: a tmpfs with the image, the site and the user's volumes bound in.

Shifter does it as root in a new mount namespace; the double does the same steps in a new user
namespace that maps the user to herself (contract 2, What the container looks like).
"""

import json
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .config import Config
from .errors import SetupError
from .etcfiles import replace_etc_files
from .kernel import (
    CLONE_NEWNS,
    CLONE_NEWUSER,
    MS_NODEV,
    MS_NOSUID,
    MS_REC,
    MS_SLAVE,
    bind,
    mount,
    remount_read_only,
    resolve_in_root,
    unshare,
)
from .metadata import ImageMetadata
from .modules import Modules
from .reference import Reference
from .squashfs import SquashServer, start_server
from .volumes import Volume, parse_site_volumes, volume_map

SMALL_FILE = 5 * 1024 * 1024
FROM_HOST = ("dev", "sys", "proc", "tmp")
SPLIT = ("etc", "var", "opt")


@dataclass(frozen=True)
class Container:
    """Everything that decides what the container looks like."""

    config: Config
    image: Reference
    metadata: ImageMetadata
    user: pwd.struct_passwd
    volumes: Sequence[Volume]
    modules: Modules

    @property
    def root(self) -> Path:
        return Path(self.config.text("udiMount"))


def enter(container: Container) -> None:
    """Build the container around this process and chroot into it.

    chroot and not pivot_root: as with Shifter, the kernel then refuses user namespaces inside.
    """
    try:
        server = _leave_host_namespaces(container)
        tree = _mount_image(container, server)
        _build_root(container, tree)
        os.chroot(container.root)
        os.chdir("/")
    except OSError as error:
        raise SetupError(f"FAILED to build the container: {error}") from error


def _leave_host_namespaces(container: Container) -> SquashServer | None:
    uid, gid = os.getuid(), os.getgid()
    unshare(CLONE_NEWUSER)
    # The kernel lets an unprivileged user map nothing but her own ids, and only without setgroups.
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        Path("/proc/self", name).write_text(text)
    squashfs = container.image.type != "local" and container.metadata.format == "squashfs"
    path = container.config.image_path / f"{container.image.descriptor}.squashfs"
    server = start_server(path) if squashfs else None
    unshare(CLONE_NEWNS)
    mount("none", "/", flags=MS_REC | MS_SLAVE)
    return server


def _mount_image(container: Container, server: SquashServer | None) -> Path:
    """Return the directory where the image's files are."""
    if container.image.type == "local":
        return Path(container.image.descriptor)
    if server is not None:
        loop = Path(container.config.text("loopMount"))
        server.mount(loop)
        loop.stat()
        return loop
    if container.metadata.format == "VFS":
        return container.config.image_path / f"{container.image.descriptor}."
    # Contract 5: other formats parse but do not mount.
    raise SetupError(f"FAILED to mount image format {container.metadata.format}")


def _build_root(container: Container, tree: Path) -> None:
    root, config = container.root, container.config
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    _populate(root, tree)
    _run_site_hook(config.text("sitePreMountHook"), root)
    replace_etc_files(_directory(root / "etc"), config, container.user)
    _bind_host_parts(root)
    site = [
        _bind_site_volume(root, volume)
        for settings in (config, *container.modules.values())
        for volume in parse_site_volumes(settings.text("siteFs"))
    ]
    _populate_udi_image(container)
    approved = {_device(root), _device(root / "tmp"), _device(tree)}
    closed = [mounted for mounted in site if _device(mounted) not in approved]
    for volume in container.volumes:
        _bind_user_volume(root, volume, closed)
    _run_site_hook(config.text("sitePostMountHook"), root)
    _write_shifter_config(container)
    # Always, whatever mountUdiRootWritable says: Shifter's root belongs to root, the double's to
    # the user, and only read-only makes both equally closed to her.
    remount_read_only(root)


def _populate(root: Path, tree: Path) -> None:
    """Lay out the image: top-level directories bound, /etc copied, /var and /opt by their parts."""
    # The root itself may lie in what is laid out: `local:/` binds the host.
    hidden = {str(root), str(tree / "var" / "tmp"), str(tree / "opt" / "udiImage")}
    for entry in sorted(os.scandir(tree), key=lambda entry: entry.name):
        if entry.name in FROM_HOST or entry.path in hidden:
            continue
        target = root / entry.name
        if entry.name == "etc" and entry.is_dir(follow_symlinks=False):
            _copy_tree(Path(entry.path), target)
        elif entry.name in SPLIT and entry.is_dir(follow_symlinks=False):
            _directory(target)
            for part in os.scandir(entry.path):
                if part.path not in hidden:
                    _bring_in(part, target / part.name)
        else:
            _bring_in(entry, target)
    for name in (*SPLIT, *FROM_HOST):
        _directory(root / name)


def _bring_in(entry: os.DirEntry[str], target: Path) -> None:
    """Bind a directory or a large file, copy a small file or a link."""
    if entry.is_symlink():
        target.symlink_to(os.readlink(entry.path))
    elif entry.is_dir():
        target.mkdir()
        bind(entry.path, target)
        remount_read_only(target)
    elif entry.is_file():
        if entry.stat().st_size < SMALL_FILE:
            _copy_file(Path(entry.path), target)
        else:
            target.touch()
            bind(entry.path, target)
            remount_read_only(target)


def _copy_tree(source: Path, target: Path) -> None:
    """Copy /etc; what the user may not read stays unreadable, as root's copy of it would."""
    target.mkdir()
    for entry in _readable_entries(source):
        path = Path(entry.path)
        if entry.is_symlink():
            (target / entry.name).symlink_to(os.readlink(path))
        elif entry.is_dir():
            _copy_tree(path, target / entry.name)
        elif entry.is_file():
            _copy_file(path, target / entry.name)
    target.chmod(stat.S_IMODE(source.stat().st_mode) | stat.S_IRWXU)
    if not os.access(source, os.R_OK | os.X_OK):
        target.chmod(0)


def _readable_entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    if os.access(directory, os.R_OK | os.X_OK):
        yield from os.scandir(directory)


def _copy_file(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
        target.chmod(stat.S_IMODE(source.stat().st_mode))
    except PermissionError:
        target.touch(mode=0)


def _bind_host_parts(root: Path) -> None:
    # A fresh /proc needs a pid namespace, which Shifter does not make; the host's shows the same.
    for name in ("dev", "sys", "proc", "tmp", "var/tmp"):
        bind(f"/{name}", _directory(root / name))


def _bind_site_volume(root: Path, volume: Volume) -> Path:
    """Bind a host directory; its mount point may be made on the tmpfs (contract 7, siteFs)."""
    if not os.path.isdir(volume.source):
        raise SetupError(f'FAILED to find real path for volume "from": {volume.source}')
    target = _mount_point(root, volume.target)
    bind(volume.source, target)
    if volume.has("ro"):
        remount_read_only(target)
    return target


def _bind_user_volume(root: Path, volume: Volume, closed: Sequence[Path]) -> None:
    """Bind what the user sees inside at FROM to TO, if TO is not on a closed file system."""
    if volume.has("perNodeCache"):
        raise SetupError("FAILED to create perNodeCache volume: not available")
    try:
        source = resolve_in_root(root, volume.source)
    except OSError as error:
        raise SetupError(f'FAILED to find real path for volume "from": {volume.source}') from error
    if not source.is_dir():
        raise SetupError(f'FAILED "from" location is not directory: {volume.source}')
    target = _mount_point(root, volume.target)
    if not target.is_dir():
        raise SetupError(f'FAILED "to" location is not directory: {volume.target}')
    if any(target.is_relative_to(mounted) for mounted in closed):
        raise SetupError(
            f"Mount request path {root}/{volume.target} "
            "not on an approved device for volume mounts."
        )
    bind(source, target)
    if volume.has("ro"):
        remount_read_only(target)


def _mount_point(root: Path, target: str) -> Path:
    """Find TO, or make it where its parent is on the tmpfs of the root."""
    try:
        return resolve_in_root(root, target)
    except OSError:
        pass
    try:
        # Not Path.parent: with a trailing slash TO counts as its own parent, and fails.
        parent = resolve_in_root(root, os.path.dirname(target))
        if _device(parent) == _device(root):
            (parent / os.path.basename(target)).mkdir()
            return parent / os.path.basename(target)
    except OSError:
        pass
    raise SetupError(
        f'FAILED to create volume "to": {root}/{target}, '
        "cannot create mount points in that location"
    )


def _populate_udi_image(container: Container) -> None:
    """/opt/udiImage: the site's own tools, and what the modules bring along (copyPath)."""
    udi_image = _directory(container.root / "opt" / "udiImage")
    modules = _directory(udi_image / "modules")
    site_tools = container.config.text("optUdiImage")
    for entry in os.scandir(site_tools) if site_tools else ():
        if entry.name != "modules":
            _bring_in(entry, udi_image / entry.name)
    for name, module in container.modules.items():
        if module.text("copyPath"):
            target = _directory(modules / name)
            bind(module.text("copyPath"), target)
            remount_read_only(target)


def _run_site_hook(hook: str, root: Path) -> None:
    # Shifter runs it as root; the double can only run it as the user, in the same directory.
    if hook and subprocess.run([hook], cwd=root, check=False).returncode != 0:
        raise SetupError(f"FAILED to run site hook {hook}")


def _write_shifter_config(container: Container) -> None:
    facts = {
        "identifier": container.image.descriptor,
        "user": container.user.pw_name,
        "volMap": volume_map(container.volumes),
        "modules": "".join(f"{name}," for name in container.modules),
    }
    text = json.dumps(facts, separators=(",", ":"))
    (container.root / "var" / "shifterConfig.json").write_text(text)


def _directory(path: Path) -> Path:
    path.mkdir(exist_ok=True, mode=0o755)
    return path


def _device(path: Path) -> int:
    return path.stat().st_dev
