"""Bills by hand."""

from __future__ import annotations

from typing import Any

from images.bills.finished_image import ENV

from hpcbinderhub.images.bills.model import Bill, Package


def bill(*packages: Package, **changes: Any) -> Bill:
    """A bill of these packages."""
    return Bill(
        **{
            "repo_url": "https://example.org/geo/soundings",
            "commit": "0" * 40,
            "key": "1" * 64,
            "made": 1_700_000_000.0,
            "build_pack": "UvPack",
            "builder": "buildah",
            "builder_version": "1.28.2",
            "hub_version": "0.1.0",
            "tools_generation": "1",
            "base_image": "localhost/hpcbinderhub/base:1-a",
            "base_digest": "sha256:" + "2" * 64,
            "system": "debian 12",
            "packages": packages,
            **changes,
        }
    )


def python(name: str, version: str, where: str = ENV, **more: Any) -> Package:
    """A Python package."""
    return Package(kind="pypi", name=name, version=version, where=where, **more)


def debian(name: str, version: str) -> Package:
    """A package of Debian's."""
    return Package(kind="deb", name=name, version=version, arch="amd64")


def conda(name: str, version: str, where: str = "/srv/conda/envs/notebook") -> Package:
    """A package of conda's."""
    return Package(
        kind="conda",
        name=name,
        version=version,
        where=where,
        build="py_0",
        arch="linux-64",
        url=f"https://conda.anaconda.org/conda-forge/linux-64/{name}-{version}-py_0.conda",
        hashes={"md5": "a" * 32, "sha256": "b" * 64},
    )
