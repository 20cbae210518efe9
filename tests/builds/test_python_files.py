"""What a repository's files say is installed, and into which Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcbinderhub.builds.python_files import wanted
from hpcbinderhub.builds.pythons import Asked, asked, choose, fits, runtime_date

PACKAGE = "[project]\nname = 'x'\n[build-system]\nrequires = ['setuptools']\n"
PLAIN = "[project]\nname = 'x'\ndependencies = ['numpy']\n"
CHOSEN = "[project.optional-dependencies]\nbinder = ['voila']\n[dependency-groups]\nbinder = []\n"


def written(folder: Path, files: dict[str, str]) -> Path:
    """A folder with some files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("files", "arguments"),
    [
        ({}, ()),
        ({"README.md": ""}, ()),
        ({"requirements.txt": ""}, ("--requirements", "requirements.txt")),
        ({"setup.py": ""}, ("--package",)),
        ({"pyproject.toml": PACKAGE}, ("--package",)),
        ({"pyproject.toml": PLAIN}, ("--project", "pyproject.toml")),
        # Settings of tools, and nothing to install.
        ({"pyproject.toml": "[tool.ruff]\n"}, ()),
        ({"pyproject.toml": "[project]\nname = 'x'\n"}, ()),
        (
            {"requirements.txt": "", "pyproject.toml": PACKAGE},
            ("--requirements", "requirements.txt", "--package"),
        ),
        # Without a build backend there is nothing to install beside the requirements.
        ({"requirements.txt": "", "pyproject.toml": PLAIN}, ("--requirements", "requirements.txt")),
        (
            {"pyproject.toml": PACKAGE + CHOSEN},
            ("--package", "--extra", "binder", "--group", "binder"),
        ),
        (
            {"pyproject.toml": PLAIN + "[dependency-groups]\nbinder = []\ndev = []\n"},
            ("--project", "pyproject.toml", "--group", "binder"),
        ),
        ({"pylock.toml": ""}, ("--lock", "pylock.toml")),
        ({"uv.lock": "", "pyproject.toml": PLAIN}, ("--lock", "uv.lock")),
        (
            {"uv.lock": "", "pyproject.toml": PLAIN + CHOSEN},
            ("--lock", "uv.lock", "--extra", "binder", "--group", "binder"),
        ),
        ({"Pipfile": ""}, ("--pipfile", "Pipfile")),
        ({"Pipfile": "", "Pipfile.lock": "{}"}, ("--lock", "Pipfile.lock")),
        ({"Pipfile": "", "requirements.txt": ""}, ("--pipfile", "Pipfile")),
        ({"pylock.toml": "", "requirements.txt": ""}, ("--lock", "pylock.toml")),
        # A binder folder hides what is outside of it, and is no package.
        (
            {"uv.lock": "", "binder/requirements.txt": ""},
            ("--requirements", "binder/requirements.txt"),
        ),
        ({"setup.py": "", ".binder/postBuild": ""}, ()),
        ({"binder/setup.py": ""}, ()),
        ({"binder/pyproject.toml": PLAIN}, ("--project", "binder/pyproject.toml")),
        ({"binder/pyproject.toml": PACKAGE}, ()),
    ],
)
def test_the_file_that_decides(
    tmp_path: Path, files: dict[str, str], arguments: tuple[str, ...]
) -> None:
    folder = written(tmp_path, files)
    binder = next((name for name in ("binder", ".binder") if (folder / name).is_dir()), "")
    assert wanted(folder, binder).arguments == arguments


def test_a_lock_says_what_is_not_read_beside_it(tmp_path: Path) -> None:
    files = {"pylock.toml": "", "uv.lock": "", "Pipfile": "", "requirements.txt": ""}
    found = wanted(written(tmp_path, files), "")
    assert (found.decides, found.unread) == ("pylock.toml", ("uv.lock", "requirements.txt"))


