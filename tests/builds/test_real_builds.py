"""Builds from a tree on disk to an artefact, by the builder's account."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builds.outcomes import built, failed, nothing_is_left, paths, read

if TYPE_CHECKING:
    from conftest import Builder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SLEEPER = "#!/bin/sh\nsetsid sleep 4321 &\nsleep 4321\n"


def processes_of_builds() -> list[str]:
    """Command lines of what the sleeping build started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if "sleep 4321" in words or f"{sys.executable} -m hpcbinderhub.builds.pipeline" in words:
            found.append(words)
    return found


def wait_until_gone(seconds: float) -> None:
    """Wait for the sleeping build's processes to end."""
    deadline = time.monotonic() + seconds
    while processes_of_builds() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of_builds() == []


def test_python_files_become_an_artefact(builder: Builder) -> None:
    context = builder.repository(
        {
            "binder/requirements.txt": "tqdm==4.66.5\n",
            "binder/apt.txt": "hello\n",
            "binder/postBuild": "#!/bin/sh\nmkdir data\nid -un > data/who\nln -s who data/link\n",
            "binder/start": '#!/bin/sh\nexec "$@"\n',
            "README.md": "own\n",
        }
    )
    event = built(builder.build(context, environment={"UV_HTTP_TIMEOUT": "77"}))
    artefact = event["artefact"]
    record = json.loads(read(artefact, "srv/hpcbinder/image.json"))
    assert record["start"] == "/srv/repo/binder/start"
    assert record["generated"] == [
        {"path": "data/link", "size": 0, "link": "who"},
        {"path": "data/who", "size": 7, "link": None},
    ]
    assert read(artefact, "srv/repo/data/who") == "jovyan\n"
    assert "tqdm==4.66.5" in event["packages"]
    found = paths(artefact)
    assert {"home", "scratch", "usr/bin/hello", "usr/bin/git", "srv/repo/README.md"} <= found
    assert {f"srv/hpcbinder/bin/{name}" for name in ("hpcbinder", "python3")} <= found
    packages = "srv/hpcbinder/env/lib/python3.11/site-packages"
    assert f"{packages}/tqdm/__pycache__/std.cpython-311.pyc" in found
    # Nothing of the site's options stays.
    assert record["env"] == event["image"]["env"]
    assert not {"UV_HTTP_TIMEOUT", "SSL_CERT_FILE", "PIP_CERT"} & set(record["env"])
    assert not [path for path in found if path.startswith("run/")]
    nothing_is_left(builder)


def test_a_pin_that_the_tools_can_live_with_wins(builder: Builder) -> None:
    context = builder.repository({"requirements.txt": "sqlalchemy<2.1\n"})
    packages = built(builder.build(context))["packages"]
    (version,) = [name for name in packages if name.startswith("sqlalchemy==")]
    assert version.startswith("sqlalchemy==2.0")


def test_a_pin_that_they_cannot_is_explained(builder: Builder) -> None:
    context = builder.repository({"requirements.txt": "tornado==4.5.3\n"})
    event = failed(builder.build(context), "tools-conflict")
    assert "tornado==4.5.3" in event["message"]
    assert "jupyterlab" in event["message"]
    nothing_is_left(builder)


def test_a_repository_of_notebooks_alone_becomes_the_environment_of_the_tools(
    builder: Builder,
) -> None:
    artefact = built(builder.build(builder.repository({})))["artefact"]
    assert json.loads(read(artefact, "srv/hpcbinder/image.json"))["generated"] == []
    assert not [path for path in paths(artefact) if path.startswith("srv/repo/")]


def test_a_package_is_installed(builder: Builder) -> None:
    project = (
        "[project]\nname = 'mine'\nversion = '1.5'\n"
        "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n"
    )
    context = builder.repository({"pyproject.toml": project, "mine/__init__.py": ""})
    assert "mine==1.5" in built(builder.build(context))["packages"]


