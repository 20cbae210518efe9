"""An environment for the run: all servers have the same versions of what they stand on."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import h5py

ROOT = Path(__file__).parents[2]
# h5web's server needs what JupyterLab brings.
PEERS = ("jupyterlab-h5web[full]>=12.9", "jupyterlab>=4", "h5grove>=4")

VERSIONS = """
import sys
from importlib.metadata import version
print(*(f"{name} {version(name)}" for name in sys.argv[1:]), sep=", ")
"""


def installed(folder: Path) -> Path:
    """The environment's Python; one that an earlier run left in the folder is used again."""
    python = folder / "bin/python"
    if python.exists():
        return python
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    subprocess.run([*install, *PEERS, *ours(), f"h5py=={h5py.__version__}"], check=True)
    return python


def ours() -> list[str]:
    """What the slicer needs; the slicer itself is used in place."""
    project = tomllib.loads((ROOT / "hpcbinder/pyproject.toml").read_text())
    needed: list[str] = project["project"]["optional-dependencies"]["slicer"]
    return needed


def versions(python: Path) -> str:
    """Of what is measured, for the table."""
    names = ("jupyterlab-h5web", "h5grove", "h5py", "jupyter-server", "tornado", "numpy")
    done = subprocess.run(
        [python, "-c", VERSIONS, *names], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