@pytest.mark.parametrize(
    ("files", "stock"),
    [
        ({"requirements.txt": ""}, True),
        ({"Pipfile.lock": "{}"}, True),
        ({"pyproject.toml": PACKAGE}, True),
        ({"pyproject.toml": PLAIN}, False),
        ({"uv.lock": "", "pyproject.toml": PACKAGE}, False),
        ({}, True),
    ],
)
def test_what_repo2docker_itself_would_make_something_of(
    tmp_path: Path, files: dict[str, str], stock: bool
) -> None:
    assert wanted(written(tmp_path, files), "").stock is stock


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"uv.lock": ""}, "uv.lock has no pyproject.toml beside it"),
        ({"pyproject.toml": "[project\n"}, "pyproject.toml cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wanted(written(tmp_path, files), "")


@pytest.mark.parametrize(
    ("files", "version", "where", "allowed"),
    [
        ({"requirements.txt": ""}, None, "", ""),
        ({"requirements.txt": "", "runtime.txt": "python-3.11"}, "3.11", "runtime.txt", ""),
        ({"requirements.txt": "", "runtime.txt": "python-3.11.4\n"}, "3.11", "runtime.txt", ""),
        ({"runtime.txt": "python-3.11-2024-01-01"}, "3.11", "runtime.txt", ""),
        ({"runtime.txt": "python3.11-2024-01-01"}, "3.11", "runtime.txt", ""),
        ({"runtime.txt": "python-2024-01-01"}, None, "", ""),
        ({".python-version": "3.13\n"}, "3.13", ".python-version", ""),
        ({".python-version": "# ours\ncpython-3.12.1\n"}, "3.12", ".python-version", ""),
        ({".python-version": "pypy3.10\n"}, None, "", ""),
        ({"runtime.txt": "python-3.11", ".python-version": "3.13"}, "3.11", "runtime.txt", ""),
        ({"Pipfile": "[requires]\npython_version = '3.12'\n"}, "3.12", "Pipfile", ""),
        (
            {
                "Pipfile": "[requires]\npython_version = '3.12'\n",
                "Pipfile.lock": '{"_meta": {"requires": {"python_full_version": "3.10.2"}}}',
                "runtime.txt": "python-3.11",
            },
            "3.10",
            "Pipfile.lock",
            "",
        ),
        (
            {"pyproject.toml": PLAIN.replace("dep", "requires-python = '>=3.12'\ndep")},
            None,
            "",
            ">=3.12",
        ),
        ({"pylock.toml": "requires-python = '>=3.10'\n"}, None, "", ">=3.10"),
        ({"binder/runtime.txt": "python-3.12"}, "3.12", "binder/runtime.txt", ""),
    ],
)
def test_the_python_that_is_asked_for(
    tmp_path: Path, files: dict[str, str], version: str | None, where: str, allowed: str
) -> None:
    folder = written(tmp_path, files)
    binder = "binder" if (folder / "binder").is_dir() else ""
    found = asked(folder, binder, wanted(folder, binder))
    assert (found.version, found.where, found.allowed) == (version, where, allowed)


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        (Asked(), "3.11"),
        (Asked("3", "runtime.txt"), "3.11"),
        (Asked("3.13", "runtime.txt"), "3.13"),
        (Asked(allowed=">=3.12"), "3.13"),
        (Asked(allowed=">=3.9,<3.11.99"), "3.11"),
        (Asked("3.12", ".python-version", firm=False, allowed=">=3.10"), "3.11"),
        (Asked("3.13", ".python-version", firm=False, allowed=">=3.10"), "3.13"),
        (Asked("3.8", "runtime.txt"), None),
        (Asked("3.12", ".python-version", firm=False), "3.11"),
        (Asked("3.12", ".python-version"), None),
        (Asked(allowed=">=3.14"), None),
        (Asked("3.11", "runtime.txt", allowed=">=3.12"), None),
    ],
)
def test_the_python_that_it_gets(asked: Asked, version: str | None) -> None:
    assert choose(asked, "3.11", ["3.10", "3.13"]).version == version


def test_a_refusal_says_what_the_site_has() -> None:
    assert (
        choose(Asked("3.8", "runtime.txt"), "3.11", ["3.13"]).notice
        == "runtime.txt asks for Python 3.8; this site has Python 3.11 and 3.13."
    )
    assert (
        choose(Asked(allowed=">=3.14"), "3.11", []).notice
        == "This repository's requires-python is >=3.14; this site has Python 3.11."
    )


def test_another_python_than_the_preferred_one_is_said() -> None:
    notice = choose(Asked("3.12", ".python-version", False, ">=3.10"), "3.11", []).notice
    assert ".python-version asks for Python 3.12" in notice
    assert "the repository gets Python 3.11" in notice


@pytest.mark.parametrize(
    ("files", "firm"),
    [
        ({"requirements.txt": ""}, False),
        ({"pyproject.toml": PLAIN}, True),
        ({"pyproject.toml": PLAIN.replace("dep", "requires-python = '>=3.9'\ndep")}, False),
        ({"pylock.toml": ""}, True),
    ],
)
def test_when_another_python_than_the_preferred_one_will_do(
    tmp_path: Path, files: dict[str, str], firm: bool
) -> None:
    folder = written(tmp_path, {**files, ".python-version": "3.12"})
    assert asked(folder, "", wanted(folder, "")).firm is firm


VERSIONS = st.integers(8, 16).map(lambda minor: f"3.{minor}")


@given(VERSIONS, st.sets(VERSIONS), st.one_of(st.none(), VERSIONS), VERSIONS, st.booleans())
def test_whoever_names_a_python_gets_it_or_is_told(
    default: str, others: set[str], named: str | None, lowest: str, firm: bool
) -> None:
    allowed = f">={lowest}"
    choice = choose(Asked(named, "runtime.txt", firm, allowed), default, others)
    if choice.version is None:
        assert choice.notice
        return
    assert choice.version in {default, *others}
    assert fits(choice.version, allowed)
    assert named in (None, choice.version) or (choice.notice and not firm)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("python-3.11-2024-01-31\n", "2024-01-31"),
        ("python3.11-2024-01-31", "2024-01-31"),
        ("python-2024-01-31", "2024-01-31"),
        ("python-3.11", "None"),
        ("r-4.3-2024-01-31", "None"),
    ],
)
def test_the_day_of_the_index(text: str, day: str) -> None:
    assert str(runtime_date(text)) == day


def test_a_day_that_no_calendar_has() -> None:
    with pytest.raises(ValueError, match="2024-02-30"):
        runtime_date("python-3.11-2024-02-30")
