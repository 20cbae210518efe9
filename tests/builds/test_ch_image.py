"""Builds by Charliecloud's `ch-image`, and what it is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builds.outcomes import built, failed, paths, read

from hpcbinderhub.builds.builders import builder_of
from hpcbinderhub.builds.builders.chimage import ChImage, binds, for_ch_image, refuse, runs_early
from hpcbinderhub.builds.dockerfiles import instructions, with_named_bases, with_stages_for_images
from hpcbinderhub.builds.fence.host import Host
from hpcbinderhub.builds.fence.policy import BuildPolicy, Fence
from hpcbinderhub.builds.request import Storage
from hpcbinderhub.builds.steps import Steps
from hpcbinderhub.builds.tools import second_step
from hpcbinderhub.errors import UserError

if TYPE_CHECKING:
    from conftest import Builder

STORAGE = Storage(graphroot=Path("/s/graph"), runroot=Path("/s/run"), tmp=Path("/s/tmp"))


def test_where_an_image_lies() -> None:
    builder = builder_of("ch-image", STORAGE)
    assert isinstance(builder, ChImage)
    assert str(builder.tree("localhost/hpcbinderhub/key:1-own")) == (
        "/s/graph/ch-image/img/localhost%hpcbinderhub%key+1-own"
    )


def test_an_image_that_is_copied_from_becomes_a_stage() -> None:
    text = second_step("localhost/key:1-own", "localhost/base:1").containerfile()
    assert with_stages_for_images(text).splitlines()[:4] == [
        "FROM localhost/base:1 AS copied-0",
        "FROM localhost/key:1-own",
        "COPY --from=copied-0 /srv/hpcbinder/tools /srv/hpcbinder/tools",
        "COPY --from=copied-0 /srv/hpcbinder/env /srv/hpcbinder/env",
    ]


def test_stages_that_there_are_stay() -> None:
    text = "ARG V=1\nFROM a AS b\nFROM c\nCOPY --from=B /x /x\nCOPY --chown=1 --from=0 \\\n /y /y\n"
    assert with_stages_for_images(text) == text


def test_stages_come_after_what_holds_for_all() -> None:
    text = "ARG V=1\nfrom a:$V\nCOPY --chown=1 --from=d/e:2 /x /x\n"
    assert with_stages_for_images(text) == (
        "ARG V=1\nFROM d/e:2 AS copied-0\nfrom a:$V\nCOPY --chown=1 --from=copied-0 /x /x\n"
    )


def test_what_a_from_line_says_is_written_out() -> None:
    text = (
        "ARG A\nARG B='b'\nARG C=c\nFROM ${A}:$B\nRUN echo ${A}\nfrom $C AS $D\nARG A=x\nFROM $A\n"
    )
    named = with_named_bases(text, {"A": "a", "C": "other"})
    assert [line for line in named.splitlines() if "ARG" not in line] == [
        "FROM a:b", "RUN echo ${A}", "from other AS $D", "FROM a",
    ]  # fmt: skip


def test_instructions_are_read_whole() -> None:
    text = "# escape=`\n# c\nFROM a\n\nrun b `\n# c\n  && d\nCMD\n"
    assert list(instructions(text)) == [("FROM", "a"), ("RUN", "b && d"), ("CMD", "")]


@pytest.mark.parametrize("line", ["ADD x /x", "add --chown=1 x /x", "ONBUILD RUN x"])
def test_what_it_would_leave_out_is_refused(line: str) -> None:
    refuse("FROM a\nRUN echo ADD \\\n ADD\n")
    with pytest.raises(UserError, match=line.split()[0].upper()):
        refuse(f"FROM a\n{line}\n")


def test_values_are_in_the_dockerfile() -> None:
    text = "ARG F\nFROM $F\nARG UV=uv\nRUN x\nFROM $F\n"
    built = for_ch_image(text, {"INDEX": "https://a/?b=c", "N": "1"}, {"F": "a:1", "UV": "uv>=0.8"})
    declared = ['ARG INDEX="https://a/?b=c"', "ARG N=1"]
    assert built.splitlines() == [
        'ARG F=a:1', "FROM a:1", *declared, 'ARG UV="uv>=0.8"', "RUN x", "FROM a:1", *declared,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("dockerfile", "is_so"),
    [
        ("FROM a\nRUN x\n", False),
        ("FROM a AS b\nFROM c\nCOPY --from=b / /\nRUN x\n", False),
        ("FROM a AS b\nRUN x\nFROM c\n", True),
    ],
)
def test_whether_an_earlier_stage_runs_anything(dockerfile: str, is_so: bool) -> None:
    assert runs_early(dockerfile) == is_so


def test_storage_below_tmp_is_refused() -> None:
    where = {name: Path("/tmp/s", name) for name in ("graphroot", "runroot", "tmp")}
    builder = builder_of("ch-image", Storage(**where))
    with pytest.raises(UserError, match="below /tmp"):
        list(builder.build(context=Path("/s"), dockerfile=Path("/s/D"), tag="x:1", given=Steps()))


def test_what_steps_see_of_the_host() -> None:
    given = Steps(trust_folder=Path("/s/tmp/trust"), volumes=("/a:/run/b:ro",))
    assert binds(given) == ["/a:/run/b", "/s/tmp/trust:/run/hpcbinder-trust"]


def test_it_builds_for_trusted_users_only_and_check_says_so() -> None:
    builder = builder_of("ch-image", STORAGE)
    host = Host(
        no_oci=builder.try_step("localhost/base:1"),
        one_user=builder.has_one_user,
        weaknesses=tuple(builder.weaknesses()),
    )
    fence = Fence(BuildPolicy(trusted_builders=["alice"]), host)
    fence.admit("alice")
    with pytest.raises(UserError, match="only for users that the site trusts"):
        fence.admit("bob")
    told = " ".join(fence.findings())
    for words in ("trusted users only: alice", "single user id", "ADD or ONBUILD", "TLS alone"):
        assert words in told


DOCKERFILE = """\
FROM docker.io/library/debian:bookworm
ENV OURS=1
RUN groupadd jovyan && useradd --gid jovyan --create-home jovyan
RUN apt-get -qq update && apt-get -qq install --yes --no-install-recommends openssh-client \
    python3 > /dev/null
