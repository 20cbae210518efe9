"""Artefacts of images in a real registry."""

from __future__ import annotations

import base64
import json
import math
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from images.layers import by_unsquashfs, file, folder, layer, write_layout
from images.registry import Unreliable, running, upload

from hpcbinderhub.app import main
from hpcbinderhub.builds.request import Artefact
from hpcbinderhub.errors import UserError
from hpcbinderhub.images.convert import Place
from hpcbinderhub.images.registry import blobs
from hpcbinderhub.images.registry.artefact import Limits, from_registry
from hpcbinderhub.images.registry.client import Registry, RegistrySilent
from hpcbinderhub.images.registry.reference import Reference, parse
from hpcbinderhub.images.squash import NEEDED_FILES
from hpcbinderhub.store.files import strays

OURS = [file(path.lstrip("/"), "{}", 0o755) for path in NEEDED_FILES]
# Words that do not compress to nothing, so that there is something to break.
CHANCE = random.Random(1)
TEXT = " ".join(str(CHANCE.random()) for _ in range(100_000))
LAYERS = [
    [folder("srv"), *OURS, file("etc/old", TEXT), folder("tmp"), file("tmp/left"), file("a")],
    [file("etc/.wh.old"), file("etc/new", TEXT[::-1]), file("root/.cache/x"), file("a", "new")],
]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("registry")) as host:
        yield host


def layout(target: Path) -> Path:
    """An image that could be launched."""
    write_layout(target, [layer(items) for items in LAYERS], {"Env": ["A=b"]})
    return target


@pytest.fixture
def image(registry: str, tmp_path: Path) -> Reference:
    return parse(
        f"{registry}/group/image@{upload(layout(tmp_path / 'l'), f'{registry}/group/image:1')}"
    )


def made(reference: Reference, store: Path, limit: int = 1 << 30, **more: Path) -> Artefact:
    """The artefact of an image, in a store."""
    if shutil.which("mksquashfs") is None:
        pytest.skip("squashfs-tools are not installed on this host")
    store.mkdir(exist_ok=True)
    scratch = store.with_name("scratch")
    scratch.mkdir(exist_ok=True)
    registry = Registry(reference.host, https=False, **more)
    place, limits = Place(store, "here"), Limits(limit, scratch)
    *_lines, artefact = from_registry(registry, reference, place, limits, ["/home", "/srv/repo"])
    assert isinstance(artefact, Artefact)
    assert list(scratch.iterdir()) == []
    return artefact


def test_an_image_becomes_an_artefact(image: Reference, tmp_path: Path) -> None:
    artefact = made(image, tmp_path / "store")
    found = by_unsquashfs(artefact.path, tmp_path / "tree")
    assert found["a"][:2] == ("file", "new")
    assert found["etc/new"][1] == TEXT[::-1]
    assert not {"etc/old", "tmp/left", "root/.cache"} & set(found)
    assert all(found[name] == ("folder", "", "0o555") or found[name][2] == "0o755"
               for name in ("tmp", "home", "srv/repo"))  # fmt: skip
    beside = json.loads(artefact.path.with_suffix(".json").read_text())
    assert beside["image"] == f"{image.host}/group/image@{image.version}"
    # So nobody takes it for a stray, although no image of the hub's is made of it.
    assert strays(tmp_path / "store", known=(), before=math.inf) == []


@pytest.mark.parametrize("options", [["--dest-compress-format=zstd"], ["--format=v2s2"]])
def test_other_compression_and_dockers_own_format(
    registry: str, tmp_path: Path, options: list[str]
) -> None:
    target = f"{registry}/other/{options[0].strip('-').replace('=', '-')}:1"
    upload(layout(tmp_path / "l"), target, *options)
    found = by_unsquashfs(made(parse(target), tmp_path / "store").path, tmp_path / "tree")
    assert found["etc/new"][1] == TEXT[::-1]


@pytest.mark.parametrize("ignores_range", [False, True])
def test_a_connection_that_breaks_is_gone_on_with(
    image: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ignores_range: bool
) -> None:
    monkeypatch.setattr(blobs, "PAUSE", 0.01)
    with Unreliable(image.host) as between:
        between.ignores_range, between.breaks_once, between.breaks_after = (
            ignores_range,
            True,
            600_000,
        )
        artefact = made(parse(f"{between.host}/group/image@{image.version}"), tmp_path / "store")
    assert by_unsquashfs(artefact.path, tmp_path / "tree")["etc/new"][1] == TEXT[::-1]
    assert [line for line in between.asked if "bytes=" in line]


