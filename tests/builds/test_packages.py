"""Packages that builds share, and what a build may do to them: nothing."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from builds.outcomes import built, failed, read

from hpcbinderhub.builds.packages import PACKAGE
from hpcbinderhub.images.store import artefact_folder

if TYPE_CHECKING:
    from conftest import Builder

LIBRARY = "srv/hpcbinder/env/lib/python3.11/site-packages"
TQDM = {"requirements.txt": "tqdm==4.66.5\n"}
# It runs while the repository is installed, which is when the packages are in sight.
POISON = """\
import os, pathlib
from setuptools import setup
cache = pathlib.Path(os.environ["UV_CACHE_DIR"])
done = 0
for path in [*cache.rglob("*.py"), *cache.rglob("*.rkyv"), *cache.rglob("*.msgpack")]:
    try:
        path.parent.chmod(0o777)
        path.chmod(0o666)
        path.write_text("raise SystemExit('poisoned')")
        done += 1
    except OSError as error:
        print(error)
print("poisoned files:", done)
assert done
setup(name="evil", version="1")
"""


@pytest.mark.parametrize(
    "name",
    ["--index-url==1", "a==1 --index-url=https://evil", "a @ https://evil/a.whl", "../a==1", "a=="],
)
def test_only_names_and_versions_are_put_in(name: str) -> None:
    assert PACKAGE.fullmatch(name) is None


def contents(builder: Builder) -> str:
    """Names and hashes of all that is kept."""
    kept = f"{builder.folder}/graphroot-packages"
    listing = f"cd {kept} && find . -type f ! -name '*.lock' | sort | xargs -d '\\n' sha256sum"
    done = builder.run(
        *("buildah", "--root", builder.storage["graphroot"]),
        *("--runroot", builder.storage["runroot"], "unshare", "sh", "-c", listing),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def forget(builder: Builder) -> None:
    """Keep no packages."""
    kept = f"{builder.folder}/graphroot-packages"
    where = ("--root", builder.storage["graphroot"], "--runroot", builder.storage["runroot"])
    subprocess.run(builder.command("buildah", *where, "unshare", "rm", "-rf", kept), check=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_one_build_fetched_the_next_one_finds(builder: Builder) -> None:
    forget(builder)
    offline = {"environment": {"UV_OFFLINE": "1"}}
    failed(builder.build(builder.repository(TQDM), **offline), "network")
    built(builder.build(builder.repository(TQDM)))
    event = built(builder.build(builder.repository(TQDM), **offline))
    assert "tqdm==4.66.5" in event["packages"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_build_changes_what_another_one_gets(builder: Builder) -> None:
    built(builder.build(builder.repository(TQDM)))
    before = contents(builder)
    event = builder.build(builder.repository({"setup.py": POISON, **TQDM}))
    log = "\n".join(line["message"] for line in event if line["phase"] == "building")
    # A setup.py that has poisoned nothing fails.
    assert event[-1]["phase"] == "built" or re.search(r"poisoned files: [1-9]", log)
    assert contents(builder) == before
    event = built(builder.build(builder.repository(TQDM)))
    assert "poisoned" not in read(event["artefact"], f"{LIBRARY}/tqdm/std.py")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_private_repository_leaves_no_trace(builder: Builder) -> None:
    built(builder.build(builder.repository(TQDM)))
    before = contents(builder)
    files = {"requirements.txt": "iniconfig==2.0.0\n"}
    # As a worker makes it, which knows people's access lists.
    folder = artefact_folder(builder.artefacts, 1234)
    assert builder.run("mkdir", "-p", str(folder)).returncode == 0
    built(builder.build(builder.repository(files), reader=1234))
    assert contents(builder) == before
