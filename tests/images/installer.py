"""Parts of the installer in the base image, which are of no package."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from hpcbinderhub.images.base import recipe_folder


def module(name: str) -> ModuleType:
    """One of its modules; processes of a pool find it by its name."""
    file = recipe_folder() / f"install/{name}.py"
    spec = importlib.util.spec_from_file_location(f"installer_{name}", file)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made
