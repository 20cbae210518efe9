"""Lead what was installed as editable to the user's workspace, at each start of Python.

An editable install names the repository's folder in the image, where it was built. Whoever works in
the workspace changes the files there. This module lies in the environment's packages as
``_hpcbinder_workspace``; its ``.pth`` file has the name that comes last, so that the paths of the
others are known by then. It runs in whatever Python an image has, old ones too.
"""

import os
import sys


def lead(repo, workspace, path):
    """The path in the workspace for one in the repository's folder, if there is one."""
    if path == repo or path.startswith(repo + os.sep):
        there = workspace + path[len(repo) :]
        if os.path.exists(there) or os.path.exists(there + ".py"):
            return there
    return path


def lead_all(repo, workspace):
    """Change what is searched, and what setuptools' finders of editable packages know."""
    sys.path[:] = [lead(repo, workspace, path) for path in sys.path]
    for name, module in list(sys.modules.items()):
        if not name.startswith("__editable__"):
            continue
        for package, path in getattr(module, "MAPPING", {}).items():
            module.MAPPING[package] = lead(repo, workspace, path)
        for package, paths in getattr(module, "NAMESPACES", {}).items():
            module.NAMESPACES[package] = [lead(repo, workspace, path) for path in paths]


if os.environ.get("HPCBINDER_REPO") and os.environ.get("HPCBINDER_WORKSPACE"):
    lead_all(os.environ["HPCBINDER_REPO"], os.environ["HPCBINDER_WORKSPACE"])
