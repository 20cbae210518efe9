"""What a build adds to the bare installation of some packages, and what pip takes for the same.

All three install numpy, scipy, matplotlib and pandas, byte-compiled, on the same disk, one after
the other:

* a build of ours on the base image, up to the tree that an artefact is made of;
* `uv pip install --compile-bytecode` into a fresh virtual environment, with a warm cache;
* `pip install` in a Dockerfile that begins with the same base image.

Packages that earlier builds have fetched are there for the first two. The same is measured once
more with nobody having fetched anything: what a site sees whose index is a mirror nearby.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any

from tests.builds.conftest import Builder, builder_account, ready_builder, site_options

PACKAGES = ("numpy", "scipy", "matplotlib", "pandas")
ROUNDS = 3

# The uv of the base image, outside of any container.
BARE = """
set -eu
work=$1 warm=$2; shift 2
export UV_CACHE_DIR=$work/cache
mkdir -p "$work"
container=$(buildah $STORAGE from --pull-never "$BASE")
tree=$(buildah $STORAGE mount "$container")
install() {
    rm -rf "$work/env"
    "$tree/srv/hpcbinder/tools/uv" venv --quiet --python /usr/bin/python3 "$work/env"
    date +%s.%N
    "$tree/srv/hpcbinder/tools/uv" pip install --quiet --compile-bytecode \\
        --python "$work/env/bin/python" "$@"
    date +%s.%N
}
if [ "$warm" = warm ]; then [ -d "$UV_CACHE_DIR" ] || install "$@" > /dev/null
else rm -rf "$UV_CACHE_DIR"; fi
install "$@"
rm -rf "$work/env"
buildah $STORAGE rm "$container" > /dev/null
"""

PIP = """
import json, pathlib, sys, tempfile, time
from hpcbinderhub.builds import commands
from hpcbinderhub.builds.request import SiteOptions, Storage
from hpcbinderhub.builds.steps import steps_for
storage = Storage.model_validate_json(sys.argv[1])
site = SiteOptions.model_validate_json(sys.argv[2])
with tempfile.TemporaryDirectory(dir=storage.tmp) as folder:
    dockerfile = pathlib.Path(folder, "Dockerfile")
    pip = "/srv/hpcbinder/env/bin/pip install --quiet --no-cache-dir"
    dockerfile.write_text(f"FROM {sys.argv[3]}\\nUSER 1000\\nRUN {pip} {sys.argv[4]}\\n")
    given = steps_for(site, pathlib.Path(folder, "trust"))
    began = time.monotonic()
    list(commands.build(storage, context=pathlib.Path(folder), dockerfile=dockerfile,
                        tag="localhost/benchmark/pip:1", given=given))
    print(time.monotonic() - began)
    commands.remove_image(storage, "localhost/benchmark/pip:1")
"""


def measure() -> dict[str, float]:
    """The two ratios; everything they are made of is printed."""
    with ready_builder(builder_account()) as builder:
        _bare(builder, "warm")
        _ours(builder)
        rounds = [(_ours(builder), _bare(builder, "warm"), _pip(builder)) for _ in range(ROUNDS)]
        _forget(builder)
        cold = (_ours(builder), _bare(builder, "cold"))
        _in_unshare(builder, "rm", "-rf", f"{builder.folder}/bare")
    ours, bare, pip = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{', '.join(PACKAGES)}, packages warm: build {ours:.1f} s, bare uv {bare:.1f} s, "
          f"pip in a Dockerfile {pip:.1f} s")  # fmt: skip
    print(f"nobody has fetched them: build {cold[0]:.1f} s, bare uv {cold[1]:.1f} s")
    return {"pip_over_ours": pip / ours, "build_over_uv": ours / bare}


def _ours(builder: Builder) -> float:
    """Seconds of one build without its conversion."""
    context = builder.repository({"requirements.txt": "".join(f"{name}\n" for name in PACKAGES)})
    event = builder.build(context)[-1]
    assert event["phase"] == "built", event
    seconds: dict[str, float] = event["seconds"]
    return seconds["preparing"] + seconds["cleaning"] + seconds["building"]


def _bare(builder: Builder, warm: str) -> float:
    work = f"{builder.folder}/bare"
    lines = _in_unshare(builder, "sh", "-c", BARE, "bare", work, warm, *PACKAGES).split()
    return float(lines[-1]) - float(lines[-2])


def _pip(builder: Builder) -> float:
    arguments = (json.dumps(builder.storage), json.dumps(site_options()), builder.base_image)
    done = builder.run(sys.executable, "-c", PIP, *arguments, " ".join(PACKAGES))
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def _forget(builder: Builder) -> None:
    """Keep no packages of earlier builds."""
    _in_unshare(builder, "rm", "-rf", f"{builder.folder}/graphroot-packages")


def _in_unshare(builder: Builder, *command: str) -> str:
    """What a command prints in the builder's user namespace, where containers are mounted."""
    storage = ["--root", builder.storage["graphroot"], "--runroot", builder.storage["runroot"]]
    storage += ["--storage-driver", "overlay"]
    site: dict[str, Any] = site_options()
    variables = {
        **site["environment"],
        **({"SSL_CERT_FILE": site["ca_bundle"]} if "ca_bundle" in site else {}),
        "STORAGE": " ".join(storage),
        "BASE": builder.base_image,
    }
    words = [f"{name}={value}" for name, value in variables.items()]
    done = subprocess.run(
        builder.command("env", *words, "buildah", *storage, "unshare", *command),
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
