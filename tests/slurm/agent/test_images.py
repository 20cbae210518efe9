"""Engines' own images, by what their clients print. The real Podman, and Shifter's double, are
asked in tests/images/ and tests/test_doubles/."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpcbinderhub.slurm.framing import AgentError

from .conftest import Ask

IMAGE = f"registry.example.org/hpcbinder/images:{'a' * 64}"
SARUS = f"""\
REPOSITORY                              TAG           IMAGE ID       CREATED   SIZE   SERVER
registry.example.org/hpcbinder/images   {"b" * 64}    2fe79f06fa6d   2026-01   47MB   registry
registry.example.org/hpcbinder/images   {"a" * 64}    6bc9d2cd1831   2026-01   40MB   registry
"""
PODMAN = f"sha256:{'1' * 64} false\nsha256:{'2' * 64} true\n"
SHIFTER = f"ERROR: failed to contact the image gateway.\n{'3' * 64}\n"


@pytest.fixture
def client(tmp_path: Path) -> Any:
    """A client that prints what it is told to and notes how it was called."""

    def make(name: str, said: str, code: int = 0, complains: str = "") -> None:
        program = tmp_path / name
        (tmp_path / "said").write_text(said)
        note = f'echo "$@ $SCRATCH" >> {tmp_path}/asked\n'
        ends = f"cat {tmp_path}/said\nprintf %s '{complains}' >&2\nexit {code}\n"
        program.write_text(f"#!/bin/sh\n{note}{ends}")
        program.chmod(0o755)

    return make


def request(tmp_path: Path, engine: str, image: str = IMAGE) -> dict[str, Any]:
    return {
        "path": [str(tmp_path), "/usr/bin", "/bin"],
        "env": {"SCRATCH": "/scratch/{user}"},
        "engine": engine,
        "image": image,
    }


@pytest.mark.parametrize(
    ("engine", "program", "said", "found"),
    [
        ("sarus", "sarus", SARUS, "6bc9d2cd1831"),
        ("sarus", "sarus", SARUS.replace("a" * 64, "c" * 64), ""),
        ("podman-hpc", "podman-hpc", PODMAN, f"sha256:{'2' * 64}"),
        ("podman-hpc", "podman-hpc", PODMAN.replace("true", "false"), ""),
        ("shifter", "shifterimg", SHIFTER, "3" * 64),
        ("shifter", "shifterimg", "", ""),
    ],
)
def test_an_image_is_found_in_what_the_client_prints(
    ask: Ask, client: Any, tmp_path: Path, engine: str, program: str, said: str, found: str
) -> None:
    client(program, said)
    assert ask("image-lookup", **request(tmp_path, engine)) == {"id": found}


def test_a_pull_says_what_the_client_said_however_it_ended(
    ask: Ask, client: Any, tmp_path: Path
) -> None:
    client("podman-hpc", "Trying to pull\n", code=0, complains="Error: no such manifest")
    answer = ask("image-pull", **request(tmp_path, "podman-hpc"))
    assert answer == {"said": "Trying to pull\nError: no such manifest"}
    words = (tmp_path / "asked").read_text().split()
    assert words[:2] == ["pull", IMAGE]
    assert words[2].startswith("/scratch/")
    assert "{" not in words[2]


def test_what_a_client_complains_of_is_told(ask: Ask, client: Any, tmp_path: Path) -> None:
    client("sarus", "", code=1, complains="Insufficient privileges")
    with pytest.raises(AgentError, match="Insufficient privileges"):
        ask("image-lookup", **request(tmp_path, "sarus"))


@pytest.mark.parametrize("image", ["--all", "-f", "a b", "x;id", "", "a\n"])
@pytest.mark.parametrize("operation", ["image-lookup", "image-pull", "image-remove"])
def test_no_image_is_an_option_or_shell_text(
    ask: Ask, client: Any, tmp_path: Path, operation: str, image: str
) -> None:
    client("podman-hpc", "")
    with pytest.raises(AgentError, match="no image's name"):
        ask(operation, **request(tmp_path, "podman-hpc", image))
    assert not (tmp_path / "asked").exists()


def test_an_image_that_cannot_be_removed_is_not_said_to_be_gone(
    ask: Ask, client: Any, tmp_path: Path
) -> None:
    client("sarus", SARUS)
    with pytest.raises(AgentError, match="still there"):
        ask("image-remove", **request(tmp_path, "sarus"))
    client("sarus", "")
    assert ask("image-remove", **request(tmp_path, "sarus")) == {}
