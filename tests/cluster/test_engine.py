"""How Docker is reached by a person who is not in its group."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from cluster import engine

REFUSED = '#!/bin/sh\n[ -n "$ROOT" ] || { echo permission denied >&2; exit 1; }\necho docker $*\n'


@pytest.fixture(autouse=True)
def ordinary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ordinary user at no terminal, on a machine where Docker answers root alone."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr(engine, "_as_root", [])
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    script(tmp_path / "docker", REFUSED)
    return tmp_path


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_sudo_is_used_where_docker_answers_root_alone(
    ordinary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(ordinary / "sudo", '#!/bin/sh\n[ "$1" = -n ] || exit 9\nshift; ROOT=1 exec "$@"\n')
    engine.ensure_docker()
    assert "going on with sudo" in capsys.readouterr().out
    assert engine.docker("ps").stdout == "docker ps\n"
    # sudo passes no variables on, so those that matter are on the command line.
    assert engine.compose_command(A="1") == ["sudo", "-n", "env", "A=1", "docker", "compose"]


def test_who_may_not_be_root_is_told_what_to_do(ordinary: Path) -> None:
    script(ordinary / "sudo", "#!/bin/sh\nexit 1\n")
    with pytest.raises(engine.ClusterError) as failure:
        engine.ensure_docker()
    assert "sudo does not let you be root" in failure.value.what
    assert "group docker" in failure.value.do


def test_nobody_is_asked_where_docker_answers(ordinary: Path) -> None:
    script(ordinary / "docker", '#!/bin/sh\necho docker "$@"\n')
    engine.ensure_docker()
    assert engine.docker_command() == ["docker"]
