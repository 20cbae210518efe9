"""The operating system's packages: Debian's and Alpine's. RPM's database is not read, and named."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..tree import Tree
from .found import Fields, Found, digest

MIB = 1 << 20
DPKG = "/var/lib/dpkg"
APK = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
RPM = ("/var/lib/rpm", "/usr/lib/sysimage/rpm")


def read(tree: Tree) -> Found:
    """The system's packages, whichever system it is."""
    yield from _debian(tree)
    for path in APK:
        yield from _alpine(tree.text(path, 64 * MIB))


def unread(tree: Tree) -> Iterator[str]:
    """What is there and is not understood."""
    if any(tree.names(folder) for folder in RPM):
        yield "the system's RPM packages"


def name(tree: Tree) -> str:
    """The operating system and its version, e.g. `debian 12`."""
    text = tree.text("/usr/lib/os-release", MIB) or tree.text("/etc/os-release", MIB)
    known = dict(re.findall(r'^(ID|VERSION_ID)="?([A-Za-z0-9._-]+)"?$', text, re.MULTILINE))
    return " ".join(known[field] for field in ("ID", "VERSION_ID") if field in known)


def _debian(tree: Tree) -> Found:
    """https://manpages.debian.org/dpkg-query; images without dpkg have a file for each package."""
    text = tree.text(f"{DPKG}/status", 64 * MIB)
    apart = [name for name in tree.names(f"{DPKG}/status.d") if not name.endswith(".md5sums")]
    texts = [text, *(tree.text(f"{DPKG}/status.d/{name}", MIB) for name in apart)]
    for stanza in "\n\n".join(texts).split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Architecture|Status): (.+)$", stanza, re.M))
        if fields and fields.get("Status", "ok installed").endswith(" installed"):
            yield {
                "kind": "deb",
                "name": fields.get("Package"),
                "version": fields.get("Version"),
                "arch": fields.get("Architecture", ""),
                "files": _files(tree, fields),
            }


def _files(tree: Tree, fields: Fields) -> str:
    """A digest of the list that dpkg keeps of the files' own digests."""
    package, arch = fields.get("Package"), fields.get("Architecture")
    for stem in (f"{package}", f"{package}:{arch}"):
        listed = tree.whole(f"{DPKG}/info/{stem}.md5sums", 4 * MIB)
        if listed:
            return digest(listed.decode("utf-8", "replace").splitlines())
    return ""


def _alpine(text: str) -> Found:
    """https://wiki.alpinelinux.org/wiki/Apk_spec"""
    for stanza in text.split("\n\n"):
        fields = dict(re.findall(r"^([PVA]):(.+)$", stanza, re.MULTILINE))
        if fields:
            yield {
                "kind": "apk",
                "name": fields.get("P"),
                "version": fields.get("V"),
                "arch": fields.get("A", ""),
            }
