"""What a record holds a build to."""

from __future__ import annotations

from pathlib import Path

from images.bills.bills import bill, conda, debian, python
from images.bills.finished_image import ENV

from hpcbinderhub.builds.tools import appendix
from hpcbinderhub.images.bills.lock import (
    Lock,
    all_hashed,
    conda_steps,
    files,
    lock_of,
    locked_key,
    write,
)
from hpcbinderhub.images.bills.model import Package

GIT = python("tool", "1.0", url="git+https://example.org/tool.git#subdirectory=a", commit="c" * 40)
WHEEL = python("data", "2.0", url="https://example.org/data-2.0.zip", hashes={"sha256": "d" * 64})
OWN = python("mine", "0.1", url="file:///srv/repo")


def test_python_packages_come_in_their_versions_commits_and_archives() -> None:
    lock = lock_of(bill(python("numpy", "2.1.0"), GIT, WHEEL, OWN))
    git = "tool @ git+https://example.org/tool.git@" + "c" * 40 + "#subdirectory=a"
    wheel = "data @ https://example.org/data-2.0.zip#sha256=" + "d" * 64
    assert lock.constraints == ("numpy==2.1.0",)
    assert lock.overrides == (wheel, git)
    assert lock.environment == ("numpy==2.1.0", git, wheel)


def test_what_the_commit_and_the_base_image_decide_is_left_to_them() -> None:
    assert lock_of(bill(OWN)) == Lock()


def test_a_package_that_two_environments_have_in_two_versions_is_not_constrained() -> None:
    lock = lock_of(
        bill(
            python("numpy", "2.1.0"),
            python("numpy", "1.26.4", "/usr/local"),
            python("six", "1.17.0"),
            python("six", "1.17.0", "/usr/local"),
        )
    )
    assert lock.constraints == ("six==1.17.0",)
    assert lock.environment == ("numpy==2.1.0", "six==1.17.0")


def hashed(name: str, version: str, letter: str, where: str = ENV) -> Package:
    """A package whose wheel's hash is known."""
    return python(name, version, where, hashes={"sha256": letter * 64})


def test_uv_is_held_to_the_hashes_that_are_known() -> None:
    lock = lock_of(
        bill(
            hashed("numpy", "2.1.0", "a"),
            hashed("six", "1.17.0", "b"),
            hashed("six", "1.17.0", "c", "/usr/local"),
            hashed("idna", "3.10", "d"),
            python("idna", "3.10", "/usr/local"),
        )
    )
    # pip would want a hash of everything then, from scripts as well.
    assert lock.constraints == ("idna==3.10", "numpy==2.1.0", "six==1.17.0")
    assert lock.hashed == (
        "idna==3.10",
        f"numpy==2.1.0 --hash=sha256:{'a' * 64}",
        f"six==1.17.0 --hash=sha256:{'b' * 64} --hash=sha256:{'c' * 64}",
    )
    assert lock.environment[0] == f"numpy==2.1.0 --hash=sha256:{'a' * 64}"
    assert all_hashed(lock)
    assert files(lock)["hashed.txt"] == "".join(f"{line}\n" for line in lock.hashed)


def test_hashes_are_required_where_all_have_one_and_nothing_comes_from_elsewhere() -> None:
    known, unknown = hashed("numpy", "2.1.0", "a"), python("six", "1.17.0")
    assert all_hashed(lock_of(bill(known)))
    assert not all_hashed(lock_of(bill(known, unknown)))
    assert not all_hashed(lock_of(bill(known, WHEEL)))


def test_what_builds_of_packages_bring_themselves_is_not_constrained() -> None:
    lock = lock_of(bill(python("setuptools", "65.5.1"), python("pip", "23.0")))
    assert lock.constraints == ()
    assert lock.environment == ("setuptools==65.5.1", "pip==23.0")


def test_conda_gets_an_explicit_list_of_addresses_for_each_environment() -> None:
    lock = lock_of(
        bill(conda("numpy", "2.1"), conda("r-base", "4.4"), conda("julia", "1.11", "/srv/conda"))
    )
    made = files(lock)
    assert made["conda-1.txt"] == (
        "@EXPLICIT\n"
        f"https://conda.anaconda.org/conda-forge/linux-64/numpy-2.1-py_0.conda#{'a' * 32}\n"
        f"https://conda.anaconda.org/conda-forge/linux-64/r-base-4.4-py_0.conda#{'a' * 32}\n"
    )
    assert conda_steps(lock).splitlines() == [
        "RUN ${MAMBA_EXE} install --yes --prefix /srv/conda/envs/notebook "
        "--file /run/hpcbinder-lock/conda-1.txt",
        "RUN ${MAMBA_EXE} install --yes --prefix /srv/conda --file /run/hpcbinder-lock/conda-2.txt",
    ]
    lines = appendix("base:1", lock).splitlines()
    assert lines[0] == "USER root"
    assert lines[1:3] == conda_steps(lock).splitlines()
    assert appendix("base:1", Lock()) == appendix("base:1")


def test_apt_prefers_the_recorded_versions_and_goes_on_without() -> None:
    lock = lock_of(bill(debian("hello", "2.10-3"), debian("g++", "4:12.2.0-3")))
    assert files(lock)["apt-preferences"] == (
        "Package: hello\nPin: version 2.10-3\nPin-Priority: 999\n\n"
        "Package: g++\nPin: version 4:12.2.0-3\nPin-Priority: 999\n"
    )


def test_everybody_in_the_image_can_read_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "lock"
    write(lock_of(bill(python("six", "1.17.0"))), folder, 'Acquire::https::CaInfo "/x";\n')
    assert folder.stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
    assert (folder / "constraints.txt").read_text() == "six==1.17.0\n"
    assert (folder / "apt.conf").read_text() == (
        'Dir::Etc::Preferences "/run/hpcbinder-lock/apt-preferences";\n'
        'Acquire::https::CaInfo "/x";\n'
    )


def test_a_locked_recipe_has_a_key_of_its_own() -> None:
    one, other = lock_of(bill(python("six", "1.17.0"))), lock_of(bill(python("six", "1.16.0")))
    keys = {"k", locked_key("k", one), locked_key("k", other), locked_key("l", one)}
    assert len(keys) == 4
    assert locked_key("k", one) == locked_key("k", Lock.model_validate_json(one.model_dump_json()))
