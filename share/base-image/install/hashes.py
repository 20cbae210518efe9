"""The hashes of the wheels that the environment was installed from, for its record.

uv does not write down which file of an index it took. The index is asked once more, for all of a
version's files; the one whose name has the very tags that the installed package says of itself is
the one. What cannot be told is left out: a build does not fail for want of a record.
"""

import json
import os
import subprocess
import sysconfig
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from environment import uv
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib

FILE = "hpcbinder-hashes.json"
SECONDS = 60
INDEXES = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links")


def record(files, scratch):
    """Note the hashes of what is there from an index and was not noted before. The files are
    those that name further indexes."""
    target = Path(sysconfig.get_path("purelib"), FILE)
    try:
        known = json.loads(target.read_text("utf-8")) if target.exists() else {}
        there = from_indexes()
        kept = {pin: known[pin] for pin in there if pin in known}
        new = {pin: tags for pin, tags in there.items() if pin not in kept}
        lines = [line.strip() for file in files for line in Path(file).read_text().splitlines()]
        # Then wheels may have been built here that are called as the index's are.
        built = "UV_NO_BINARY" in os.environ or any("--no-binary" in line for line in lines)
        if new and not built:
            indexes = [line for line in lines if line.startswith(INDEXES)]
            kept.update(chosen(asked([*indexes, *new], scratch), new))
        target.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, subprocess.SubprocessError):
        return


def from_indexes():
    """What uv installed from an index: names with versions, and each one's build and tags."""
    found = {}
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    for package in distributions(path=list(folders)):
        wheel = package.read_text("WHEEL")
        by_uv = (package.read_text("INSTALLER") or "").strip() == "uv"
        if wheel and by_uv and package.read_text("direct_url.json") is None:
            name = canonicalize_name(package.metadata["Name"])
            fields = [line.partition(": ") for line in wheel.splitlines()]
            tags = frozenset(value.strip() for key, _, value in fields if key == "Tag")
            build = next((value.strip() for key, _, value in fields if key == "Build"), "")
            found[f"{name}=={package.version}"] = (build, tags)
    return found


def asked(lines, scratch):
    """What the indexes have of these versions, as the content of a lock file."""
    pins, lock = Path(scratch, "recorded.txt"), Path(scratch, "pylock.recorded.toml")
    pins.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    words = ("--quiet", "--no-deps", "--no-header", "--no-annotate", "--format", "pylock.toml")
    # What the installation has just read is in its cache, if it has one.
    for way in (["--offline"], []) if "UV_CACHE_DIR" in os.environ else ([],):
        asking = ("pip", "compile", *words, *way, str(pins), "--output-file", str(lock))
        if uv(*asking, seconds=SECONDS) == 0:
            return tomllib.loads(lock.read_text("utf-8"))
    return {}


def chosen(lock, wanted):
    """The SHA-256 of the one wheel of each version that is as the installed one."""
    found = {}
    for package in lock.get("packages", ()):
        pin = f"{canonicalize_name(package['name'])}=={package.get('version')}"
        hashes = {
            wheel["hashes"]["sha256"]
            for wheel in package.get("wheels", ())
            if pin in wanted and described(wheel) == wanted[pin] and "sha256" in wheel["hashes"]
        }
        if len(hashes) == 1:
            found[pin] = hashes.pop()
    return found


def described(wheel):
    """Build and tags, as a wheel's name has them."""
    name = wheel.get("name") or PurePosixPath(unquote(urlsplit(wheel.get("url", "")).path)).name
    try:
        _, _, build, tags = parse_wheel_filename(name or PurePosixPath(wheel["path"]).name)
    except InvalidWheelFilename:
        return None
    return "".join(map(str, build)), frozenset(map(str, tags))
