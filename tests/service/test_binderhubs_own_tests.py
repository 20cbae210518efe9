"""BinderHub's own HTTP tests, against this service.

They are BinderHub's, so they are not here: name an unpacked source of it in `BINDERHUB_SOURCE`, and
they are run from there. What PyPI has (0.1.0, of 2018) is older than the API of today. Their
`conftest.py` starts a BinderHub, and needs Kubernetes and Docker to be imported; ours takes its
place, and gives them the address of a service that runs and a token for every request.

Where they build a repository on GitHub by its full address, that is exchanged for the address of a
repository here. With `BINDER_URL` and `BINDER_TOKEN` set they go to that site as they are, with
those that need GitHub itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cluster.person import Person
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = pytest.mark.slow

SOURCE = os.environ.get("BINDERHUB_SOURCE", "")
SITE = os.environ.get("BINDER_URL", "")

# Tests of HTTP, by file, that are about the API and not about BinderHub's program.
WANTED = {
    "test_build.py": ["test_build", "test_build_check_accept", *(["test_build_fail"] * bool(SITE))],
    "test_legacy.py": ["test_legacy_redirect"],
}
ON_GITHUB = "https://github.com/binderhub-ci-repos/cached-minimal-dockerfile"
NEEDS_GITHUB = "test_build and (gh/ or gl/ or 596b52f10efb0c9befc0c4ae850cc5175297d71c)"

# Left out, each for what it asserts beyond the API:
#   test_build.py    test_build_only, test_build_only_fail: two configurations of one program, and
#                    no single site can have both; here whoever may build may build alone. And
#                    those of Kubernetes' pods, of Docker, and of BinderHub's classes.
#   test_main.py     test_build_token_origin: a token in BinderHub's own page that lifts its limit
#                    for anonymous visitors. Here everybody is logged in; the token is ignored.
#   test_version.py  asserts BinderHub's own version number.
#   test_health.py   asserts a quota of pods. The rest of it is in `test_public_pages.py`.

CONFTEST = """
import pytest, requests, types

class Session(requests.Session):
    def request(self, *arguments, **more):
        headers = more.pop("headers", None) or {}
        more["headers"] = {"Authorization": "Bearer TOKEN"} | headers
        return super().request(*arguments, **more)

for method in ("get", "post", "head"):
    setattr(requests, method, getattr(Session(), method))

@pytest.fixture
def app():
    return types.SimpleNamespace(url="URL")

@pytest.fixture
def needs_build(): pass
needs_launch = always_build = needs_build

def pytest_configure(config):
    for name in ("remote", "github_api", "helm", "auth"):
        config.addinivalue_line("markers", name)
"""


@pytest.mark.skipif(not SOURCE, reason="BINDERHUB_SOURCE names no unpacked source of BinderHub")
@pytest.mark.parametrize("module", sorted(WANTED))
def test_the_module_passes(
    module: str,
    start_service: Callable[..., RunningService],
    people: dict[str, Person],
    repository: ServedRepository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, token = SITE, os.environ.get("BINDER_TOKEN", "")
    if not url:
        token = people["alice"].token
        if module == "test_legacy.py":
            # It expects to be at the root of its host.
            monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/")
            url = start_service().direct_url
        else:
            url = start_service().url
    package = tmp_path / "binderhub"
    tests = package / "tests"
    tests.mkdir(parents=True)
    theirs = Path(SOURCE, "binderhub", "tests")
    for name in ("__init__.py", "utils.py", module):
        text = (theirs / name).read_text()
        (tests / name).write_text(text if SITE else text.replace(ON_GITHUB, repository.url))
    (package / "__init__.py").touch()
    # What a module imports and the tests that are wanted do not use.
    for name in ("docker", "kubernetes", "binderhub.build", "binderhub.build_local"):
        stand_in = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        stand_in.write_text("def __getattr__(name):\n    return type(name, (), {})\n")
    (tests / "conftest.py").write_text(CONFTEST.replace("TOKEN", token).replace("URL", url))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider"),
            *("-c", os.devnull, "-o", "asyncio_mode=auto", f"--rootdir={tmp_path}"),
            *([] if SITE else ["-k", f"not ({NEEDS_GITHUB})"]),
            *(f"{tests / module}::{name}" for name in WANTED[module]),
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    # They end their server from within, which the hub notices only later.
    for server in people["alice"].servers():
        people["alice"].hub("DELETE", f"users/alice/servers/{server}", {"remove": True})
    assert done.returncode == 0, done.stdout + done.stderr
