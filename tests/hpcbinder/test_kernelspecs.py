"""The kernels that the server offers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import NoSuchKernel

from hpcbinder.kernelspecs import KernelSpecs

PYTHON = "/opt/theirs/bin/python3"


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where kernels are; the repository's Python runs notebooks."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "image"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("HPCBINDER_PYTHON", PYTHON)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "image"


def add(folder: Path, name: str, language: str) -> None:
    (folder / "kernels" / name).mkdir(parents=True)
    spec = {"argv": [f"/bin/{name}"], "display_name": name, "language": language}
    (folder / "kernels" / name / "kernel.json").write_text(json.dumps(spec))


def ask_for(kernel: str, language: str) -> None:
    metadata = {"kernelspec": {"name": kernel}, "language_info": {"name": language}}
    Path("deep").mkdir(exist_ok=True)
    Path("deep", f"{kernel}.ipynb").write_text(json.dumps({"metadata": metadata}))


def test_python3_is_the_repository_s_whatever_lies_about(image: Path) -> None:
    for folder in (image, image.parent / "home"):
        add(folder, "python3", "python")
    specs = KernelSpecs().get_all_specs()
    assert list(specs) == ["python3"]
    assert specs["python3"]["spec"]["argv"][0] == PYTHON


def test_without_a_python_for_notebooks_there_is_no_python3(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPCBINDER_PYTHON", "")
    add(image, "python3", "python")
    add(image, "ir", "R")
    assert list(KernelSpecs().get_all_specs()) == ["ir"]
    with pytest.raises(NoSuchKernel):
        KernelSpecs().get_kernel_spec("python3")


def test_the_server_s_own_python_is_no_kernel(image: Path) -> None:
    assert sys.executable not in str(KernelSpecs().get_all_specs())


def test_a_kernel_that_is_not_there_is_one_of_its_language(image: Path) -> None:
    add(image, "julia-1.11", "julia")
    add(image, "apython", "python")
    ask_for("conda-env-waves-py", "python")
    ask_for("julia-1.6", "julia")
    ask_for("sas", "sas")
    kernels = KernelSpecs()
    assert kernels.get_kernel_spec("conda-env-waves-py").argv[0] == PYTHON
    assert kernels.get_kernel_spec("julia-1.6").argv[0] == "/bin/julia-1.11"
    for unknown in ("sas", "never-asked-for"):
        with pytest.raises(NoSuchKernel):
            kernels.get_kernel_spec(unknown)
    assert set(kernels.get_all_specs()) == {"python3", "apython", "julia-1.11"}
