"""What a launch may be asked to run by itself."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from hpcbinderhub.launches.run import MOST_BYTES, Run
from hpcbinderhub.workspaces import run_name


def test_a_notebook_with_parameters() -> None:
    asked = {
        "notebook": "runs/depth.ipynb",
        "parameters": {"depth": 3, "at": [1.5, None, {"k": 1}]},
    }
    assert Run.model_validate(asked).model_dump() == {**asked, "output": None}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("notebook", "/etc/index.ipynb", "within the repository"),
        ("notebook", "../index.ipynb", "within the repository"),
        ("notebook", "a//index.ipynb", "within the repository"),
        ("notebook", "./index.ipynb", "within the repository"),
        ("notebook", ".", "within the repository"),
        ("notebook", "//etc/index.ipynb", "within the repository"),
        ("notebook", "index.py", "ends in .ipynb"),
        ("notebook", ".git/hooks.ipynb", "a notebook is expected"),
        ("notebook", "a\nb.ipynb", "match pattern"),
        ("output", "index.ipynb", "cannot take the place"),
        ("output", "/tmp/out.ipynb", "within the repository"),
        ("parameters", {"a b": 1}, "name of a variable"),
        ("parameters", {"import": 1}, "name of a variable"),
        ("parameters", {"x": float("nan")}, "finite"),
        ("parameters", {"x": "y" * MOST_BYTES}, "no more than 32 KiB"),
        ("kernel", "python3", "Extra inputs"),
    ],
)
def test_what_cannot_be_run_is_refused(field: str, value: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Run.model_validate({"notebook": "index.ipynb", field: value})


def test_each_run_has_a_server_of_its_own_with_a_name_that_jupyterhub_takes() -> None:
    url = "https://example.org/a-very-long-name-of-a-repository.git"
    names = {run_name(url) for _ in range(3)}
    assert len(names) == 3
    for name in names:
        assert re.fullmatch("[a-z][a-z0-9-]{0,29}", name)
