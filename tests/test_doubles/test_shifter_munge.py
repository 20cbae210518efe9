"""Contract 3 and 4: credentials, ACLs and admins, where the machine has a running munge."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from fixed_registry import LOGIN
from gateway_under_test import Gateway
from site_under_test import IMAGE_ID


@pytest.fixture(autouse=True)
def _munge() -> None:
    works = shutil.which("munge") and subprocess.run(["munge", "-n"], capture_output=True)
    if not works or works.returncode:
        pytest.skip("munge is not installed or munged does not run")


@pytest.fixture
def logged_in(gateway: Gateway) -> Gateway:
    home = Path(gateway.site.user.pw_dir, ".udiRoot")
    user, _, password = LOGIN.partition(":")
    done = gateway.shifterimg(
        "login", "test.registry", input=f"{user}\n{password}\n", start_new_session=True
    )
    assert done.returncode == 0
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / ".cred").stat().st_mode) == 0o600
    return gateway


def test_the_login_is_sealed(logged_in: Gateway) -> None:
    text = Path(logged_in.site.user.pw_dir, ".udiRoot", ".cred").read_text()
    assert text.startswith("testcluster:test.registry=MUNGE:")
    assert LOGIN not in text


def test_a_private_image_needs_the_login_and_keeps_its_acl(logged_in: Gateway) -> None:
    tag = "docker:private/tool:1"
    pulled = logged_in.shifterimg("--user=nobody,0,nosuchuser", "pull", tag)
    assert pulled.stdout.endswith("status: READY\n")
    image_id = logged_in.shifterimg("lookup", tag).stdout.strip()
    meta = Path(logged_in.site.settings["imagePath"], f"{image_id}.meta").read_text()
    # Unknown names and root are dropped, the puller is added.
    uids = sorted({65534, logged_in.site.user.pw_uid})
    assert f"USERACL: {','.join(map(str, uids))}\n" in meta
    # Anonymous: not found, and the list breaks.
    assert logged_in.get("/api/lookup/testcluster/docker/private/tool:1/")[0] == 404
    assert logged_in.get("/api/list/testcluster/")[0] == 500
    assert logged_in.site.shifter("true", image=tag).returncode == 0


def test_a_public_image_loses_its_acl(logged_in: Gateway) -> None:
    assert logged_in.shifterimg("--user", "nobody", "pull", "lab/tool:1").returncode == 0
    assert logged_in.get("/api/lookup/testcluster/docker/lab/tool:1/")[1]["userACL"] == "MISSING"


def test_an_admin_may_expire(gateway: Gateway) -> None:
    image_id = gateway.take_in("ready:1", gateway.site.images / f"{IMAGE_ID}.squashfs")
    done = gateway.shifterimg("-v", "expire", "custom:ready:1")
    assert (done.returncode, done.stdout) == (0, 'Message: {"status": true}\n')
    assert gateway.shifterimg("lookup", "custom:ready:1").returncode == 1
    assert not Path(gateway.site.settings["imagePath"], f"{image_id}.squashfs").exists()
