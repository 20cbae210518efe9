"""What is left to repo2docker has its own Dockerfile, with our documented lines at the end."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
import requests
from doubles import language_hosts
from repo2docker.app import Repo2Docker

from hpcbinderhub.builds.application import repo2docker
from hpcbinderhub.builds.builders import builder_of
from hpcbinderhub.builds.commands import Steps
from hpcbinderhub.builds.request import BuildRequest, Storage
from hpcbinderhub.builds.tools import appendix

BASE = "localhost/hpcbinderhub/base-3.11:1-0123456789abcdef"
R = {"runtime.txt": "r-4.3-2024-01-15", "install.R": 'install.packages("praise")\n'}

EXAMPLES: dict[str, dict[str, str]] = {
    "conda": {
        "environment.yml": "channels: [conda-forge]\ndependencies: [numpy, pandas]\n",
        "postBuild": "#!/bin/bash\nconda list\n",
    },
    "conda beside requirements": {
        "environment.yml": "dependencies: [python=3.10, pip, {pip: [tqdm]}]\n",
        "requirements.txt": "numpy\n",
        "apt.txt": "graphviz\n",
    },
    "old python": {"requirements.txt": "numpy\n", "runtime.txt": "python-3.8"},
    "old python, pipenv": {
        "Pipfile": "[packages]\nnumpy = '*'\n[requires]\npython_version = '3.8'\n"
    },
    "python 2": {
        "requirements.txt": "numpy\n",
        "requirements3.txt": "tqdm\n",
        "runtime.txt": "python-2.7",
    },
    "r": R,
    "r description": {
        "DESCRIPTION": "Package: example\nVersion: 0.1\nImports: praise\n",
        "runtime.txt": "r-4.2-2023-06-01",
    },
    "r with python": {
        "binder/environment.yml": "dependencies: [r-base, r-irkernel, numpy]\n",
        "binder/install.R": "install.packages('praise')\n",
        "binder/postBuild": "#!/bin/bash\nexit 0\n",
    },
    "julia": {"Project.toml": "[deps]\nIJulia = '7073ff75-c697-5162-941a-fcdaad2a7d2a'\n"},
    "julia with python": {
        "Project.toml": "[deps]\nPyCall = '438e738f-606a-5dbb-bf0a-cddfbfd45ab0'\n",
        "environment.yml": "dependencies: [matplotlib]\n",
    },
    "julia, the old way": {"REQUIRE": "julia 1.0\nIJulia\n"},
    "everything at once": {
        "environment.yml": "dependencies: [numpy]\n",
        "Project.toml": "[deps]\n",
        "apt.txt": "octave\n",
        "start": '#!/bin/bash\nexec "$@"\n',
        **R,
    },
    "nix": {"default.nix": "with import <nixpkgs> {}; [ python3 ]\n"},
}


@pytest.fixture(autouse=True)
def _hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both Dockerfiles are written with the same answers from elsewhere."""
    monkeypatch.setattr(requests, "post", language_hosts.post)
    monkeypatch.setattr(requests, "get", language_hosts.get)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_dockerfile_is_repo2docker_s_own_and_our_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    context = tmp_path / "context"
    for file, text in EXAMPLES[name].items():
        (context / file).parent.mkdir(parents=True, exist_ok=True)
        (context / file).write_text(text, "utf-8")
    request = BuildRequest(
        id="test",
        context=context,
        commit="a" * 40,
        repo_url="https://example.org/repo",
        ref="main",
        key="test",
        base_image=BASE,
        tools_generation="1",
        storage=Storage(
            graphroot=tmp_path / "graph", runroot=tmp_path / "run", tmp=tmp_path / "tmp"
        ),
        artefact_dir=tmp_path,
    )
    ours = repo2docker(request, builder_of("buildah", request.storage), Steps(), [], dry_run=True)
    ours.build()
    rendered = capsys.readouterr().out
    Repo2Docker(
        repo=str(context),
        ref="a" * 40,
        base_image=request.other_base_image,
        user_id=ours.user_id,
        user_name=ours.user_name,
        target_repo_dir=ours.target_repo_dir,
        dry_run=True,
        run=False,
        push=False,
    ).build()
    stock = capsys.readouterr().out
    changes = difflib.ndiff(stock.splitlines(), rendered.splitlines())
    changed = [line for line in changes if line[0] in "+-" and line[2:].strip()]
    assert changed == ["+ # Appendix:", *(f"+ {line}" for line in appendix(BASE).splitlines())]
