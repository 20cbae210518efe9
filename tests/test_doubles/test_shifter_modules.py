"""Contract 2 and 7: site modules."""

import json

import pytest
from site_under_test import Site


@pytest.fixture(scope="module")
def modular(site: Site) -> Site:
    copied = site.shared / "mpich-files"
    copied.mkdir()
    (copied / "libmpi.so").touch()
    return site.configured(
        "modular",
        defaultModules="base",
        siteEnv="WINNER=site",
        module_base_siteEnv="BASE=yes",
        module_mpich_siteEnv="WINNER=module MPI=yes",
        module_mpich_siteEnvPrepend="PATH=/opt/udiImage/modules/mpich/bin",
        module_mpich_siteEnvUnset="UNWANTED",
        module_mpich_copyPath=str(copied),
        module_mpich_siteFs=f"{site.shared}/site:/mpich",
        module_mpich_conflict="openmpi",
        module_openmpi_siteEnv="MPI=open",
        module_off_enabled="0",
        module_broken_userhook="exit 3",
        module_hooked_userhook="pwd > /site/data/hook-was-here",
    )


def test_a_module_changes_the_environment_before_the_site_does(modular: Site) -> None:
    done = modular.shifter("--module=mpich", "env", env={"UNWANTED": "1"})
    lines = done.stdout.splitlines()
    assert {"MPI=yes", "WINNER=site", "PATH=/opt/udiImage/modules/mpich/bin:/bin"} <= set(lines)
    assert "UNWANTED=1" not in lines


def test_a_module_brings_files_along(modular: Site) -> None:
    done = modular.shifter("-m", "mpich", "ls", "/opt/udiImage/modules/mpich", "/mpich")
    assert "libmpi.so" in done.stdout
    assert "data" in done.stdout
    config = modular.shifter("-m", "base,mpich", "cat", "/var/shifterConfig.json").stdout
    assert json.loads(config)["modules"] == "base,mpich,"


def test_default_modules_and_none(modular: Site) -> None:
    assert "BASE=yes" in modular.shifter("env").stdout
    assert "BASE=yes" not in modular.shifter("-m", "mpich", "env").stdout
    assert "BASE=yes" not in modular.shifter("--module=none", "env").stdout
    assert "BASE=yes" not in modular.shifter("env", env={"SHIFTER_MODULE": "mpich"}).stdout


@pytest.mark.parametrize("name", ["nosuch", "off"])
def test_unknown_modules(modular: Site, name: str) -> None:
    done = modular.shifter(f"--module=mpich,{name}", "true")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"Unknown shifter module: {name}",
        f"Invalid shifter module selection: mpich,{name}",
    ]


def test_conflicting_modules(modular: Site) -> None:
    done = modular.shifter("--module=mpich,openmpi", "true")
    assert done.returncode == 1
    assert done.stderr == "ERROR: cannot load conflicting modules mpich and openmpi\n"


def test_the_users_hook(modular: Site) -> None:
    assert modular.shifter("-m", "hooked", "true", cwd="/tmp").returncode == 0
    assert (modular.data / "hook-was-here").read_text() == "/tmp\n"
    assert modular.shifter("-m", "broken", "true").returncode == 1
