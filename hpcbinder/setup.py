"""What pyproject.toml cannot say: where the files of the JupyterLab extension go.

Jupyter's server has browsers keep them for a year, whatever is installed by then at the same
address. So their folder is named after what is in them.
"""

import hashlib
import json
from pathlib import Path

from setuptools import setup

EXTENSION = "share/jupyter/labextensions/@hpcbinder/lab"
STATIC = Path("lab/static")


def installed():
    """Folders below the environment, and what goes into each."""
    files = sorted(path for path in STATIC.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    folder = "static/" + digest.hexdigest()[:16]
    found = {
        "etc/jupyter/labconfig": ["labconfig/default_setting_overrides.json"],
        "etc/jupyter/jupyter_server_config.d": ["session/hpcbinder.json"],
        EXTENSION: [described(folder), "lab/install.json"],
    }
    for path in files:
        place = Path(EXTENSION, folder, path.relative_to(STATIC).parent)
        found.setdefault(place.as_posix(), []).append(path.as_posix())
    return sorted(found.items())


def described(folder):
    """The extension's description, with the folder that it is loaded from."""
    description = json.loads(Path("lab/package.json").read_text(encoding="utf-8"))
    description["jupyterlab"]["_build"]["load"] = f"{folder}/remoteEntry.js"
    made = Path("build/lab/package.json")
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    return made.as_posix()


# By its name, this file is told from the modules that it lies among.
setup(script_name="setup.py", data_files=installed())
