"""A running imagegwd, and the site whose programs talk to it."""

import contextlib
import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixed_registry import Registry
from site_under_test import DOUBLES, Done, Site


@dataclass(frozen=True)
class Gateway:
    """Its address, the site that knows it, and the registry behind it."""

    site: Site
    url: str
    registry: Registry

    def shifterimg(self, *words: str, **how: Any) -> Done:
        return self.site.run("shifterimg", *words, **how)

    def get(self, path: str) -> tuple[int, Any]:
        return self._ask(urllib.request.Request(self.url + path))

    def post(self, path: str, body: object = None) -> tuple[int, Any]:
        data = json.dumps(body).encode() if body is not None else b""
        return self._ask(urllib.request.Request(self.url + path, data, method="POST"))

    def take_in(self, name: str, squashed: Path) -> str:
        """Import a squashfs and wait until lookup finds it; return its id."""
        body = {"filepath": str(squashed), "format": "squashfs"}
        status, _ = self.post(f"/api/doimport/testcluster/custom/{name}/", body)
        assert status == 200
        return str(self.wait_for(f"/api/lookup/testcluster/custom/{name}/")["id"])

    def wait_for(self, path: str) -> Any:
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            status, answer = self.get(path)
            if status == 200:
                return answer
            time.sleep(0.05)
        raise AssertionError(f"{path} still answers {status}")

    @staticmethod
    def _ask(request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                status, raw = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, raw = error.code, error.read()
        try:
            return status, json.loads(raw)
        except ValueError:
            return status, raw.decode()


@contextlib.contextmanager
def start_gateway(site: Site, registry: Registry, **settings: Any) -> Iterator[Gateway]:
    """Run a gateway with a state of its own as the user, and a site configured for it."""
    room = Path(tempfile.mkdtemp(prefix="gateway-", dir=site.shared))
    room.chmod(0o755)
    site.give(room)
    (room / "imagemanager.json").write_text(json.dumps(manager(site, room, registry) | settings))
    process = subprocess.Popen(
        [str(DOUBLES / "bin" / "imagegwd"), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        **site.as_user({"DOUBLE_ROOT": str(room)}),
    )
    try:
        assert process.stdout is not None
        url = "http://" + process.stdout.readline().split()[-1]
        own = site.configured(room.name, imageGateway=url, imagePath=f"{room}/images")
        yield Gateway(own, url, registry)
    finally:
        process.terminate()
        process.communicate()
        shutil.rmtree(room)


def manager(site: Site, room: Path, registry: Registry) -> dict[str, Any]:
    """imagemanager.json: the test's registry is the default location."""
    return {
        "WorkerThreads": 2,
        "DefaultImageLocation": "test.registry",
        "DefaultImageFormat": "squashfs",
        "ImageExpirationTimeout": "90:00:00:00",
        "MongoDBURI": "mongodb://unused/",
        "MongoDB": "Shifter",
        "CacheDirectory": f"{room}/cache",
        "ExpandDirectory": f"{room}/expand",
        "ImportUsers": "all",
        "Locations": {
            "test.registry": {"remotetype": "dockerv2", "url": f"http://{registry.host}"},
            "closed.registry": {"remotetype": "dockerv2", "url": "http://127.0.0.1:9"},
        },
        "Platforms": {
            "testcluster": {
                "accesstype": "local",
                "use_external": True,
                "admins": [site.user.pw_name],
                "local": {"imageDir": f"{room}/images"},
            }
        },
    }