def test_what_is_not_what_was_named_is_not_used(image: Reference, tmp_path: Path) -> None:
    with Unreliable(image.host) as between:
        between.flips = True
        with pytest.raises(UserError, match=r"something else|unpacked|layer"):
            made(parse(f"{between.host}/group/image@{image.version}"), tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []


def test_a_registry_that_goes_away_is_named(
    image: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "PAUSE", 0.0)
    with Unreliable(image.host) as between:
        between.breaks_after = 0
        with pytest.raises(RegistrySilent):
            made(parse(f"{between.host}/group/image@{image.version}"), tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []


def test_a_login_is_shown_to_a_registry_that_asks_for_it(tmp_path: Path) -> None:
    passwords, authfile = tmp_path / "htpasswd", tmp_path / "auth.json"
    passwords.write_text("alice:$2b$04$L45BUvWEmbnC4rFistqDFug.aL9yeLZu2LZdSotOwo/0W/dyGJaVa\n")
    login = base64.b64encode(b"alice:secret").decode()
    with running(
        tmp_path / "registry", f"auth: {{htpasswd: {{realm: here, path: {passwords}}}}}"
    ) as host:
        target = f"{host}/group/image:1"
        upload(layout(tmp_path / "l"), target, "--dest-creds=alice:secret")
        authfile.write_text(json.dumps({"auths": {host: {"auth": login}}}))
        with pytest.raises(UserError, match="or not for us"):
            made(parse(target), tmp_path / "store")
        assert made(parse(target), tmp_path / "store", authfile=authfile).size


def test_a_token_is_got_with_a_login_where_a_registry_says(
    image: Reference, tmp_path: Path
) -> None:
    authfile = tmp_path / "auth.json"
    login = base64.b64encode(b"alice:secret").decode()
    with Unreliable(image.host) as between:
        between.login = f"Basic {login}"
        named = parse(f"{between.host}/group/image@{image.version}")
        authfile.write_text(json.dumps({"auths": {between.host: {"auth": login}}}))
        with pytest.raises(UserError, match="or not for us"):
            made(named, tmp_path / "store")
        assert made(named, tmp_path / "store", authfile=authfile).size
    asked = [line for line in between.asked if line.startswith("/token")]
    assert asked == ["/token?scope=repository%3Agroup%2Fimage%3Apull&service=here"]
    authfile.write_text("[]")
    with pytest.raises(UserError, match="cannot be read"):
        made(named, tmp_path / "store", authfile=authfile)


def test_images_that_cannot_be_launched_or_are_too_large(registry: str, tmp_path: Path) -> None:
    write_layout(tmp_path / "l", [layer([file("a", TEXT)])], {})
    target = f"{registry}/foreign/image:1"
    upload(tmp_path / "l", target)
    with pytest.raises(UserError, match=r"lacks /srv/hpcbinder/image\.json"):
        made(parse(target), tmp_path / "store")
    with pytest.raises(UserError, match="this site allows"):
        made(parse(target), tmp_path / "store", limit=1000)
    with pytest.raises(UserError, match="larger than this site allows"):
        made(parse(target), tmp_path / "store", limit=len(TEXT) - 1)
    with pytest.raises(UserError, match="or not for us"):
        made(parse(f"{registry}/foreign/absent:1"), tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []


def test_an_admin_takes_one_in(
    image: Reference, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, config = tmp_path / "store", tmp_path / "config"
    store.mkdir()
    config.mkdir()
    (config / "1.py").write_text("c.Site.mount_points = ['/scratch']")
    command = ["images", "import", "--config", str(config), "--plain-http"]
    assert main([*command, str(image), str(store)]) == 0
    path = Path(capsys.readouterr().out.splitlines()[-1])
    assert sorted(store.iterdir()) == sorted([path, path.with_suffix(".json")])
    assert {"a", "scratch", "srv/repo"} <= by_unsquashfs(path, tmp_path / "tree").keys()
    assert main([*command, str(image), str(store / "absent")]) == 1
    assert "is no folder to write to" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("debian", Reference("docker.io", "library/debian", "latest")),
        ("jupyter/base:1", Reference("docker.io", "jupyter/base", "1")),
        ("localhost/x", Reference("localhost", "x", "latest")),
        ("localhost:5000/x:1", Reference("localhost:5000", "x", "1")),
        ("r.example.org/a/b/c:1.2", Reference("r.example.org", "a/b/c", "1.2")),
        (
            f"r.example.org/a:1@sha256:{'0' * 64}",
            Reference("r.example.org", "a", f"sha256:{'0' * 64}"),
        ),
    ],
)
def test_names_of_images(text: str, reference: Reference) -> None:
    assert parse(text) == reference


@pytest.mark.parametrize(
    "text", ["", "A", "a:", "a@sha256:1", "r.example.org/", "a/../b", "a b", "http://a/b", "a@"]
)
def test_what_is_no_name_of_an_image(text: str) -> None:
    with pytest.raises(UserError, match="is no name of an image"):
        parse(text)
