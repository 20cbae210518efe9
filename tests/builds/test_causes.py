"""Real logs of builds that failed, and what a person is told about each."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpcbinderhub.builds.causes import diagnose
from hpcbinderhub.builds.verdicts import crashed, timed_out

LOGS = Path(__file__).parent / "logs"


def log(name: str) -> list[str]:
    """The lines of one log, after steps that went well."""
    before = [
        "Using UvPack builder",
        "STEP 0/9: FROM base",
        "No space left on device, it once said",
    ]
    return before + (LOGS / f"{name}.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize(
    ("name", "cause", "message"),
    [
        (
            "no-such-version",
            "no-solution",
            "No versions satisfy all of the repository's requirements: Because there is no version "
            "of numpy==99.0 and you require numpy==99.0, we can conclude that your requirements "
            "are unsatisfiable.",
        ),
        (
            "contradiction",
            "no-solution",
            "No versions satisfy all of the repository's requirements: Because pandas==2.2.0 "
            "depends on numpy{python_full_version < '3.12'}>=1.23.2,<2 and you require "
            "pandas==2.2.0, we can conclude that you require numpy>=1.23.2,<2. And because you "
            "require numpy==1.20, we can conclude that your requirements are unsatisfiable.",
        ),
        (
            "unknown-package",
            "package-not-found",
            "There is no package nosuchpackage-xyz-123 where this site gets packages from.",
        ),
        (
            "unknown-apt-package",
            "package-not-found",
            "There is no package nosuch-package-abc where this site gets packages from.",
        ),
        (
            "tools-conflict",
            "tools-conflict",
            "The repository requires tornado==4.5.3, but jupyterlab>=4.0.0 of the tools needs "
            "tornado>=6.2.0.",
        ),
        (
            "tools-conflict-of-a-lock",
            "tools-conflict",
            "The repository requires tornado==4.5.3, but jupyterlab>=4.0.0 of the tools needs "
            "tornado>=6.2.0.",
        ),
        (
            "conda-unreachable",
            "conda-unreachable",
            "This repository needs conda hosts (conda.anaconda.org, micro.mamba.pm) which cannot "
            "be reached from the build host.",
        ),
        (
            "dockerfile-without-path",
            "dockerfile",
            "The image that the Dockerfile makes has no git where its PATH leads.",
        ),
        (
            "dockerfile-step",
            "dockerfile",
            "A step of the Dockerfile failed: RUN echo about to fail >&2 && false (exit status 1).",
        ),
        (
            "dockerfile-syntax",
            "dockerfile",
            'A step of the Dockerfile failed: RUNN (Unknown instruction: "RUNN").',
        ),
        (
            "dockerfile-base",
            "dockerfile",
            "The base image docker.io/library/nosuchimage:1 cannot be had from where this site "
            "gets images.",
        ),
        ("postbuild", "postbuild", "The repository's postBuild script failed."),
        (
            "killed",
            "out-of-memory",
            "A build step was killed, most likely since it needed more memory than there is.",
        ),
        (
            "index-unreachable",
            "network",
            "nosuch.invalid cannot be reached from the build host.",
        ),
        (
            "compilation",
            "package-build",
            "The package mysqlclient==2.3.1 has to be compiled, and that failed.",
        ),
        (
            "requirements-syntax",
            "repository",
            "The requirements of the repository cannot be read: requirements.txt: no such "
            'comparison operator "=====", must be one of ~= == != <= >= < > ===',
        ),
    ],
)
def test_a_failed_build_is_explained(name: str, cause: str, message: str) -> None:
    event = diagnose(log(name))
    assert (event.cause, event.message) == (cause, message)
    assert event.advice
    assert event.lines
    assert all(len(line) <= 500 for line in event.lines)


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (["STEP 1/2: RUN make", "cp: error writing 'x': No space left on device"], "no-space"),
        (["STEP 1/2: RUN dd", "File size limit exceeded"], "over-limit"),
        (["STEP 1/2: RUN pip", "ERROR: No matching distribution found for a==9"], "no-solution"),
        (
            [
                "STEP 1/2: RUN pip",
                "ERROR: No matching distribution found for abc (from versions: none)",
            ],
            "package-not-found",
        ),
        (["STEP 1/2: RUN x", "SSLError: certificate verify failed: unable to get"], "network"),
        (["STEP 2/2: RUN sh add-tools", "hpcbinder-tools: no-git: git could not"], "dockerfile"),
        (["STEP 2/2: RUN x", "hpcbinder-tools: broken: jupyterhub-singleuser"], "tools-conflict"),
        (["STEP 2/2: RUN x", "  cause: Hash mismatch for `toolz==0.12.1`"], "hash-mismatch"),
        (["STEP 2/2: RUN x", "hpcbinder-tools: lock: uv.lock cannot be read"], "repository"),
        (["something else altogether"], "internal"),
        ([], "internal"),
    ],
)
def test_shorter_logs(lines: list[str], cause: str) -> None:
    assert diagnose(lines).cause == cause


def test_what_repo2docker_refuses_is_the_repository_s() -> None:
    event = diagnose([], ValueError("Invalid runtime.txt: x"))
    assert (event.cause, event.message) == ("repository", "Invalid runtime.txt: x")


def test_who_needs_conda_for_another_python_is_told_what_the_site_has() -> None:
    notice = "runtime.txt asks for Python 3.8; this site has Python 3.11."
    before = [f"hpcbinder: {notice}", "Using PythonBuildPack builder"]
    lines = (LOGS / "conda-unreachable.txt").read_text("utf-8").splitlines()
    event = diagnose([*before, *lines])
    assert event.cause == "conda-unreachable"
    assert event.advice.startswith(notice)


def test_a_host_that_repo2docker_itself_asks_in_vain_is_not_the_repository_s() -> None:
    error = RuntimeError(
        "Failed to fetch available Julia versions: HTTPSConnectionPool(host='julia.example.org', "
        "port=443): Max retries exceeded with url: /versions.json (Caused by NameResolutionError)"
    )
    event = diagnose([], error)
    assert event.cause == "network"
    assert event.message == "julia.example.org cannot be reached from the build host."


def test_the_last_lines_go_with_a_time_limit_and_a_crash() -> None:
    lines = [f"line {number}" for number in range(50)]
    assert timed_out(lines, 600).lines[-1] == "line 49"
    assert "600 seconds" in timed_out(lines, 600).message
    assert crashed(lines).lines[-1] == "line 49"
