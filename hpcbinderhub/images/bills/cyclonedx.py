"""A bill as CycloneDX 1.6, which scanners and inventories read.

https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from .model import Bill, Package

MEDIA_TYPE = "application/vnd.cyclonedx+json"
ENDING = "cdx.json"
"""Of such a file's name."""

_NAMES = {
    "md5": "MD5",
    "sha1": "SHA-1",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
}


def document(bill: Bill, artefact: str) -> dict[str, Any]:
    """The bill of an artefact, which is named by its SHA-256: the same text for the same two."""
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid5(NAMESPACE_URL, f"sha256:{artefact}").urn,
        "version": 1,
        "metadata": {
            "timestamp": moment(bill.made),
            "tools": {"components": [_tool("hpcbinderhub", bill.hub_version),
                                     _tool(bill.builder, bill.builder_version)]},
            "component": {
                "type": "container",
                "bom-ref": "environment",
                "name": bill.repo_url,
                "version": bill.commit,
                "hashes": [{"alg": "SHA-256", "content": artefact}],
                "properties": _properties(described(bill)),
            },
        },
        "components": [*_system(bill), *(_component(package, bill) for package in bill.packages)],
        "compositions": [
            {"aggregate": "incomplete" if bill.unread else "unknown", "assemblies": ["environment"]}
        ],
    }  # fmt: skip


def described(bill: Bill) -> dict[str, str]:
    """How the environment was made, for whatever takes names and values."""
    return {
        "recipe-key": bill.key,
        "build-pack": bill.build_pack,
        "builder": f"{bill.builder} {bill.builder_version}",
        "tools-generation": bill.tools_generation,
        "base-image": bill.base_image,
        "base-digest": bill.base_digest,
        "unread": "; ".join(bill.unread),
    }


def moment(seconds: float) -> str:
    """A time, as standards write it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def package_url(package: Package, system: str) -> str:
    """https://github.com/package-url/purl-spec"""
    distribution, _, release = system.partition(" ")
    place = {"deb": f"{distribution or 'debian'}/", "apk": f"{distribution or 'alpine'}/"}
    about: dict[str, str] = {}
    if package.kind == "conda":
        about = {"build": package.build, "subdir": package.arch}
    elif package.kind in ("deb", "apk"):
        about = {"arch": package.arch, "distro": f"{distribution}-{release}" if release else ""}
    told = "&".join(f"{name}={quote(value, safe='')}" for name, value in about.items() if value)
    name, version = quote(package.name, safe=""), quote(package.version, safe="")
    return f"pkg:{package.kind}/{place.get(package.kind, '')}{name}@{version}" + (
        f"?{told}" if told else ""
    )


def _component(package: Package, bill: Bill) -> dict[str, Any]:
    url = package_url(package, bill.system)
    made: dict[str, Any] = {
        "type": "library",
        # The same package may be in two environments.
        "bom-ref": f"{package.where}#{url}",
        "name": package.name,
        "version": package.version,
        "purl": url,
    }
    if package.hashes:
        made["hashes"] = [
            {"alg": _NAMES[name], "content": value} for name, value in package.hashes.items()
        ]
    if package.url:
        kind = "vcs" if package.commit else "distribution"
        made["externalReferences"] = [{"type": kind, "url": package.url}]
    properties = {"where": package.where, "commit": package.commit, "files-sha256": package.files}
    if any(properties.values()):
        made["properties"] = _properties(properties)
    return made


def _properties(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"name": f"hpcbinderhub:{name}", "value": value} for name, value in values.items() if value
    ]


def _tool(name: str, version: str) -> dict[str, str]:
    return {"type": "application", "name": name, "version": version}


def _system(bill: Bill) -> Iterator[dict[str, str]]:
    name, _, version = bill.system.partition(" ")
    if name:
        yield {"type": "operating-system", "bom-ref": "system", "name": name, "version": version}
