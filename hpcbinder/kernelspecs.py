"""The server's view of the kernels. Unlike the rest of this package, this runs in the server."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel

from .kernels import PYTHON, notebooks, substitute, wish


class KernelSpecs(KernelSpecManager):  # type: ignore[misc]
    """`python3` is the repository's Python, whatever kernelspec of that name lies anywhere. In the
    place of a kernel that is not here goes one of the same language, if a notebook tells that."""

    # Never the server's own Python, which may be the tools'.
    ensure_native_kernel = False

    def find_kernel_specs(self) -> dict[str, str]:
        """The kernels by name, with the folders of their pictures."""
        found: dict[str, str] = super().find_kernel_specs()
        folder = found.pop(PYTHON, str(Path(__file__).parent))
        return {PYTHON: folder, **found} if _python() else found

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """How a kernel is started."""
        python = _python()
        if kernel_name == PYTHON and python:
            return _spec(python, self.find_kernel_specs()[PYTHON])
        try:
            if kernel_name == PYTHON:
                raise NoSuchKernel(kernel_name)
            return super().get_kernel_spec(kernel_name)
        except NoSuchKernel:
            other = self._same_language(kernel_name)
            if other is None:
                raise
        self.log.warning("There is no kernel %r here: %r takes its place.", kernel_name, other)
        return self.get_kernel_spec(other)

    def _same_language(self, kernel_name: str) -> str | None:
        """The kernel for notebooks that ask for one by this name."""
        specs = {name: self.get_kernel_spec(name) for name in self.find_kernel_specs()}
        kernels = {name: str(spec.language).lower() for name, spec in specs.items()}
        root = Path(getattr(self.parent, "root_dir", "") or os.getcwd())
        wishes = filter(None, map(wish, notebooks(root)))
        same = (substitute(wanted, kernels) for wanted in wishes if wanted.name == kernel_name)
        return next(filter(None, same), None)


def _python() -> str:
    return os.environ.get("HPCBINDER_PYTHON", "")


def _spec(python: str, folder: str) -> KernelSpec:
    return KernelSpec(
        argv=[python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name="Python 3 (ipykernel)",
        language="python",
        metadata={"debugger": True},
        resource_dir=folder,
    )
