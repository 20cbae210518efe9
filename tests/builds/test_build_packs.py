"""Which pack takes a repository, and the steps it takes."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from hpcbinderhub.builds.builders.buildah import working_container
from hpcbinderhub.builds.detect import build_packs
from hpcbinderhub.builds.tools import appendix, second_step
from hpcbinderhub.builds.uvpack import UvPack

BASE = "localhost/hpcbinderhub/base-3.11:1-012345"
OTHER = "localhost/hpcbinderhub/base-3.13:1-012345"
PYPROJECT = "[project]\nname = 'x'\n[build-system]\nrequires = ['setuptools']\n"


def picked(monkeypatch: pytest.MonkeyPatch, folder: Path, files: dict[str, str]) -> Any:
    """The pack that repo2docker would use for some files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    monkeypatch.chdir(folder)
    logging.getLogger("repo2docker").setLevel(logging.ERROR)
    packs = (make(base_image="other:1") for make in build_packs({"3.11": BASE, "3.13": OTHER}))
    return next(pack for pack in packs if pack.detect())


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({}, "UvPack"),
        ({"README.md": ""}, "UvPack"),
        ({"requirements.txt": ""}, "UvPack"),
        ({"binder/requirements.txt": ""}, "UvPack"),
        ({".binder/postBuild": ""}, "UvPack"),
        ({"apt.txt": ""}, "UvPack"),
        ({"setup.py": ""}, "UvPack"),
        ({"pyproject.toml": PYPROJECT}, "UvPack"),
        ({"requirements.txt": "", "runtime.txt": "python-3.11"}, "UvPack"),
        ({"requirements.txt": "", "runtime.txt": "python-3.8"}, "PythonBuildPack"),
        ({"requirements.txt": "", "environment.yml": ""}, "CondaBuildPack"),
        ({"requirements.txt": "", "runtime.txt": "python-3.13"}, "UvPack"),
        ({"requirements.txt": "", ".python-version": "3.12"}, "UvPack"),
        ({"requirements.txt": "", "Pipfile": ""}, "UvPack"),
        ({"Pipfile.lock": "{}"}, "UvPack"),
        ({"Pipfile": "[requires]\npython_version = '3.8'\n"}, "PipfileBuildPack"),
        ({"uv.lock": "", "pyproject.toml": ""}, "UvPack"),
        ({"pylock.toml": "", "environment.yml": ""}, "CondaBuildPack"),
        ({"requirements.txt": "", "Dockerfile": "FROM x"}, "DockerfilePack"),
        ({"requirements.txt": "", "binder/Dockerfile": "FROM x"}, "DockerfilePack"),
        ({"install.R": "", "runtime.txt": "r-4.3-2024-01-01"}, "RBuildPack"),
        ({"Project.toml": ""}, "JuliaProjectTomlBuildPack"),
        ({"default.nix": ""}, "NixBuildPack"),
        # A binder folder hides what is outside of it.
        ({"environment.yml": "", "binder/requirements.txt": ""}, "UvPack"),
    ],
)
def test_the_pack_that_takes_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: dict[str, str], name: str
) -> None:
    assert type(picked(monkeypatch, tmp_path, files)).__name__ == name


def steps(monkeypatch: pytest.MonkeyPatch, folder: Path, files: dict[str, str]) -> str:
    """The steps of our own pack for some files."""
    pack = picked(monkeypatch, folder, files)
    assert isinstance(pack, UvPack)
    return pack.render()


def test_the_steps_of_a_quickstart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert (
        steps(monkeypatch, tmp_path, {"requirements.txt": "numpy\n"})
        == """\
FROM localhost/hpcbinderhub/base-3.11:1-012345
COPY --chown=1000:1000 . /srv/repo
USER 1000
WORKDIR /srv/repo
RUN ["/srv/hpcbinder/env/bin/python3", "-I", "/srv/hpcbinder/tools/install", \
"--requirements", "requirements.txt"]
USER 1000
"""
    )