def test_an_image_that_is_launched_by_its_digest_gets_the_tools(builder: Builder) -> None:
    name = "docker.io/library/debian"
    digest = builder.buildah("images", "--format", "{{.Digest}}", f"{name}:bookworm")
    # As `repos.oci_images` makes it.
    event = built(builder.build(builder.repository({"Dockerfile": f"FROM {name}@{digest}\n"})))
    assert "srv/hpcbinder/bin/jupyterhub-singleuser" in paths(event["artefact"])
    assert event["bill"]["base_digest"] == digest


def test_a_dockerfile_gets_the_tools_beside_its_own_packages(builder: Builder) -> None:
    lines = [
        "FROM docker.io/library/debian:bookworm",
        "RUN apt-get -qq update && apt-get -qq install --yes --no-install-recommends python3 "
        "> /dev/null && mkdir -p /usr/local/lib/python3.11/dist-packages",
        "RUN echo 'value = 7' > /usr/local/lib/python3.11/dist-packages/ours.py",
        "ENV OURS=1",
    ]
    event = built(builder.build(builder.repository({"Dockerfile": "\n".join(lines)})))
    record = json.loads(read(event["artefact"], "srv/hpcbinder/image.json"))
    assert record["env"]["OURS"] == "1"
    assert "PIP_CERT" not in record["env"]
    found = paths(event["artefact"])
    assert {"srv/hpcbinder/bin/jupyterhub-singleuser", "usr/local/bin/git", "srv/repo"} <= found
    # Notebooks run in its own Python, which got what it takes.
    assert record["world"]["python"] == "/usr/bin/python3"
    assert record["world"]["lacks"] == {}
    packages = "usr/local/lib/python3.11/dist-packages"
    assert {f"{packages}/{name}" for name in ("ipykernel", "distributed", "ours.py")} <= found
    nothing_is_left(builder)


@pytest.mark.parametrize(
    ("files", "cause"),
    [
        ({"Dockerfile": "FROM docker.io/library/debian:bookworm\nRUN false\n"}, "dockerfile"),
        ({"requirements.txt": "nosuchpackage-xyz-123\n"}, "package-not-found"),
        ({"requirements.txt": "--index-url http://127.0.0.1:9/simple\nx\n"}, "network"),
        ({"postBuild": "#!/bin/sh\nexit 3\n"}, "postbuild"),
        ({"binder/a": "", ".binder/a": ""}, "repository"),
    ],
)
def test_what_goes_wrong_has_a_cause(builder: Builder, files: dict[str, str], cause: str) -> None:
    event = failed(builder.build(builder.repository(files)), cause)
    assert event["message"]
    assert event["advice"]
    nothing_is_left(builder)


def test_time_is_limited(builder: Builder) -> None:
    context = builder.repository({"postBuild": SLEEPER})
    failed(builder.build(context, limits={"seconds": 5}), "timeout")
    wait_until_gone(30)


def test_disk_is_limited(builder: Builder) -> None:
    script = "#!/bin/sh\ndd if=/dev/zero of=big bs=1M count=400 2> /dev/null\nsleep 60\n"
    context = builder.repository({"postBuild": script})
    event = failed(builder.build(context, limits={"disk_bytes": 100_000_000}), "over-limit")
    assert "0.1 GB" in event["message"]


@pytest.mark.parametrize("victim", ["supervisor", "reader"])
def test_nothing_outlives_its_peer(builder: Builder, victim: str) -> None:
    context = builder.repository({"postBuild": SLEEPER})
    process = builder.start(context)
    assert process.stdout is not None
    for line in process.stdout:
        if "postBuild" in line:
            break
    deadline = time.monotonic() + 60
    while not any("sleep" in words for words in processes_of_builds()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if victim == "supervisor":
        os.kill(process.pid, signal.SIGKILL)
    else:
        process.stdout.close()
    wait_until_gone(60)
    process.wait(60)
    # The next build clears up what the killed one could not.
    built(builder.build(builder.repository({"README.md": ""})))
    nothing_is_left(builder)
