"""A real builder: rootless buildah under an ordinary account, with the site's base image.

`tests/cluster/test_builder.py` runs these tests on the containerised site's builder; where a host
has such an account itself, they run there too.

`HPCBINDER_TEST_BUILDER_DIR` names a folder of that account on a local disk; its storage is kept
there between runs, since making the base image takes minutes. As root, the tests build under the
account `builder`; as anyone else, under their own. Those of builds with a single user id take the
account `single`, which has no subordinate ones (`useradd --system --create-home single`).
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from hpcbinderhub.builds.steps import TRUST_VARIABLES

PROJECT = Path(__file__).resolve().parents[2]
DEBIAN = "docker.io/library/debian:bookworm"

MAKE_BASE = """
import json, sys
from pathlib import Path
from hpcbinderhub.images.base import BaseSettings, ensure_base
settings = BaseSettings.model_validate_json(sys.argv[1])
base = ensure_base(settings, Path(sys.argv[2]), lambda line: print(line, file=sys.stderr))
print(base.name)
"""


EXAMINE = """
import json, sys
from pathlib import Path
from hpcbinderhub.builds.builders import builder_of
from hpcbinderhub.builds.fence.policy import BuildPolicy, Fence
from hpcbinderhub.builds.fence.host import examine
from hpcbinderhub.builds.request import Storage
policy = BuildPolicy()
builder = builder_of(sys.argv[3], Storage.model_validate_json(sys.argv[1]))
host = examine(builder, sys.argv[2], policy.wanted_network())
fence = Fence(policy, host)
print(json.dumps([host.holds_strangers, fence.confinement().model_dump(mode="json")]))
print(*fence.findings(), sep="\\n", file=sys.stderr)
"""


OF_TESTS = "localhost/hpcbinderhub-of-tests"
OURS = "localhost/hpcbinderhub/*"
NAME = "{{.Repository}}:{{.Tag}}"
CERTIFICATES = "/usr/local/lib/certificates"

CH_IMAGES = """
import sys
from hpcbinderhub.builds.builders import builder_of
from hpcbinderhub.builds.request import Storage
sys.exit(not builder_of("ch-image", Storage.model_validate_json(sys.argv[1])).has(sys.argv[2]))
"""

CH_IMPORT = """
import subprocess, sys
from hpcbinderhub.builds.builders import builder_of
from hpcbinderhub.builds.request import Storage
builder = builder_of("ch-image", Storage.model_validate_json(sys.argv[1]))
where = ("--storage", str(builder.folder))
command = builder.inside("ch-image", "import", *where, *sys.argv[2:])
sys.exit(subprocess.run(command, env=builder.environment()).returncode)
"""

EXPORT = """
container=$(buildah $0 from "$1") && tar -C "$(buildah $0 mount $container)" -cf "$2" .
buildah $0 rm $container > /dev/null
"""


@dataclass(frozen=True)
class Builder:
    """Runs builds as the builder's account."""

    account: str
    folder: Path
    base_image: str = ""
    confinement: dict[str, Any] = field(default_factory=dict)
    holds_strangers: bool = False
    tool: str = "buildah"
    options: dict[str, Any] = field(default_factory=lambda: site_options())
    around: tuple[str, ...] = ()
    """What goes before a build's command, as root: a network of the test's own."""

    @property
    def storage(self) -> dict[str, str]:
        """The storage of all builds of the tests."""
        return {name: str(self.folder / name) for name in ("graphroot", "runroot", "tmp")}

    @property
    def artefacts(self) -> Path:
        """Where artefacts go."""
        return self.folder / "artefacts"

    def command(self, *command: str) -> list[str]:
        """A command as the builder's account, with an environment of its own."""
        home = pwd.getpwnam(self.account).pw_dir
        change = ["setpriv", f"--reuid={self.account}", f"--regid={self._group}", "--init-groups"]
        prefix = change if os.getuid() == 0 else []
        clean = ["env", "-i", f"HOME={home}", f"PYTHONPATH={PROJECT}", f"PATH={os.environ['PATH']}"]
        return [*prefix, *clean, "PYTHONDONTWRITEBYTECODE=1", *command]

    @property
    def _group(self) -> int:
        return pwd.getpwnam(self.account).pw_gid

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the builder's account."""
        return subprocess.run(self.command(*command), capture_output=True, text=True, cwd="/")

    def buildah(self, *arguments: str) -> str:
        """What a buildah command on the storage prints."""
        where = ["--root", self.storage["graphroot"], "--runroot", self.storage["runroot"]]
        driver = ["--storage-driver", "overlay"]
        done = self.run("buildah", *where, *driver, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def request(self, context: Path, **changes: Any) -> str:
        """A request for one build, as a line of JSON."""
        values: dict[str, Any] = {
            "id": "test",
            "context": str(context),
            "commit": "a" * 40,
            "repo_url": "https://example.org/repo",
            "ref": "main",
            "key": "test",
            "base_image": self.base_image,
            "other_base_image": self.base_image,
            "tools_generation": "1",
            "builder": self.tool,
            "storage": self.storage,
            "artefact_dir": str(self.artefacts),
            "mount_points": ["/home", "/scratch"],
            "confinement": self.confinement,
            **self.options,
        }
        return json.dumps(values | changes) + "\n"

    def start(self, context: Path, **changes: Any) -> subprocess.Popen[str]:
        """Start one build."""
        process = subprocess.Popen(
            [*self.around, *self.command(sys.executable, "-m", "hpcbinderhub.builds.run")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
        )
        assert process.stdin is not None
        process.stdin.write(self.request(context, **changes))
        process.stdin.flush()
        return process

    def build(self, context: Path, **changes: Any) -> list[dict[str, Any]]:
        """Run one build to its end; all its events."""
        with self.start(context, **changes) as process:
            assert process.stdout is not None
            events = [json.loads(line) for line in process.stdout]
        assert process.returncode == (0 if events[-1]["phase"] == "built" else 1)
        return events

    def repository(self, files: dict[str, str]) -> Path:
        """A folder with some files, as a context that the builder can read."""
        folder = Path(tempfile.mkdtemp(dir=self.folder / "contexts"))
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        return folder

    def neighbour(self, folder: Path) -> Builder:
        """Another builder of the same account on the same host, as a second worker would be."""
        other = replace(self, folder=folder)
        folders = (folder, *map(Path, other.storage.values()), other.artefacts)
        for path in (*folders, folder / "contexts"):
            path.mkdir(parents=True, exist_ok=True)
            if os.getuid() == 0:
                shutil.chown(path, self.account, self._group)
        # Owned by many, as the account's own user namespace sees them.
        paths = [f"{self.storage['graphroot']}/.", other.storage["graphroot"]]
        done = self.run("buildah", "unshare", "cp", "-a", *paths)
        assert done.returncode == 0, done.stderr
        return other

    def remove(self) -> None:
        """Remove a neighbour."""
        self.run("buildah", "unshare", "rm", "-rf", *self.storage.values())
        shutil.rmtree(self.folder, ignore_errors=True)


def site_options() -> dict[str, Any]:
    """What this host's network needs: its certificates and package indexes."""
    bundle = os.environ.get("HPCBINDERHUB_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE", "")
    settings = os.environ.get("HPCBINDERHUB_BUILD_ENV", "").split()
    environment = dict(setting.split("=", 1) for setting in settings)
    return {"environment": environment} | ({"ca_bundle": bundle} if bundle else {})


def builder_account() -> str:
    """The account to build under; skips where there is none."""
    account = "builder" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    if not has_subordinate_ids(account):
        pytest.skip(f"the account {account!r} has no subordinate user ids on this host")
    return account


def single_account() -> str:
    """An account with a single user id; skips where there is none."""
    account = "single" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    if has_subordinate_ids(account):
        pytest.skip(f"the account {account!r} has subordinate user ids on this host")
    return account


def has_subordinate_ids(account: str) -> bool:
    """Whether an account has more than its own id; skips where there is no such account."""
    try:
        pwd.getpwnam(account)
    except KeyError:
        pytest.skip(f"this host has no account {account!r} to build under")
    granted = Path("/etc/subuid").read_text("utf-8").splitlines()
    return any(line.startswith(f"{account}:") for line in granted)


def prepared(account: str) -> Builder:
    """The builder without its base image; skips where rootless buildah does not work."""
    for program in ("buildah", "mksquashfs", "unsquashfs", "newuidmap"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed on this host")
    default = f"/var/tmp/hpcbinder-test-{account}"
    named = os.environ.get("HPCBINDER_TEST_BUILDER_DIR") if account != "single" else None
    folder = Path(named or default)
    builder = Builder(account, folder)
    for path in (folder, *map(Path, builder.storage.values()), builder.artefacts):
        path.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            shutil.chown(path, account, builder._group)
    (folder / "contexts").mkdir(exist_ok=True)
    if builder.run(sys.executable, "-c", "import hpcbinderhub, repo2docker").returncode != 0:
        pytest.skip(f"the account {account!r} cannot read the Python of these tests")
    done = builder.run("buildah", "--root", str(folder / "graphroot"), "unshare", "true")
    if done.returncode != 0:
        pytest.skip(f"rootless buildah does not work on this host: {done.stderr.strip()[-200:]}")
    return builder


def make_base(builder: Builder, **choices: str) -> str:
    """The name of a base image of this source tree, which is made if it is not there."""
    settings = json.dumps(
        {"builder": builder.tool, "storage": builder.storage, **builder.options, **choices}
    )
    made = builder.run(sys.executable, "-c", MAKE_BASE, settings, str(PROJECT / "hpcbinder"))
    assert made.returncode == 0, made.stderr[-3000:]
    return made.stdout.strip()


@contextmanager
def ready_chimage() -> Iterator[Builder]:
    """One with `ch-image`, which gets Debian from where Buildah has it."""
    if shutil.which("ch-image") is None:
        pytest.skip("ch-image is not installed on this host")
    known = prepared(builder_account())
    has_debian(known)
    folder = known.folder.with_name(f"{known.folder.name}-ch-image")
    builder = replace(known, folder=folder, tool="ch-image")
    for path in (folder, *map(Path, builder.storage.values()), builder.artefacts):
        path.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            shutil.chown(path, builder.account, builder._group)
    (folder / "contexts").mkdir(exist_ok=True)
    has_it = builder.run(sys.executable, "-c", CH_IMAGES, json.dumps(builder.storage), DEBIAN)
    if has_it.returncode != 0:
        where = ["--root", known.storage["graphroot"], "--runroot", known.storage["runroot"]]
        archive = folder / "tmp" / "debian.tar"
        words = [" ".join([*where, "--storage-driver overlay"]), DEBIAN, str(archive)]
        done = builder.run("buildah", *where, "unshare", "sh", "-c", EXPORT, *words)
        assert done.returncode == 0, done.stderr
        done = builder.run(sys.executable, "-c", CH_IMPORT, json.dumps(builder.storage),
                           str(archive), DEBIAN)  # fmt: skip
        assert done.returncode == 0, done.stderr
    yield examined(replace(builder, base_image=make_base(builder)))
    shutil.rmtree(builder.folder / "contexts", ignore_errors=True)
    shutil.rmtree(builder.artefacts, ignore_errors=True)


@contextmanager
def ready_docker() -> Iterator[Builder]:
    """One with Docker's daemon, to which its account may speak (`useradd --groups docker dock`).

    Docker gives steps no certificates, so those of this host are put into an image to begin with.
    """
    account = "dock" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    if account not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip(f"this host has no account {account!r} that may speak to a Docker daemon")
    builder = prepared(account)
    builder = replace(builder, tool="docker", folder=Path(f"{builder.folder}-docker"))
    for path in (builder.folder, *map(Path, builder.storage.values()), builder.artefacts):
        path.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            shutil.chown(path, builder.account, builder._group)
    (builder.folder / "contexts").mkdir(exist_ok=True)
    if builder.run("docker", "image", "inspect", DEBIAN).returncode != 0:
        pytest.skip(f"no Docker daemon answers here that has {DEBIAN}")
    options = site_options()
    begin = builder.repository({"Dockerfile": f"FROM {DEBIAN}\nCOPY . {CERTIFICATES}/\n"})
    bundle = Path(options.pop("ca_bundle", os.devnull)).read_text("utf-8")
    (begin / "ca.crt").write_text(bundle, "utf-8")
    (begin / "ca.crt").chmod(0o644)
    done = builder.run("docker", "build", "-q", "--tag", f"{OF_TESTS}:1", str(begin))
    assert done.returncode == 0, done.stderr
    names = TRUST_VARIABLES.keys() - {"WGETRC", "APT_CONFIG"} if bundle else ()
    told = options["environment"] | dict.fromkeys(names, f"{CERTIFICATES}/ca.crt")
    builder = replace(builder, options={"environment": told})
    yield examined(replace(builder, base_image=make_base(builder, from_image=f"{OF_TESTS}:1")))
    for image in (
        f"{OF_TESTS}:1",
        *builder.run("docker", "images", "--format", NAME, OURS).stdout.split(),
    ):
        builder.run("docker", "image", "rm", "--force", image)
    shutil.rmtree(builder.folder, ignore_errors=True)


@contextmanager
def ready_builder(account: str) -> Iterator[Builder]:
    """A builder with the base image of this source tree."""
    builder = prepared(account)
    has_debian(builder)
    yield examined(replace(builder, base_image=make_base(builder)))
    shutil.rmtree(builder.folder / "contexts", ignore_errors=True)
    shutil.rmtree(builder.artefacts, ignore_errors=True)


@pytest.fixture(scope="session")
def builder() -> Iterator[Builder]:
    """One builder for all tests."""
    with ready_builder(builder_account()) as builder:
        yield builder


def has_debian(builder: Builder) -> None:
    """Have Debian in the storage; skips where it cannot be had."""
    if DEBIAN not in builder.buildah("images", "--format", "{{.Name}}:{{.Tag}}"):
        pull = ["--root", builder.storage["graphroot"], "--runroot", builder.storage["runroot"]]
        done = builder.run("buildah", *pull, "--storage-driver", "overlay", "pull", DEBIAN)
        if done.returncode != 0:
            pytest.skip(f"{DEBIAN} is neither in {builder.folder} nor to be had from a registry")


def examined(builder: Builder) -> Builder:
    """The builder with the fence that this host allows."""
    where = json.dumps(builder.storage)
    done = builder.run(sys.executable, "-c", EXAMINE, where, builder.base_image, builder.tool)
    assert done.returncode == 0, done.stderr[-3000:]
    holds_strangers, confinement = json.loads(done.stdout)
    return replace(builder, confinement=confinement, holds_strangers=holds_strangers)


@pytest.fixture(scope="session")
def chimage_builder() -> Iterator[Builder]:
    """One that builds with Charliecloud's `ch-image`."""
    with ready_chimage() as builder:
        yield builder


@pytest.fixture(scope="session")
def docker_builder() -> Iterator[Builder]:
    """One that builds with the Docker daemon of this host."""
    with ready_docker() as builder:
        yield builder


@pytest.fixture(scope="session")
def single_builder() -> Iterator[Builder]:
    """One under an account with a single user id."""
    with ready_builder(single_account()) as builder:
        yield builder
