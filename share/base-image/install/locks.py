"""Lock files and Pipfiles, as the requirement lines that uv is given.

What lies on a host that the site's own index stands for is asked for by version and hash alone:
whatever that index says, nothing else is installed. The rest is named by address.
"""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from packaging.markers import Marker
from packaging.pylock import (
    PackageArchive,
    PackageDirectory,
    PackageVcs,
    Pylock,
    PylockSelectError,
    PylockUnsupportedVersionError,
    PylockValidationError,
)
from packaging.utils import canonicalize_name

STANDS_FOR = set(os.environ.get("HPCBINDER_INDEX_STANDS_FOR", "").split())
"""Hosts whose files the site's index has, too: those of an index that it is a mirror of."""
CHOSEN = "binder"
PIPFILE_MARKERS = {
    "os_name",
    "sys_platform",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "python_version",
    "python_full_version",
    "implementation_name",
    "implementation_version",
}


class BadLock(Exception):
    """A lock file that cannot be followed; the text is for the person who waits."""


def names(lines):
    """The packages that requirement lines name."""
    found = (re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[.*?\])?\s*(==| @ )", line) for line in lines)
    return {canonicalize_name(match[1]) for match in found if match}


def pylock_lines(content, folder):
    """The packages of a ``pylock.toml`` that are for this interpreter."""
    try:
        lock = Pylock.from_dict(content)
        extras = [name for name in lock.extras or () if name == CHOSEN]
        groups = [*(lock.default_groups or ())]
        groups += [name for name in lock.dependency_groups or () if name == CHOSEN]
        chosen = lock.select(extras=extras, dependency_groups=groups)
        return [_locked(package, source, folder) for package, source in chosen]
    except (
        PylockSelectError,
        PylockUnsupportedVersionError,
        PylockValidationError,
    ) as error:
        raise BadLock(str(error)) from error


def _locked(package, source, folder):
    """One package of a lock, from the source that suits this interpreter."""
    if isinstance(source, PackageDirectory):
        return f"{package.name} @ {_file(folder, source.path, source.subdirectory)}"
    if isinstance(source, PackageVcs):
        if source.type != "git":
            raise BadLock(f"{package.name} comes from {source.type}; only git is understood")
        where = source.url or _file(folder, source.path)
        return f"{package.name} @ git+{where}@{source.commit_id}{_below(source.subdirectory)}"
    if not isinstance(source, PackageArchive) and package.version and _is_mirrored(package, source):
        files = [*(package.wheels or ()), *([package.sdist] if package.sdist else ())]
        return f"{package.name}=={package.version}{_hashes(files)}"
    where = source.url or _file(folder, source.path)
    below = _below(getattr(source, "subdirectory", None))
    return f"{package.name} @ {where}{below}{_hashes([source])}"


def _is_mirrored(package, source):
    """Whether the site's index has a file, too."""
    address = package.index or source.url
    return address is not None and urlsplit(address).hostname in STANDS_FOR


def _hashes(files):
    """Options with the hashes of all files that may be taken."""
    found = {f"{kind}:{value}" for file in files for kind, value in file.hashes.items()}
    return "".join(f" --hash={text}" for text in sorted(found))


def _file(folder, path, below=None):
    """The address of something in the repository."""
    return Path(folder, path, below or "").resolve().as_uri()


def _below(subdirectory):
    return f"#subdirectory={subdirectory}" if subdirectory else ""


def pipfile_lock_lines(content, folder):
    """The packages of a ``Pipfile.lock``, those for development too, as repo2docker has them."""
    sections = [content.get("default", {}), content.get("develop", {})]
    return [
        *_sources(content.get("_meta", {}).get("sources", [])),
        *dict.fromkeys(
            _pipenv(name, entry, folder)
            for section in sections
            for name, entry in section.items()
            if _applies(entry)
        ),
    ]


def pipfile_lines(content, folder):
    """The packages of a ``Pipfile`` that nobody has locked."""
    sections = [content.get("packages", {}), content.get("dev-packages", {})]
    return [
        *_sources(content.get("source", [])),
        *(
            _pipenv(name, entry, folder)
            for section in sections
            for name, entry in section.items()
            if _applies(entry)
        ),
    ]


def _sources(sources):
    """Indexes other than those that the site's own stands for."""
    urls = [source.get("url", "") for source in sources]
    return [f"--extra-index-url {url}" for url in urls if urlsplit(url).hostname not in STANDS_FOR]


def _applies(entry):
    """Whether an entry is for this interpreter."""
    if not isinstance(entry, dict):
        return True
    markers = [f"{key} {entry[key]}" for key in PIPFILE_MARKERS & set(entry)]
    markers += [entry["markers"]] if entry.get("markers") else []
    return all(Marker(marker).evaluate() for marker in markers)


def _pipenv(name, entry, folder):
    """One entry of a Pipfile or of its lock."""
    if not isinstance(entry, dict):
        entry = {"version": entry}
    extras = "[" + ",".join(entry["extras"]) + "]" if entry.get("extras") else ""
    hashes = "".join(f" --hash={text}" for text in entry.get("hashes", ()))
    for kind in ("hg", "svn", "bzr"):
        if kind in entry:
            raise BadLock(f"{name} comes from {kind}; only git is understood")
    if "git" in entry:
        ref = f"@{entry['ref']}" if entry.get("ref") else ""
        where = f"git+{entry['git']}{ref}{_below(entry.get('subdirectory'))}"
        return f"{name}{extras} @ {where}"
    if "path" in entry or "file" in entry:
        address = entry.get("path") or entry["file"]
        remote = urlsplit(address).scheme in ("http", "https")
        # What is in the repository has its own name, whatever the entry is called.
        return f"{address}{hashes}" if remote else f"{Path(folder, address).resolve()}{extras}"
    version = entry.get("version", "*")
    return f"{name}{extras}{'' if version == '*' else version}{hashes}"
