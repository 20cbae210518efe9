"""What `hpcbinderhub check` says of a site's engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpcbinderhub.app import main
from hpcbinderhub.images.engines.findings import findings
from hpcbinderhub.site import Site

MPI = {"source": "/opt/cray/mpi", "target": "/host/mpi"}
GPU = {"source": "/usr/lib64/nvidia", "target": "/opt/nvidia"}


def said(engine: str, profile: dict[str, Any] | None = None, **site: Any) -> list[str]:
    """What is found of one profile, without its name."""
    one = {"name": "p", "title": "P", "partition": "p", "engine": engine} | (profile or {})
    found = findings(Site(profiles=[one], **site))
    assert all(line.startswith(f"Profile “p”, {engine}: ") for line in found)
    return [line.partition(": ")[2] for line in found]


@pytest.mark.parametrize("engine", ["apptainer", "charliecloud", "enroot"])
def test_there_is_nothing_to_say_of_an_engine_that_runs_the_file(engine: str) -> None:
    assert said(engine) == []


@pytest.mark.parametrize("engine", ["podman-hpc", "sarus"])
def test_who_pulls_needs_a_registry_and_keeps_nothing_private(engine: str) -> None:
    private = "Keeps no image for one user alone, so it runs no private repository."
    assert said(engine)[0].endswith("so nothing can be launched: set c.Site.image_registry.")
    assert said(engine, image_registry="registry.example.org/images") == [private]


def test_shifter_shows_homes_and_takes_images_in_one_way_or_the_other() -> None:
    assert [words.split()[0] for words in said("shifter")] == ["Pulls", "Cannot", "Keeps"]
    imports = said("shifter", shifter_gateway="http://gw:5000", refuse_unhidden=True)
    assert imports[0] == "Cannot hide homes, so it runs only repositories that may see them."


def test_mounts_of_the_host() -> None:
    binds = {"host": {"binds": [MPI, GPU], "engine_modules": ["mpich"]}}
    assert said("charliecloud", binds, mount_points=["/home", "/opt/nvidia"]) == [
        "Has no modules of its own, so mpich is left out.",
        "Cannot mount /host/mpi read-only: file permissions alone protect it.",
        "Mounts /host/mpi only if images have it: name it in c.Site.mount_points.",
        "Cannot mount /opt/nvidia read-only: file permissions alone protect it.",
    ]
    shifter = said("shifter", binds, shifter_gateway="http://gw:5000")
    assert [words for words in shifter if words.startswith("Mounts")] == [
        "Mounts /host/mpi only if images have it: name it in c.Site.mount_points."
    ]
    assert said("enroot", {"host": {"binds": [MPI]}}) == []


@pytest.mark.parametrize("engine", ["charliecloud", "shifter"])
def test_gpus_without_their_libraries(engine: str) -> None:
    gateway = {"shifter_gateway": "http://gw:5000"}
    without = "Offers GPUs without their libraries"
    assert any(words.startswith(without) for words in said(engine, {"max_gpus": 4}, **gateway))
    given = {"max_gpus": 4, "gpu_host": {"binds": [GPU], "engine_modules": ["gpu"]}}
    assert not any(words.startswith(without) for words in said(engine, given, **gateway))


def test_the_command_prints_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile = {"name": "p", "title": "P", "partition": "p", "engine": "sarus"}
    directory = str(tmp_path / "builder")
    (tmp_path / "10-site.py").write_text(
        f"c = get_config()\nc.Site.profiles = [{profile}]\nc.Site.builder_dir = {directory!r}\n"
    )
    assert main(["check", "--config", str(tmp_path), "--only", "configuration"]) == 1
    assert "✗ Profile “p”, sarus: Pulls its images" in capsys.readouterr().out
