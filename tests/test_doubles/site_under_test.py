"""A Shifter site in a directory: its configuration, its images, and its programs run as a user."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

DOUBLES = Path(__file__).resolve().parent.parent / "doubles"
IMAGE_ID = "a1" * 32
META = """\
FORMAT: squashfs
ENTRY: ['echo', 'entry']
CMD: ['of', 'the image']
WORKDIR: /srv/env
ENV: PATH=/bin
ENV: HOME=/srv/env
ENV: COLOUR=image
"""

Done = subprocess.CompletedProcess[Any]


@dataclass(frozen=True)
class Site:
    """Where everything is. `root` is the DOUBLE_ROOT of the programs."""

    root: Path
    shared: Path
    user: pwd.struct_passwd
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def images(self) -> Path:
        return self.shared / "images"

    @property
    def data(self) -> Path:
        """A directory of the user's on a site file system, /site/data inside."""
        return self.shared / "site" / "data"

    def configured(self, name: str, **changes: str) -> "Site":
        """Another site with the same images; an empty value takes a key out."""
        root = self.shared / name
        root.mkdir(exist_ok=True)
        site = replace(self, root=root, settings={**self.settings, **changes})
        site.write_config()
        return site

    def write_config(self) -> None:
        lines = [f"{key}={value}\n" for key, value in self.settings.items() if value]
        path = self.root / "udiRoot.conf"
        path.write_text("".join(lines))
        path.chmod(0o644)

    def run(self, program: str, *words: str, **how: Any) -> Done:
        """Run one of the programs as the user, in a small environment of its own."""
        return subprocess.run(
            [str(DOUBLES / "bin" / program), *words],
            **self.as_user(how.pop("env", {})),
            **{"cwd": "/", "capture_output": True, "text": True, "check": False, **how},
        )

    def shifter(self, *words: str, image: str = f"id:{IMAGE_ID}", **how: Any) -> Done:
        """`shifter --image=IMAGE words...`"""
        chosen = [f"--image={image}"] if image else []
        return self.run("shifter", *chosen, *words, **how)

    def as_user(self, env: Mapping[str, str]) -> dict[str, Any]:
        """Arguments for subprocess: the user's identity and environment."""
        full = {
            "PATH": "/usr/bin:/bin",
            "HOME": self.user.pw_dir,
            "USER": self.user.pw_name,
            "DOUBLE_ROOT": str(self.root),
            **env,
        }
        if os.getuid() != 0:
            return {"env": full}
        uid, gid = self.user.pw_uid, self.user.pw_gid
        return {"env": full, "user": uid, "group": gid, "extra_groups": []}

    def give(self, path: Path) -> Path:
        """Let the user own a path."""
        if os.getuid() == 0:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path

    def write_meta(self, image_id: str, meta: str) -> str:
        """Add an image with the same files and another .meta; return its reference."""
        target = self.images / f"{image_id}.squashfs"
        if not target.exists():
            os.link(self.images / f"{IMAGE_ID}.squashfs", target)
        (self.images / f"{image_id}.meta").write_text(meta)
        return f"id:{image_id}"


def build_site(shared: Path, user: pwd.struct_passwd, tree: Path) -> Site:
    """Lay out a site in an empty directory, with one image made of `tree`."""
    for name in ["images", "udi", "loop", "etc", "site/data"]:
        (shared / name).mkdir(parents=True)
    squashed = shared / "images" / f"{IMAGE_ID}.squashfs"
    command = ["mksquashfs", str(tree), str(squashed), "-all-root", "-no-progress", "-quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    squashed.chmod(0o644)
    (shared / "images" / f"{IMAGE_ID}.meta").write_text(META)
    site = Site(shared, shared, user, default_settings(shared))
    site.give(site.data)
    site.write_config()
    return site


def default_settings(shared: Path) -> dict[str, str]:
    true = shutil.which("true") or "/bin/true"
    executables = ["modprobePath", "insmodPath", "cpPath", "mvPath", "chmodPath", "ddPath"]
    return {
        "udiMount": f"{shared}/udi",
        "loopMount": f"{shared}/loop",
        "imagePath": f"{shared}/images",
        "udiRootPath": str(DOUBLES),
        "etcPath": f"{shared}/etc",
        "rootfsType": "tmpfs",
        **dict.fromkeys(executables, true),
        "system": "testcluster",
        "imageGateway": "http://127.0.0.1:9",
        "defaultImageType": "docker",
        "siteFs": f"/home:/home;{shared}/site:/site",
        "populateEtcDynamically": "1",
    }
