"""The Python packages that a builder keeps, so that no build fetches what an earlier one has.

It is uv's own cache. A build step sees it below an overlay: it finds what is there, and whatever it
writes is gone when the step ends. So nothing that a repository brings, and no package that is built
from source, can change what another build gets.

What is missing is put in after the build, by a step in which nobody else's code runs: uv fetches
wheels, which it unpacks and does not run, from the site's index alone, by the names and versions
that the build ended with. It reads no file of the repository, builds nothing from source, and
follows no address but the index's. Then it compiles them, since that takes longer than all else.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from hpcbinderhub.builds import commands
from hpcbinderhub.builds.disk import used
from hpcbinderhub.builds.request import Storage
from hpcbinderhub.builds.steps import Steps
from hpcbinderhub.builds.tool import BuilderError
from hpcbinderhub.images.bills.reading import contents, notebook_packages
from hpcbinderhub.images.tree import Tree

HERE = "/run/hpcbinder-packages"
"""Where build steps find it; nothing below /run gets into an artefact."""

LIMIT = 20 * 1024**3
"""Beyond this many bytes it is emptied: what builds still ask for is back after one build each."""

PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.+!_-]*")
OWNER = 1000

# Resolved with all that the environment holds, so that what packages say of themselves is kept as
# well. One that only comes as source must not keep the others out: each on its own, then.
FETCH = """
set -u
target=$(mktemp -d)
fetch() {
    /srv/hpcbinder/tools/uv pip install --quiet --no-config --no-build --link-mode symlink \\
        --python /srv/hpcbinder/env/bin/python3 --target "$target" "$@"
}
printf '%s\\n' "$1" > "$target.txt"
shift
fetch --constraints "$target.txt" "$@" ||
    for package; do fetch --no-deps "$package" || echo "$package is not kept"; done
/srv/hpcbinder/env/bin/python3 -I /srv/hpcbinder/tools/install --keep "$target"
"""


def seen_by(storage: Storage, given: Steps) -> Steps:
    """What a build step gets, so that it sees the packages and cannot change them."""
    return _with(storage, given, "O") if (storage.packages / "cache").is_dir() else given


def _with(storage: Storage, given: Steps, how: str) -> Steps:
    return dataclasses.replace(
        given,
        environment={**given.environment, "UV_CACHE_DIR": HERE},
        volumes=(*given.volumes, f"{storage.packages / 'cache'}:{HERE}:{how}"),
    )


def stocked(storage: Storage, base_image: str) -> Path:
    """The list of what was put in for the Python of a base image, or could not be."""
    return storage.packages / (re.sub(r"[^A-Za-z0-9.-]", "-", base_image) + ".txt")


def missing(known: Path, wanted: Collection[str]) -> list[str]:
    """Those of some packages (``name==version``) that nobody has tried to put in yet."""
    tried = set(known.read_text("utf-8").splitlines()) if known.exists() else set()
    return sorted(name for name in set(wanted) - tried if PACKAGE.fullmatch(name))


def stock(storage: Storage, base_image: str, wanted: Collection[str], given: Steps) -> list[str]:
    """Put packages in that a build has asked for; what was said meanwhile.

    The caller holds the storage's lock and runs in the builder's user namespace.
    """
    known = stocked(storage, base_image)
    new = missing(known, wanted)
    held = "\n".join(name for name in wanted if PACKAGE.fullmatch(name))
    if not new:
        return []
    if used(storage.packages) > LIMIT:
        shutil.rmtree(storage.packages)
    name = "packages"
    commands.from_image(storage, base_image, name)
    try:
        if not (storage.packages / "cache").exists():
            _begin(storage, name, given)
        # The tools are there in every build, and `hpcbinder` in no index.
        there = notebook_packages(contents(Tree(commands.mount(storage, name)), {}).packages)
        asked = [package for package in new if package not in there]
        words = ("sh", "-c", FETCH, "fetch", held, *asked)
        said = list(_run(storage, name, _with(storage, given, "rw"), *words)) if asked else []
    finally:
        commands.remove_container(storage, name)
    with known.open("a", encoding="utf-8") as file:
        file.writelines(f"{package}\n" for package in new)
    return said


def _begin(storage: Storage, container: str, given: Steps) -> None:
    """Make an empty cache, and see whether build steps can be shown it on this host."""
    cache = storage.packages / "cache"
    shutil.rmtree(storage.packages, ignore_errors=True)
    cache.mkdir(parents=True, mode=0o755)
    try:
        os.chown(cache, OWNER, OWNER)
        list(_run(storage, container, _with(storage, given, "O"), "touch", f"{HERE}/tried"))
    except (OSError, BuilderError):
        shutil.rmtree(storage.packages)
        raise


def _run(storage: Storage, container: str, given: Steps, *arguments: str) -> Iterator[str]:
    return commands.run(storage, container, *arguments, user=str(OWNER), folder="/", given=given)
