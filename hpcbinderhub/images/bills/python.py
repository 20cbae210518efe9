"""Python packages, from the `.dist-info` that every installer leaves.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from email.parser import HeaderParser
from typing import Any

from ..tree import Tree
from .found import Fields, Found, digest, hashes, parsed, public
from .model import python_name

# Debian's own are among Debian's packages.
SYSTEM_FOLDER = "/usr/lib/python3/dist-packages"
HASHES = "hpcbinder-hashes.json"
"""What our installer in the image has noted of wheels, by name and version."""

OTHERS = {"conda", "debian"}
"""Installers that keep records of their own, which are read as well."""

KIB, MIB = 1 << 10, 1 << 20

# What an installer writes itself: it differs from one installation to the next.
_OWN_FILES = re.compile(
    r"(\.pyc|\.dist-info/(INSTALLER|REQUESTED|RECORD(\.jws|\.p7s)?|direct_url\.json|uv_\w+\.json))$"
    r"|^\.\./.*/?(bin|Scripts)/"
)


def read(tree: Tree, prefixes: Iterable[str]) -> Found:
    """The packages of all environments."""
    for prefix in prefixes:
        for folder in _folders(tree, prefix):
            known = parsed(tree.whole(f"{folder}/{HASHES}", MIB)) or {}
            for name in tree.names(folder):
                if name.endswith(".dist-info"):
                    for package in _package(tree, prefix, f"{folder}/{name}", name):
                        yield package and _with_hash(package, known)


def _with_hash(package: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """With the hash of its wheel, if it came from an index by uv and our installer has noted it."""
    by_uv = package.pop("installer") == "uv"
    noted = hashes({"sha256": known.get(f"{package['name']}=={package['version']}")})
    if by_uv and noted and not package.get("url"):
        package["hashes"] = noted
    return package


def _folders(tree: Tree, prefix: str) -> Iterator[str]:
    for library in (f"{prefix}/lib", f"{prefix}/lib64"):
        for python in tree.names(library):
            if re.fullmatch(r"python3(\.\d+)?", python):
                found = (f"{library}/{python}/{end}-packages" for end in ("site", "dist"))
                yield from (folder for folder in found if folder != SYSTEM_FOLDER)


def _package(tree: Tree, prefix: str, folder: str, name: str) -> Found:
    installer = tree.text(f"{folder}/INSTALLER", KIB).strip()
    if installer in OTHERS:
        return
    headers = HeaderParser().parsestr(tree.text(f"{folder}/METADATA", 64 * KIB))
    own_name, version = headers.get("Name"), headers.get("Version")
    if not own_name or not version:
        own_name, _, version = name.removesuffix(".dist-info").rpartition("-")
    yield {
        "kind": "pypi",
        "installer": installer,
        "name": python_name(str(own_name).strip()),
        "version": str(version).strip(),
        "where": prefix,
        "files": _files(tree, f"{folder}/RECORD"),
        **_origin(tree, folder),
    }


def _files(tree: Tree, path: str) -> str:
    """One digest for the list of files that came out of the archive."""
    text = tree.whole(path, 16 * MIB)
    if text is None:
        return ""
    try:
        rows = list(csv.reader(text.decode("utf-8", "replace").splitlines()))
    except csv.Error:
        return ""
    return digest(
        f"{row[0]},{row[1]}"
        for row in rows
        if len(row) == 3 and row[1] and not _OWN_FILES.search(row[0])
    )


def _origin(tree: Tree, folder: str) -> Fields:
    """Where it came from, if its installer wrote that down: it does for addresses, and not for what
    an index had."""
    for name in ("direct_url.json", "provenance_url.json"):
        origin = parsed(tree.whole(f"{folder}/{name}", 64 * KIB))
        if origin is not None:
            return _from_address(origin)
    return {}


def _from_address(origin: Mapping[str, Any]) -> Fields:
    """See https://packaging.python.org/en/latest/specifications/direct-url-data-structure/"""
    url, subdirectory = public(origin.get("url")), origin.get("subdirectory")
    found: Fields = {"url": public(f"{url}#subdirectory={subdirectory}") if subdirectory else url}
    version_control, archive = origin.get("vcs_info"), origin.get("archive_info")
    if isinstance(version_control, dict) and version_control.get("vcs") == "git":
        found["url"] = public(f"git+{found['url']}")
        found["commit"] = version_control.get("commit_id")
    if isinstance(archive, dict):
        kind, _, value = str(archive.get("hash")).partition("=")
        found["hashes"] = hashes(archive.get("hashes")) or hashes({kind: value})
    return found
