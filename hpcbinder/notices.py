"""What its owner is told of an environment before she meets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from .image import Image
from .kernels import available, substitute, wish
from .report import say

# Of what opens first: whoever opens others is told by the server's log and the kernel's name.
MOST = 20
WORDS = {
    "kernel": "Notebooks cannot run in the Python of this environment: {}.",
    "workers": "Dask cannot be had in this environment: {}.",
}


def of(image: Image, workspace: Path, env: Mapping[str, str]) -> list[str]:
    """Sentences for the page, which go into the log too."""
    told = [
        *(WORDS[what].format(why.rstrip(".")) for what, why in image.world.lacks.items()),
        *(_fixed(name) for name in image.world.fixed),
        *_other_kernels(image, workspace, env.get("JUPYTERHUB_DEFAULT_URL", "")),
    ]
    for sentence in told:
        say("environment", sentence)
    return told


def _fixed(name: str) -> str:
    return (
        f"The package {name} is the one in the image: what you change of it in your workspace "
        "counts once it is installed anew."
    )


def _other_kernels(image: Image, workspace: Path, first: str) -> Iterator[str]:
    """Notebooks whose kernel is not here."""
    kernels = available(image.world.jupyter_path, image.world.python)
    for path in _opened(workspace, first):
        wanted = wish(path)
        if wanted is None or wanted.name in kernels:
            continue
        other = substitute(wanted, kernels)
        asks = f"{path.relative_to(workspace)} asks for the kernel {wanted.name!r}"
        if other is not None:
            yield f"{asks}, which is not here: {other!r} takes its place."
        else:
            yield f"{asks}, and there is none for its language."


def _opened(workspace: Path, first: str) -> list[Path]:
    """The notebook that opens first, or those that one sees first."""
    named = workspace / unquote(first.partition("/tree/")[2])
    if named.suffix == ".ipynb" and named.resolve().is_relative_to(workspace.resolve()):
        return [named]
    return sorted(workspace.glob("*.ipynb"))[:MOST]
