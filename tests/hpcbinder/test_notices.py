"""What the page says of an environment before one is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from compute_node import Launch, Node
from hypothesis import given
from hypothesis import strategies as st

from hpcbinder.kernels import Wish, available, substitute, wish


def notebook(name: str, language: str | None) -> bytes:
    metadata = {"kernelspec": {"name": name, "display_name": name}}
    if language:
        metadata["language_info"] = {"name": language}
    return json.dumps({"cells": [], "metadata": metadata, "nbformat": 4}).encode()


def told(launch: Launch) -> str:
    """The notice that the hub gets for the page, which is in the log as well."""
    log = launch.run().log
    notice = str(launch.node.hub.asked("/ready")[-1].body["notice"])
    assert all(sentence in log for sentence in notice.split(". "))
    return notice


def with_notebooks(node: Node, notebooks: dict[str, bytes]) -> Launch:
    node.origin.add(notebooks)
    node.hub.replies["/content"] = [(200, node.origin.bundle())]
    return node.launch()


def test_what_an_environment_cannot_have_is_said(node: Node) -> None:
    node.lacks = {"workers": "Python 3.8 is too old", "kernel": "it holds no Python."}
    assert told(node.launch()) == (
        "Dask cannot be had in this environment: Python 3.8 is too old. "
        "Notebooks cannot run in the Python of this environment: it holds no Python."
    )


def test_a_package_that_the_workspace_does_not_change_is_said(node: Node) -> None:
    node.fixed = ["fastwaves"]
    assert "The package fastwaves is the one in the image" in told(node.launch())


def test_a_notebook_whose_kernel_is_not_here_gets_one_of_its_language(node: Node) -> None:
    node.python = "/usr/bin/python3"
    node.kernel("julia-1.11", "julia")
    files = {
        "a.ipynb": notebook("conda-env-waves-py", "python"),
        "b.ipynb": notebook("julia-1.6", "julia"),
        "c.ipynb": notebook("ir", "R"),
        "d.ipynb": notebook("python3", "python"),
        "e.ipynb": notebook("unknown", None),
        "f.ipynb": b"[1, 2]",
        "deep/g.ipynb": notebook("other", "python"),
    }
    assert told(with_notebooks(node, files)) == (
        "a.ipynb asks for the kernel 'conda-env-waves-py', which is not here: 'python3' takes its "
        "place. "
        "b.ipynb asks for the kernel 'julia-1.6', which is not here: 'julia-1.11' takes its place. "
        "c.ipynb asks for the kernel 'ir', and there is none for its language."
    )


def test_only_the_notebook_that_opens_is_told_of(node: Node) -> None:
    node.python = "/usr/bin/python3"
    files = {"a.ipynb": notebook("x", "python"), "deep/g h.ipynb": notebook("y", "python")}
    launch = with_notebooks(node, files)
    launch.grant["env"]["JUPYTERHUB_DEFAULT_URL"] = "/lab/tree/deep/g%20h.ipynb"
    assert told(launch).startswith("deep/g h.ipynb asks for the kernel 'y'")


def test_a_link_leads_to_no_file_outside(node: Node) -> None:
    node.python = "/usr/bin/python3"
    (node.root / "outside.ipynb").write_bytes(notebook("x", "python"))
    launch = node.launch()
    launch.grant["env"]["JUPYTERHUB_DEFAULT_URL"] = "/lab/tree/../../outside.ipynb"
    assert told(launch) == ""


def test_python3_is_the_repository_s_or_nobody_s(tmp_path: Path) -> None:
    for name in ("python3", "ir"):
        (tmp_path / "kernels" / name).mkdir(parents=True)
        (tmp_path / "kernels" / name / "kernel.json").write_text('{"language": "R"}')
    assert available([str(tmp_path)], "/usr/bin/python3") == {"python3": "python", "ir": "r"}
    assert available([str(tmp_path)], None) == {"ir": "r"}


kernels = st.dictionaries(st.text(min_size=1), st.sampled_from(["python", "r", "julia"]))


@given(kernels, st.sampled_from(["python", "r", "sas"]))
def test_a_substitute_speaks_the_language(known: dict[str, str], language: str) -> None:
    other = substitute(Wish("missing", language), known)
    assert (other is None) == (language not in known.values())
    assert other is None or known[other] == language


parts = st.sampled_from(["metadata", "kernelspec", "language_info", "name", "language"])
contents = st.recursive(
    st.none() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(parts, inner),
)


@given(contents)
def test_any_file_is_understood_or_left_alone(
    tmp_path_factory: pytest.TempPathFactory, content: object
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.ipynb"
    file.write_text(json.dumps(content))
    found = wish(file)
    assert found is None or {type(found.name), type(found.language)} == {str}
