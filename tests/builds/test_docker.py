"""Builds by a Docker daemon, and what it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builds.outcomes import built, failed, paths, read

from hpcbinderhub.builds.builders import builder_of
from hpcbinderhub.builds.builders.docker import STEP, build_command
from hpcbinderhub.builds.fence.host import Host
from hpcbinderhub.builds.fence.policy import BuildPolicy, Fence
from hpcbinderhub.builds.request import Storage
from hpcbinderhub.builds.steps import Steps
from hpcbinderhub.errors import UserError

if TYPE_CHECKING:
    from conftest import Builder

STORAGE = Storage(graphroot=Path("/s/graph"), runroot=Path("/s/run"), tmp=Path("/s/tmp"))

COMMON = [
    *("--file=/s/tmp/d/Dockerfile", "--tag=localhost/hpcbinderhub/key:1"),
    *("--build-arg", "PIP_INDEX_URL=https://pypi.example.org/"),
    *("--label", "a=b c", "/s/context"),
]


@pytest.mark.parametrize(
    ("has_buildx", "start"),
    [
        (
            True,
            "docker buildx build --builder=default --load --progress=plain --provenance=false",
        ),
        (False, "docker build --force-rm --memory=1000 --memory-swap=1000"),
    ],
)
def test_the_command_line(has_buildx: bool, start: str) -> None:
    command = build_command(
        has_buildx=has_buildx,
        file=Path("/s/tmp/d/Dockerfile"),
        tag="localhost/hpcbinderhub/key:1",
        arguments={"PIP_INDEX_URL": "https://pypi.example.org/"},
        labels={"a": "b c"},
        memory=1000,
        context=Path("/s/context"),
    )
    assert command == [*start.split(), *COMMON]


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("Step 3/8 : RUN a b", ("3/8", "RUN a b")),
        ("#7 [2/5] RUN a b", ("2/5", "RUN a b")),
        ("#7 [build 2/5] COPY . /x", ("2/5", "COPY . /x")),
        ("#7 0.345 hello [1/2] you", None),
        ("Successfully built 0123", None),
    ],
)
def test_where_a_step_begins(line: str, step: tuple[str, str] | None) -> None:
    found = STEP.fullmatch(line)
    assert (found and (found[1] or found[3], found[2] or found[4])) == step


def test_certificates_cannot_be_given(tmp_path: Path) -> None:
    building = builder_of("docker", STORAGE).build(
        context=tmp_path, dockerfile=tmp_path / "D", tag="x", given=Steps(trust_folder=tmp_path)
    )
    with pytest.raises(UserError, match="no certificates"):
        list(building)


def test_it_builds_for_trusted_users_only_and_check_says_so() -> None:
    builder = builder_of("docker", STORAGE)
    host = Host(beyond=builder.beyond, weaknesses=("Whoever may speak to the daemon is root.",))
    fence = Fence(BuildPolicy(trusted_builders=["alice"]), host)
    fence.admit("alice")
    with pytest.raises(UserError, match="only for users that the site trusts"):
        fence.admit("bob")
    told = " ".join(fence.findings())
    for words in ("beyond what a worker", "is root", "trusted users only: alice"):
        assert words in told
    assert fence.confinement().network is None
    # Nothing is said of a fence that is not around the steps.
    assert "networks of their own" not in told


@pytest.mark.slow
@pytest.mark.timeout(1800)
class TestBuilds:
    """Real ones, by the daemon of this host."""

    def test_python_files(self, docker_builder: Builder) -> None:
        assert not docker_builder.holds_strangers
        context = docker_builder.repository(
            {
                "requirements.txt": "tqdm==4.66.5\n",
                "apt.txt": "hello\n",
                "postBuild": "#!/bin/sh\nid -un > who\n",
            }
        )
        event = built(docker_builder.build(context))
        artefact = event["artefact"]
        assert event["bill"]["builder"] == "docker"
        assert "tqdm==4.66.5" in event["packages"]
        assert {"usr/bin/hello", "scratch"} <= paths(artefact)
        assert read(artefact, "srv/repo/who") == "jovyan\n"
        record = json.loads(read(artefact, "srv/hpcbinder/image.json"))
        assert record["env"]["HOME"] == "/srv/home"
        nothing_is_left(docker_builder)

    def test_a_dockerfile_gets_the_tools(self, docker_builder: Builder) -> None:
        lines = "FROM docker.io/library/debian:bookworm\nENV OURS=1\nRUN echo it > /made\n"
        context = docker_builder.repository({"Dockerfile": lines})
        artefact = built(docker_builder.build(context))["artefact"]
        record = json.loads(read(artefact, "srv/hpcbinder/image.json"))
        assert record["env"]["OURS"] == "1"
        assert read(artefact, "made") == "it\n"
        assert "srv/hpcbinder/bin/hpcbinder" in paths(artefact)
        nothing_is_left(docker_builder)

    def test_what_goes_wrong_has_a_cause(self, docker_builder: Builder) -> None:
        lines = "FROM docker.io/library/debian:bookworm\nRUN echo because; exit 7\n"
        context = docker_builder.repository({"Dockerfile": lines})
        event = failed(docker_builder.build(context), "dockerfile")
        assert "exit 7" in event["message"]
        nothing_is_left(docker_builder)


def nothing_is_left(builder: Builder) -> None:
    """No container, no image of a build, no file."""
    assert "hpcbinderhub-opened" not in builder.run("docker", "ps", "-a").stdout
    listed = builder.run("docker", "images", "--format", "{{.Repository}}").stdout.split()
    assert not [name for name in listed if name.startswith("localhost/hpcbinderhub/test")]
    assert not (builder.folder / "graphroot" / "docker-tree").exists()
    assert [path.name for path in (builder.folder / "tmp").iterdir()] == ["storage.lock"]
