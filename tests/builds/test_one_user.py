"""Builds under an account that has a single user id, since its site grants it no others."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builds.outcomes import built, nothing_is_left, paths, read

from hpcbinderhub.builds import one_user
from hpcbinderhub.builds.fence.host import Host
from hpcbinderhub.builds.fence.policy import ONE_USER, BuildPolicy, Fence

if TYPE_CHECKING:
    from conftest import Builder

ACCOUNTS = "root:1:2\n# builder:1:2\nbuilder:100000:65536\n1007:165536:65536\n"


@pytest.mark.parametrize(
    ("name", "uid", "is_granted"),
    [("builder", 901, True), ("alice", 1007, True), ("build", 902, False), ("10", 7, False)],
)
def test_who_is_granted_ids(name: str, uid: int, is_granted: bool) -> None:
    assert one_user.listed(ACCOUNTS, name, uid) == is_granted


TRY = """
touch mine && chown 5:6 mine && stat --format %u:%g mine
python3 -c 'import os; os.setgroups([7]); os.setresgid(6, 6, 6); os.setresuid(5, 5, 5)'
"""


def test_the_kernel_pretends(tmp_path: Path) -> None:
    """A file is given away and a process becomes another user, or so they are told."""
    entering = one_user.enter(os.getuid(), os.getgid())
    if subprocess.run([*entering[:4], "true"]).returncode != 0:
        pytest.skip("this host makes no user namespaces for this account")
    done = subprocess.run(
        [*entering, "sh", "-ec", TRY], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "0:0\n"), done.stderr
    # Without it, the kernel says what is so.
    refused = subprocess.run(
        [*entering[:4], "sh", "-ec", TRY], cwd=tmp_path, capture_output=True, text=True
    )
    assert "chown" in refused.stderr


def test_check_says_so() -> None:
    with_one, with_many = (Fence(BuildPolicy(), Host(one_user=one)) for one in (True, False))
    assert set(with_one.findings()) - set(with_many.findings()) == {ONE_USER}
    # What keeps a build apart from others is the same.
    assert with_one.host.holds_strangers


DOCKERFILE = """\
FROM docker.io/library/debian:bookworm
RUN groupadd --gid 1000 jovyan && useradd --uid 1000 --gid jovyan --create-home jovyan
RUN apt-get -qq update && apt-get -qq install --yes --no-install-recommends openssh-client \
    python3 > /dev/null
COPY --chown=jovyan:jovyan . /home/jovyan/
RUN chown -R jovyan:jovyan /home/jovyan && su jovyan -c 'echo theirs > /home/jovyan/su'
USER jovyan
WORKDIR /home/jovyan
RUN echo $HOME > made
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestBuilds:
    """Real ones."""

    def test_python_files_with_packages_of_the_system(self, single_builder: Builder) -> None:
        context = single_builder.repository(
            {
                "requirements.txt": "tqdm==4.66.5\n",
                # Its files belong to another group, and one of them to whom may set it.
                "apt.txt": "hello\nopenssh-client\ndbus\n",
                "postBuild": "#!/bin/sh\nid -u > who\necho $HOME > home\ntouch $HOME/mine\n",
            }
        )
        event = built(single_builder.build(context))
        assert "tqdm==4.66.5" in event["packages"]
        artefact = event["artefact"]
        assert {"usr/bin/hello", "usr/bin/dbus-daemon", "usr/bin/ssh"} <= paths(artefact)
        assert read(artefact, "srv/repo/who") == "0\n"
        assert read(artefact, "srv/repo/home") == "/srv/home\n"
        record = json.loads(read(artefact, "srv/hpcbinder/image.json"))
        assert [entry["path"] for entry in record["in_home"]] == ["mine"]
        assert "APT_CONFIG" not in record["env"]
        nothing_is_left(single_builder)

    def test_a_dockerfile_that_makes_a_user(self, single_builder: Builder) -> None:
        context = single_builder.repository({"Dockerfile": DOCKERFILE, "README.md": "own\n"})
        artefact = built(single_builder.build(context))["artefact"]
        assert read(artefact, "home/jovyan/made") == "/home/jovyan\n"
        assert read(artefact, "home/jovyan/su") == "theirs\n"
        assert {"usr/bin/ssh-agent", "srv/hpcbinder/bin/hpcbinder"} <= paths(artefact)
        nothing_is_left(single_builder)

    def test_without_certificates_of_the_site(self, single_builder: Builder) -> None:
        context = single_builder.repository({"apt.txt": "hello\n"})
        artefact = built(single_builder.build(context, ca_bundle=None))["artefact"]
        assert "usr/bin/hello" in paths(artefact)

    def test_the_host_has_the_same_fence(self, single_builder: Builder) -> None:
        confinement = single_builder.confinement
        context = single_builder.repository(
            {"postBuild": "#!/bin/sh\ncat /proc/self/uid_map > map\nls /proc > processes\n"}
        )
        artefact = built(single_builder.build(context))["artefact"]
        (mapped,) = read(artefact, "srv/repo/map").splitlines()
        assert mapped.split()[0] == "0"
        assert mapped.split()[2] == "1"
        assert confinement["network"] is not None
