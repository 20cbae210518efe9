"""What pyproject.toml cannot say: what is installed beside the modules.

Of that, the JupyterLab extension is built first. Files that browsers keep for a year have a hash of
what is in them in their names, which the builder sees to.
"""

import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel

EXTENSION = "share/jupyter/labextensions/@hpcbinder/lab"
MADE = Path("lab/extension")


def installed():
    """Folders below the environment, and what goes into each."""
    found = {
        "etc/dask": ["workers/hpcbinder.yaml"],
        "etc/jupyter/labconfig": ["labconfig/default_setting_overrides.json"],
        "etc/jupyter/jupyter_server_config.d": ["session/hpcbinder.json"],
        EXTENSION: ["lab/install.json"],
    }
    for path in sorted(path for path in MADE.rglob("*") if path.is_file()):
        place = Path(EXTENSION, path.relative_to(MADE).parent)
        found.setdefault(place.as_posix(), []).append(path.as_posix())
    return sorted(found.items())


class Wheel(bdist_wheel):
    """Only a wheel has the extension: an editable install leaves such files out."""

    def run(self):
        if subprocess.run([sys.executable, "lab/build.py"]).returncode != 0:
            sys.exit("The wheel of hpcbinder needs its JupyterLab extension, see above.")
        self.distribution.data_files = installed()
        super().run()


# By its name, this file is told from the modules that it lies among.
setup(script_name="setup.py", cmdclass={"bdist_wheel": Wheel})
