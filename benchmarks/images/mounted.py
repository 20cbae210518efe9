"""Inside a builder's user namespace: fills a container with a tree and converts that, in turns."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpcbinderhub.builds import commands
from hpcbinderhub.builds.request import Storage
from hpcbinderhub.images import convert, record, squash
from hpcbinderhub.images.bills.model import Bill
from hpcbinderhub.images.bills.reading import contents
from hpcbinderhub.images.tree import Tree

from .tree import make_tree

WORDS = (
    *("repo_url", "commit", "key", "build_pack", "builder", "builder_version"),
    *("hub_version", "tools_generation", "base_image", "base_digest"),
)
"""What a bill says of a build besides what it holds."""


def main(request: dict[str, Any]) -> dict[str, list[float]]:
    """The seconds of each way, round by round."""
    storage = Storage.model_validate(request["storage"])
    container = commands.output(storage, "from", "scratch")
    try:
        make_tree(commands.mount(storage, container), *request["tree"])
        return turns(storage, container, Path(request["store"]), request["rounds"])
    finally:
        commands.output(storage, "rm", container)


def turns(storage: Storage, container: str, store: Path, rounds: int) -> dict[str, list[float]]:
    """Each way after the other, as often as is asked for."""
    root = commands.mount(storage, container)
    for path in squash.NEEDED_FILES:
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (root / path.lstrip("/")).touch()
    squashed, copied = store / "bare.squashfs", store / "copy.squashfs"
    seconds: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], None]) -> None:
        began = time.monotonic()
        work()
        seconds.setdefault(name, []).append(time.monotonic() - began)

    for _ in range(rounds):
        timed("bare mksquashfs", lambda: bare(root, squashed))
        timed("bare copy", lambda: run("cp", str(squashed), str(copied)))
        timed("ours", lambda: ours(storage, container, store))
        for path in store.iterdir():
            path.unlink()
    if shutil.which("ch-convert"):
        target = store / "charliecloud.sqfs"
        timed(
            "ch-convert -o squash", lambda: run("ch-convert", "-i", "dir", str(root), str(target))
        )
    return seconds


def bare(root: Path, target: Path) -> None:
    """The tool alone, with nothing but the compression that was asked for."""
    options = ("-noappend", "-no-progress", "-quiet")
    run("mksquashfs", str(root), str(target), *convert.COMPRESSION, *options)


def ours(storage: Storage, container: str, store: Path) -> None:
    """All that a build does after its last step."""
    root = commands.mount(storage, container)
    squash.check_programs(root)
    config = commands.container_configuration(storage, container)
    with tempfile.TemporaryDirectory(dir=storage.tmp, prefix="commit-") as commit:
        record.write_record(root, record.describe(root, config, Path(commit), "1"))
    squash.add_folders(root, squash.NEEDED_FOLDERS)
    found = contents(Tree(root), {})
    bill = Bill(
        **dict.fromkeys(WORDS, "bench"), made=0, packages=found.packages, unread=found.unread
    )
    for _line in convert.from_tree(root, convert.Place(store, "bench"), {}, bill):
        pass


def run(*command: str) -> None:
    """Run a command that must work."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
