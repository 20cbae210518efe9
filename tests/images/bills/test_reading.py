"""Which packages a tree holds, whoever filled it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from images.bills.finished_image import (
    CONDA,
    ENV,
    SITE,
    add_conda,
    add_debian,
    add_python,
    write,
)

from hpcbinderhub.images.bills import reading
from hpcbinderhub.images.bills.model import Package
from hpcbinderhub.images.bills.reading import Contents, contents
from hpcbinderhub.images.tree import Tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def read(root: Path, **variables: str) -> Contents:
    return contents(Tree(root), variables)


def named(root: Path, **variables: str) -> list[str]:
    return [f"{p.kind} {p.name} {p.version}" for p in read(root, **variables).packages]


def only(root: Path) -> Package:
    (package,) = read(root).packages
    return package


def test_each_kind_of_package_is_found_in_its_place(root: Path) -> None:
    add_python(root, "Jupyter_Server", "2.0")
    add_conda(root, "numpy", "2.1.0", "py311h1_0")
    add_debian(root)
    write(root, "/lib/apk/db/installed", "P:musl\nV:1.2.5-r0\nA:x86_64\n\nP:zlib\nV:1.3\n")
    found = read(root)
    assert found.system == "debian 12"
    assert found.unread == ()
    assert [(p.kind, p.where, p.name, p.version) for p in found.packages] == [
        ("apk", "", "musl", "1.2.5-r0"),
        ("apk", "", "zlib", "1.3"),
        ("conda", CONDA, "numpy", "2.1.0"),
        ("deb", "", "hello", "2.10-3"),
        ("deb", "", "libc6", "2.36-9+deb12u7"),
        ("pypi", ENV, "jupyter-server", "2.0"),
    ]


def test_conda_says_where_a_package_came_from_and_what_its_archives_hashes_are(root: Path) -> None:
    token = "https://me:secret@conda.example.org/t/secret/main/linux-64/numpy-2.1.0-py_0.conda"
    add_conda(root, "numpy", "2.1.0", "py_0", url=token)
    package = only(root)
    assert package.url == "https://conda.example.org/main/linux-64/numpy-2.1.0-py_0.conda"
    assert (package.build, package.arch) == ("py_0", "linux-64")
    assert package.hashes == {"sha256": "b" * 64, "md5": "a" * 32}


@pytest.mark.parametrize(
    ("origin", "url", "commit", "hashes"),
    [
        (
            {
                "url": "https://example.org/geo/tool.git",
                "vcs_info": {"vcs": "git", "commit_id": "c" * 40},
                "subdirectory": "python",
            },
            "git+https://example.org/geo/tool.git#subdirectory=python",
            "c" * 40,
            {},
        ),
        (
            {
                "url": "https://me:secret@example.org/tool-1.0.whl?token=secret",
                "archive_info": {"hashes": {"sha256": "d" * 64, "blake2b": "e" * 64}},
            },
            "https://example.org/tool-1.0.whl",
            "",
            {"sha256": "d" * 64},
        ),
        (
            {
                "url": "https://example.org/t.zip",
                "archive_info": {"hash": f"sha256={'f' * 64}"},
            },
            "https://example.org/t.zip",
            "",
            {"sha256": "f" * 64},
        ),
        ({"url": "file:///srv/repo", "dir_info": {"editable": True}}, "file:///srv/repo", "", {}),
    ],
)
def test_pip_says_where_a_package_came_from_if_it_was_not_an_index(
    root: Path, origin: dict[str, object], url: str, commit: str, hashes: dict[str, str]
) -> None:
    add_python(root, "tool", "1.0", origin=origin)
    package = only(root)
    assert (package.url, package.commit, package.hashes) == (url, commit, hashes)


def test_the_same_archive_has_the_same_list_of_files_wherever_it_is_installed(
    root: Path, tmp_path: Path
) -> None:
    def digest(number: str, **more: str) -> str:
        add_python(tmp_path / number, "six", "1.17.0", **more)
        return only(tmp_path / number).files

    first = digest("1")
    assert first
    assert digest("2", prefix="/opt/conda", installer="pip") == first
    assert digest("3", content="y") != first


def test_what_conda_installed_is_condas(root: Path) -> None:
    add_conda(root, "six", "1.17.0", "py_0")
    add_python(root, "six", "1.17.0", prefix=CONDA, installer="conda")
    add_python(root, "tqdm", "4.0", prefix=CONDA, installer="pip")
    assert named(root) == ["conda six 1.17.0", "pypi tqdm 4.0"]


def test_environments_are_where_the_images_variables_say(root: Path) -> None:
    for prefix in ("/opt/mine", "/data/venv", "/srv/conda/envs/kernel"):
        add_python(root, prefix.rpartition("/")[2], "1.0", prefix=prefix)
    assert named(root) == ["pypi kernel 1.0"]
    variables = {"PATH": "/opt/mine/bin:relative:/usr/bin", "VIRTUAL_ENV": "/data/venv/"}
    assert named(root, **variables) == ["pypi venv 1.0", "pypi mine 1.0", "pypi kernel 1.0"]


def test_a_system_that_is_not_understood_is_named(root: Path) -> None:
    write(root, "/var/lib/rpm/rpmdb.sqlite")
    assert read(root).unread == ("the system's RPM packages",)


def test_no_link_leads_out_and_nothing_but_files_is_opened(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    add_python(outside, "secret", "1.0")
    (root / "srv/hpcbinder").mkdir(parents=True)
    (root / "srv/hpcbinder/env").symlink_to(outside / "srv/hpcbinder/env")
    info = add_python(root, "pipe", "1.0", prefix="/usr/local")
    for name in ("METADATA", "RECORD"):
        (info / name).unlink()
        os.mkfifo(info / name)
    (info / "direct_url.json").symlink_to(tmp_path / "outside/url.json")
    assert named(root, VIRTUAL_ENV="/../outside/srv/hpcbinder/env") == ["pypi pipe 1.0"]
    assert only(root).files == ""


HASH = "a" * 64


@pytest.mark.parametrize(
    ("noted", "installer", "origin", "found"),
    [
        ({"six==1.17.0": HASH}, "uv", None, {"sha256": HASH}),
        ({"six==1.17.0": HASH}, "pip", None, {}),
        ({"six==1.16.0": HASH}, "uv", None, {}),
        ({"six==1.17.0": "no hash"}, "uv", None, {}),
        ({"six==1.17.0": [HASH]}, "uv", None, {}),
        ([HASH], "uv", None, {}),
        ({"six==1.17.0": HASH}, "uv", {"url": "https://example.org/six.whl"}, {}),
    ],
)
def test_the_hash_of_a_wheel_is_what_our_installer_has_noted(
    root: Path, noted: object, installer: str, origin: dict[str, str] | None, found: dict[str, str]
) -> None:
    add_python(root, "six", "1.17.0", installer=installer, origin=origin)
    write(root, f"{ENV}/{SITE}/hpcbinder-hashes.json", json.dumps(noted))
    assert only(root).hashes == found


@pytest.mark.parametrize(
    "text",
    [
        "Name: a b\nVersion: 1\n",
        "Name: ok\nVersion: 1\n 0 --index-url=https://evil.example.org\n",
        "Name: -r\nVersion: 1\n",
        "Name: " + "a" * 300 + "\nVersion: 1\n",
    ],
)
def test_what_could_mean_something_else_to_an_installer_is_left_out(root: Path, text: str) -> None:
    write(root, f"{ENV}/{SITE}/odd-1.dist-info/METADATA", text)
    found = read(root)
    assert found.packages == ()
    assert found.unread == ("1 entries that could not be understood",)


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", '{"name": 7}', "\udcff", "NaN", ""])
def test_a_record_of_condas_that_is_none_is_counted(root: Path, text: str) -> None:
    path = write(root, f"{CONDA}/conda-meta/odd.json")
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert read(root).unread == ("1 entries that could not be understood",)


def test_a_bill_has_a_limit_and_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        add_python(root, f"p{number}", "1.0")
    cut = ("what comes after the limit on the size of a bill",)
    assert read(root).unread == ()
    monkeypatch.setattr(reading, "MAX_PACKAGES", 3)
    assert len(read(root).packages) == 3
    assert read(root).unread == cut
    monkeypatch.setattr(reading, "MAX_PACKAGES", 5)
    assert read(root).unread == ()
    monkeypatch.setattr(reading, "MAX_SIZE", 300)
    assert 0 < len(read(root).packages) < 5
    assert read(root).unread == cut
    assert contents(Tree(root, left=10), {}).unread == cut


def test_the_contents_survive_their_way_through_json(root: Path) -> None:
    add_python(root, "six", "1.17.0")
    add_conda(root, "numpy", "2.1.0", "py_0")
    for package in read(root).packages:
        assert (
            Package.model_validate_json(package.model_dump_json(exclude_defaults=True)) == package
        )
        assert json.loads(package.model_dump_json())["name"] in ("six", "numpy")
