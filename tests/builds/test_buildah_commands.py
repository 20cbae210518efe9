"""What buildah is told and what it gets to see, without running it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hpcbinderhub.builds import commands
from hpcbinderhub.builds.dockerfiles import with_build_arguments
from hpcbinderhub.builds.request import Limits, SiteOptions, Storage
from hpcbinderhub.builds.steps import CHROOT_OPTIONS, Steps, for_uv, steps_for
from hpcbinderhub.builds.storage import check_storage, file_system, is_remote
from hpcbinderhub.errors import UserError

STORAGE = Storage(graphroot=Path("/s/graph"), runroot=Path("/s/run"), tmp=Path("/s/tmp"))

MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:30 / /home rw - nfs4 server:/home rw
31 22 0:31 / /scr\\040atch rw - lustre x@tcp:/y rw
32 30 0:32 / /home/local rw - xfs /dev/vdb rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/x", "ext4"),
        ("/home/builder", "nfs4"),
        ("/home/local/x", "xfs"),
        ("/homes", "ext4"),
        ("/scr atch/x", "lustre"),
    ],
)
def test_the_file_system_of_a_path(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


def test_storage_on_a_network_file_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_CONTAINERS_ROOTLESS_UID", "901")
    path = Path("/home/builder")
    storage = Storage(graphroot=path / "graph", runroot=path / "run", tmp=path / "tmp")
    with pytest.raises(UserError, match=r"network file system \(nfs4\)"):
        check_storage(storage, MOUNTS)


def test_root_builds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("_CONTAINERS_ROOTLESS_UID", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    with pytest.raises(UserError, match="started as root"):
        check_storage(STORAGE, MOUNTS)


def test_buildah_sees_nothing_of_its_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://leaked.example.org/")
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("_CONTAINERS_ROOTLESS_UID", str(os.getuid()))
    seen = commands.environment(STORAGE, {"PATH": "/evil", "https_proxy": "http://proxy:1"})
    assert set(seen) == {
        "HOME", "LANG", "PATH", "STORAGE_DRIVER", "TMPDIR", "XDG_RUNTIME_DIR",
        "_CONTAINERS_ROOTLESS_UID", "https_proxy",
    }  # fmt: skip
    assert seen["PATH"].startswith("/usr/local/sbin")


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("FROM a\nRUN b\n", "FROM a\nARG X\nARG Y\nRUN b\n"),
        (
            "ARG V\nfrom a AS b\nFROM c\n",
            "ARG V\nfrom a AS b\nARG X\nARG Y\nFROM c\nARG X\nARG Y\n",
        ),
        ("FROM \\\n# comment\n  a\nRUN b", "FROM \\\n# comment\n  a\nARG X\nARG Y\nRUN b\n"),
        ("FROM a\nRUN echo \\\nFROM b\n", "FROM a\nARG X\nARG Y\nRUN echo \\\nFROM b\n"),
        (
            "# escape=`\nFROM a `\n AS b\nRUN dir c:\\\nFROM d",
            "# escape=`\nFROM a `\n AS b\nARG X\nARG Y\nRUN dir c:\\\nFROM d\nARG X\nARG Y\n",
        ),
    ],
)
def test_every_stage_of_a_dockerfile_gets_the_site_s_variables(
    dockerfile: str, expected: str
) -> None:
    assert with_build_arguments(dockerfile, ["X", "Y"]) == expected


def test_uv_is_told_what_pip_is_told() -> None:
    assert for_uv({"PIP_INDEX_URL": "https://a/", "HTTPS_PROXY": "p"}) == {
        "PIP_INDEX_URL": "https://a/",
        "UV_DEFAULT_INDEX": "https://a/",
        "HTTPS_PROXY": "p",
    }
    assert for_uv({"PIP_INDEX_URL": "a", "UV_DEFAULT_INDEX": "b"})["UV_DEFAULT_INDEX"] == "b"


def test_a_certificate_bundle_reaches_every_kind_of_tool(tmp_path: Path) -> None:
    bundle = tmp_path / "site.crt"
    bundle.write_text("certificates", "utf-8")
    options = SiteOptions(ca_bundle=bundle, environment={"PIP_CERT": "/own.crt"})
    given = steps_for(options, tmp_path / "trust")
    arguments = given.options("--env")
    assert (tmp_path / "trust" / "ca-bundle.crt").read_text("utf-8") == "certificates"
    assert f"{tmp_path / 'trust'}:/run/hpcbinder-trust:ro" in arguments
    assert "--env=SSL_CERT_FILE=/run/hpcbinder-trust/ca-bundle.crt" in arguments
    assert "--env=PIP_CERT=/own.crt" in arguments
    # Buildah itself is outside of the image, where only the bundle's copy is.
    assert given.own_environment()["SSL_CERT_FILE"] == str(tmp_path / "trust" / "ca-bundle.crt")


def test_without_site_options_a_step_gets_nothing(tmp_path: Path) -> None:
    assert steps_for(SiteOptions(), tmp_path / "trust").options("--env") == [*CHROOT_OPTIONS]
    assert not (tmp_path / "trust").exists()


def test_a_step_is_kept_apart_as_its_build_is_asked_to() -> None:
    assert Steps().options("--env") == ["--isolation=chroot", "--cap-drop=CAP_SYS_CHROOT"]
    assert Steps().prefix() == ()
    held = Steps(isolation="oci", limits=Limits(), cgroup=Path("/sys/fs/cgroup/b/build-1"))
    assert held.options("--env") == [
        *("--isolation=oci", "--network=host"),
        *("--volume", "/sys/fs/cgroup/b/build-1:/sys/fs/cgroup:ro"),
    ]
    assert list(held.prefix())[:4] == [
        *("sh", "-c", 'echo 0 > "$0" && exec "$@"', "/sys/fs/cgroup/b/build-1/cgroup.procs"),
    ]


@pytest.mark.parametrize("kind", ["nfs4", "lustre", "gpfs", "beegfs", "cifs", "fuse.sshfs", "fuse"])
def test_these_file_systems_are_no_disks(kind: str) -> None:
    assert is_remote(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs", "zfs", "overlay", "fuseblk"])
def test_these_are(kind: str) -> None:
    assert not is_remote(kind)


def test_a_link_to_a_network_file_system_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_CONTAINERS_ROOTLESS_UID", "901")
    (tmp_path / "remote").mkdir()
    (tmp_path / "local").symlink_to("remote")
    mounts = f"{MOUNTS}33 22 0:33 / {tmp_path / 'remote'} rw - beegfs beegfs_nodev rw\n"
    at = tmp_path / "local"
    storage = Storage(graphroot=at / "graph", runroot=at / "run", tmp=at / "tmp")
    with pytest.raises(UserError, match=r"network file system \(beegfs\)") as refused:
        check_storage(storage, mounts)
    assert "cannot be laid over each other" in refused.value.advice
