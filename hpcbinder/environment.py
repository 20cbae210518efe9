"""The environment of the server, from lowest to highest: the image's (with what the node decides),
its login shell's, the hub's, and ours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from .image import Image

# What the node or Slurm decides and the image cannot know. All else of the job's environment may
# come from the user's rc files or the host's modules, and means nothing or harm in the image.
NODE_DECIDES = {
    "USER",
    "LOGNAME",
    "TERM",
    "TMPDIR",
    "KRB5CCNAME",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "ROCR_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ZE_AFFINITY_MASK",
    "OMP_NUM_THREADS",
    # On a login node: which run it is, and the mark by which all of it is found and ended.
    "HPCBINDER_RUN",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
}
# Of whoever built the image, not of whoever runs it.
BUILDERS_OWN = {"HOME", "USER", "LOGNAME", "HOSTNAME", "PWD", "TMPDIR"}
# Where engines mount the host's GPU and MPI libraries for the image to use.
ENGINE_LIBRARIES = ("/opt/udiImage/", "/.singularity.d/")
# Where the site itself has such libraries mounted; they go before all others.
SITE_LIBRARIES = "HPCBINDER_LIBRARY_PATH"


def base(job: Mapping[str, str], image: Mapping[str, str]) -> dict[str, str]:
    """What the login shell starts from."""
    env = {name: value for name, value in image.items() if name not in BUILDERS_OWN}
    env |= {n: v for n, v in job.items() if n in NODE_DECIDES or n.startswith("SLURM_")}
    if not _writable(env.get("TMPDIR", "/tmp")):
        # The host's directory is not in the container.
        env.pop("TMPDIR", None)
    libraries = job.get("LD_LIBRARY_PATH", "").split(":")
    mounted = [path for path in job.get(SITE_LIBRARIES, "").split(":") if path]
    mounted += [path for path in libraries if path.startswith(ENGINE_LIBRARIES)]
    if mounted:
        own = [env["LD_LIBRARY_PATH"]] if env.get("LD_LIBRARY_PATH") else []
        env["LD_LIBRARY_PATH"] = ":".join([*mounted, *own])
    return env


def complete(
    login: Mapping[str, str], granted: Mapping[str, str], trust: Mapping[str, str], home: Path
) -> dict[str, str]:
    """The server's environment; nothing of it leads to the user's `~/.local` or `~/.jupyter`."""
    return {
        **login,
        **granted,
        **trust,
        "HOME": str(home),
        "PYTHONNOUSERSITE": "1",
        "JUPYTER_CONFIG_DIR": str(home / ".jupyter"),
        "JUPYTER_DATA_DIR": str(home / ".local/share/jupyter"),
        "JUPYTER_RUNTIME_DIR": str(home / ".local/share/jupyter/runtime"),
        "IPYTHONDIR": str(home / ".ipython"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "MPLCONFIGDIR": str(home / ".config/matplotlib"),
    }


def in_world(env: Mapping[str, str], image: Image, workspace: Path) -> dict[str, str]:
    """The same, with what leads the server and its kernels to the Pythons of the image."""
    world = image.world
    jupyter_path = [*world.jupyter_path, *filter(None, [env.get("JUPYTER_PATH")])]
    found = {
        **env,
        "JUPYTER_PATH": ":".join(jupyter_path),
        "HPCBINDER_PYTHON": world.python or "",
        "HPCBINDER_REPO": str(image.repo_dir or ""),
        "HPCBINDER_WORKSPACE": str(workspace),
    }
    base = world.home / ".local"
    if any(base.glob("lib/python3*/site-packages/*")):
        # What the build installed with `--user`, used where it is: the image's, not the user's own.
        del found["PYTHONNOUSERSITE"]
        found["PYTHONUSERBASE"] = str(base)
    return found


def dask_directory(env: Mapping[str, str]) -> Path:
    """A new directory on the node for what Dask spills; its name cannot be guessed beforehand."""
    directory = Path(env.get("TMPDIR", "/tmp"), f"hpcbinder-dask-{os.urandom(8).hex()}")
    directory.mkdir(mode=0o700)
    return directory


def _writable(directory: str) -> bool:
    return Path(directory).is_dir() and os.access(directory, os.W_OK | os.X_OK)