def test_the_steps_of_a_repository_that_has_everything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = {
        "binder/requirements.txt": "numpy\n",
        "binder/apt.txt": "hello # a comment\n\ngfortran=4:12.2.0-3\n",
        "binder/postBuild": "#!/bin/sh\n",
        "binder/start": "#!/bin/sh\n",
        "setup.py": "",
    }
    assert (
        steps(monkeypatch, tmp_path, files)
        == """\
FROM localhost/hpcbinderhub/base-3.11:1-012345
USER 0
WORKDIR /
RUN ["sh", "-c", "apt-get -qq update && apt-get install --yes --no-install-recommends -- \
\\"$@\\" && apt-get -qq clean && rm -rf /var/lib/apt/lists/*", "apt.txt", "gfortran=4:12.2.0-3", \
"hello"]
COPY --chown=1000:1000 . /srv/repo
USER 1000
WORKDIR /srv/repo
RUN ["/srv/hpcbinder/env/bin/python3", "-I", "/srv/hpcbinder/tools/install", \
"--requirements", "binder/requirements.txt"]
USER 1000
WORKDIR /srv/repo
RUN ["sh", "-c", "chmod +x \\"$1\\" && \\"./$1\\"", "postBuild", "binder/postBuild"]
USER 1000
WORKDIR /srv/repo
RUN ["/srv/hpcbinder/env/bin/python3", "-I", "/srv/hpcbinder/tools/install"]
ENV R2D_ENTRYPOINT="/srv/repo/binder/start"
USER 1000
"""
    )


def test_a_package_is_installed_with_its_requirements(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = {"requirements.txt": "", "pyproject.toml": PYPROJECT}
    assert '"requirements.txt", "--package"]' in steps(monkeypatch, tmp_path, files)


def test_another_python_of_the_site_s_has_a_base_image_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = {"requirements.txt": "", "runtime.txt": "python-3.13"}
    assert steps(monkeypatch, tmp_path, files).startswith(f"FROM {OTHER}\n")


def test_a_day_is_that_of_the_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = {"requirements.txt": "", "runtime.txt": "python-3.11-2024-01-31"}
    assert '"requirements.txt", "--date", "2024-01-31"]' in steps(monkeypatch, tmp_path, files)


def test_a_lock_needs_no_day(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = {"pylock.toml": "", "runtime.txt": "python-3.11-2024-01-31"}
    assert '"--lock", "pylock.toml"]' in steps(monkeypatch, tmp_path, files)


def test_a_python_that_nobody_has_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = {"pylock.toml": "requires-python = '>=3.15'"}
    with pytest.raises(ValueError, match=r"is >=3\.15; this site has Python 3\.11 and 3\.13\."):
        picked(monkeypatch, tmp_path, files)


@pytest.mark.parametrize("line", ["hello; rm -rf /", "$(id)", "-o=x", "hello world", "Hello"])
def test_apt_txt_holds_names_of_packages_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str
) -> None:
    with pytest.raises(ValueError, match="invalid package name"):
        steps(monkeypatch, tmp_path, {"apt.txt": line + "\n"})


def test_what_other_packs_append() -> None:
    assert (
        appendix(BASE)
        == """\
USER root
COPY --from=localhost/hpcbinderhub/base-3.11:1-012345 /srv/hpcbinder/tools /srv/hpcbinder/tools
COPY --from=localhost/hpcbinderhub/base-3.11:1-012345 /srv/hpcbinder/env /srv/hpcbinder/env
RUN ["/srv/hpcbinder/tools/python/bin/python3", "-I", "/srv/hpcbinder/tools/add-tools.py"]
ENV HOME=/srv/home
ENV PATH=/srv/home/.local/bin:${PATH}
USER ${NB_USER}
"""
    )


def test_a_repository_of_r_alone_is_repo2docker_s_with_ours_at_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = {"install.R": "install.packages('sf')\n", "runtime.txt": "r-4.3-2024-01-01"}
    pack = picked(monkeypatch, tmp_path, files)
    pack.platform = "linux/amd64"
    # Otherwise it asks Posit which of its snapshots is nearest.
    monkeypatch.setattr(type(pack), "get_rspm_snapshot_url", lambda *_: "https://example.org/cran")
    stock = pack.render()
    pack.appendix = appendix(BASE)
    ours = pack.render()
    assert "install.R" in stock
    assert ours.strip() == f"{stock.strip()}\n\n# Appendix:\n{appendix(BASE)}".strip()


def test_the_second_step_of_a_dockerfile() -> None:
    assert (
        second_step("localhost/hpcbinderhub/key:1-own", BASE).containerfile()
        == """\
FROM localhost/hpcbinderhub/key:1-own
COPY --from=localhost/hpcbinderhub/base-3.11:1-012345 /srv/hpcbinder/tools /srv/hpcbinder/tools
COPY --from=localhost/hpcbinderhub/base-3.11:1-012345 /srv/hpcbinder/env /srv/hpcbinder/env
USER 0
WORKDIR /
RUN ["/srv/hpcbinder/tools/python/bin/python3", "-I", "/srv/hpcbinder/tools/add-tools.py"]
"""
    )


def test_a_working_container_s_name_is_a_plain_word() -> None:
    assert working_container("localhost/hpcbinderhub/k:1") == "assembled-localhost-hpcbinderhub-k-1"
