"""A site for the double of Shifter, in a directory of its own, with real squashfs images."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "doubles")]

from fixed_registry import Registry  # noqa: E402
from gateway_under_test import Gateway, start_gateway  # noqa: E402
from image_tree import make_tree  # noqa: E402
from site_under_test import Site, build_site  # noqa: E402

TEST_USER = "shifterdouble"
USERNAME_IN_USE = 9


@pytest.fixture(scope="session")
def ordinary_user() -> Iterator[pwd.struct_passwd]:
    """Shifter refuses root: when the tests run as root, an account is made for them."""
    if os.getuid() != 0:
        yield pwd.getpwuid(os.getuid())
        return
    made = subprocess.run(["useradd", "--create-home", TEST_USER], check=False)
    # A run that was killed left it behind, or another one uses it just now.
    assert made.returncode in (0, USERNAME_IN_USE)
    try:
        yield pwd.getpwnam(TEST_USER)
    finally:
        if made.returncode == 0:
            subprocess.run(
                ["userdel", "--remove", "--force", TEST_USER], check=False, capture_output=True
            )


@pytest.fixture(scope="session")
def site(ordinary_user: pwd.struct_passwd) -> Iterator[Site]:
    """One site for all tests; tests that need other settings derive theirs from it."""
    for program in ("mksquashfs", "squashfuse_ll"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("/dev/fuse is missing or closed")
    with tempfile.TemporaryDirectory(prefix="shifter-double-", dir="/tmp") as name:
        shared = Path(name)
        shared.chmod(0o755)
        tree = shared / "tree"
        make_tree(tree)
        site = build_site(shared, ordinary_user, tree)
        probe = ["unshare", "--user", "--mount", "true"]
        if subprocess.run(probe, **site.as_user({}), check=False).returncode:
            pytest.skip("an ordinary user may not make user namespaces here")
        yield site


@pytest.fixture(scope="session")
def registry(site: Site) -> Iterator[Registry]:
    """A registry with one image made of the site's tree."""
    with Registry() as registry:
        registry.add_image("lab/tool", "1", site.shared / "tree")
        registry.add_image("private/tool", "1", site.shared / "tree")
        yield registry


@pytest.fixture
def gateway(site: Site, registry: Registry) -> Iterator[Gateway]:
    """A gateway without any image yet, and a site that asks it."""
    with start_gateway(site, registry) as gateway:
        yield gateway


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts containers of the site's is not for `make test-fast`."""
    for item in items:
        if HERE in item.path.parents and "site" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