COPY --chown=jovyan:jovyan . /home/jovyan/
COPY README.md /tmp/
RUN chown -R jovyan:jovyan /home/jovyan && ls /tmp > /made && cat /proc/1/comm >> /made
USER jovyan
WORKDIR /home/jovyan
"""


def nothing_is_left(builder: Builder) -> None:
    """Debian and the base image of the tests, and no file of a build."""
    images = {path.name for path in (builder.folder / "graphroot/ch-image/img").iterdir()}
    assert len(images) == 2, images
    assert [path.name for path in (builder.folder / "tmp").iterdir()] == ["storage.lock"]
    assert not list(builder.artefacts.glob(".partial-*"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
class TestBuilds:
    """Real ones."""

    def test_python_files(self, chimage_builder: Builder) -> None:
        assert not chimage_builder.holds_strangers
        context = chimage_builder.repository(
            {
                "requirements.txt": "tqdm==4.66.5\n",
                "apt.txt": "hello\nopenssh-client\n",
                "postBuild": "#!/bin/sh\nid -u > who\necho $HOME > home\n"
                "grep -c : /proc/net/dev > networks\n",
                "README.md": "own\n",
            }
        )
        event = built(chimage_builder.build(context))
        artefact = event["artefact"]
        assert "tqdm==4.66.5" in event["packages"]
        assert event["bill"]["builder"] == "ch-image"
        found = paths(artefact)
        assert {"usr/bin/hello", "usr/bin/ssh", "srv/repo/README.md", "scratch"} <= found
        assert read(artefact, "srv/repo/home") == "/srv/home\n"
        record = json.loads(read(artefact, "srv/hpcbinder/image.json"))
        assert record["env"]["HOME"] == "/srv/home"
        assert not {"SSL_CERT_FILE", "PIP_CERT", "APT_CONFIG"} & set(record["env"])
        # Its network is the fence's: loopback, and the way out.
        assert chimage_builder.confinement["network"] is not None
        assert read(artefact, "srv/repo/networks") == "2\n"
        nothing_is_left(chimage_builder)

    def test_a_dockerfile_gets_the_tools(self, chimage_builder: Builder) -> None:
        context = chimage_builder.repository({"Dockerfile": DOCKERFILE, "README.md": "own\n"})
        event = built(chimage_builder.build(context))
        artefact = event["artefact"]
        record = json.loads(read(artefact, "srv/hpcbinder/image.json"))
        assert record["env"]["OURS"] == "1"
        assert record["world"]["python"] == "/usr/bin/python3"
        assert {"srv/hpcbinder/bin/hpcbinder", "usr/bin/ssh-agent"} <= paths(artefact)
        # Of the host's /tmp nothing; the first process is the build's own.
        assert read(artefact, "made").split() == ["README.md", Path(sys.executable).name]
        nothing_is_left(chimage_builder)

    def test_what_goes_wrong_has_a_cause(self, chimage_builder: Builder) -> None:
        lines = "FROM docker.io/library/debian:bookworm\nRUN echo because; exit 7\n"
        context = chimage_builder.repository({"Dockerfile": lines})
        event = failed(chimage_builder.build(context), "dockerfile")
        assert "exit 7" in event["message"]
        assert "because" in event["lines"]
        nothing_is_left(chimage_builder)
        context = chimage_builder.repository({"Dockerfile": "FROM a\nADD x /x\n"})
        assert "ADD" in chimage_builder.build(context)[-1]["message"]
