"""A lock: what an installer must be told so that it makes an environment again.

Every build step of a locked build finds it in a folder, and in variables that pip, uv and apt read
by themselves: whatever a repository's own files and scripts install comes in the recorded version.
A wish for another version than the recorded one is a conflict, and the build fails.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import Field

from .model import Bill, Line, Model, Package

LOCK = "/run/hpcbinder-lock"
"""Where build steps find it; nothing below /run gets into an artefact."""

VARIABLES = {
    "UV_CONSTRAINT": f"{LOCK}/hashed.txt",
    "UV_OVERRIDE": f"{LOCK}/overrides.txt",
    "PIP_CONSTRAINT": f"{LOCK}/constraints.txt",
    "APT_CONFIG": f"{LOCK}/apt.conf",
}

ENVIRONMENT = "/srv/hpcbinder/env"
"""Ours, where it is known what belongs into it: it is brought to the record as a whole."""

BOOTSTRAP = {"pip", "setuptools", "wheel", "uv"}
"""Builds of other packages bring their own of these, which pip holds to the same constraints."""

# Above what the mirror prefers, and below what would exchange a package of the base image for an
# older one. A version that the mirror does not have any more pins nothing.
APT_PRIORITY = 999


class Lock(Model):
    """The lines that say it."""

    constraints: tuple[Line, ...] = Field(default=(), description="For pip: `numpy==2.1.0`.")
    hashed: tuple[Line, ...] = Field(
        default=(), description="For uv: the same, with the hashes that are known."
    )
    overrides: tuple[Line, ...] = Field(default=(), description="For uv: commits and archives.")
    environment: tuple[Line, ...] = Field(default=(), description="All of our environment.")
    apt: tuple[Line, ...] = Field(default=(), description="As `numactl=2.0.16-1`.")
    conda: dict[Line, tuple[Line, ...]] = Field(
        default_factory=dict, description="Explicit lists, by the environment's folder."
    )


def lock_of(bill: Bill) -> Lock:
    """What a bill holds an environment to. What came from the repository itself or from the tools
    is not in it: the commit and the base image decide that."""
    python = [package for package in bill.packages if package.kind == "pypi"]
    conda: dict[str, tuple[str, ...]] = {}
    for package in bill.packages:
        if package.kind == "conda" and package.url:
            conda[package.where] = (*conda.get(package.where, ()), _explicit(package))
    return Lock(
        constraints=_agreed((p.name, f"{p.name}=={p.version}") for p in python if not p.url),
        hashed=_hashed([p for p in python if not p.url]),
        overrides=_agreed((p.name, _from_address(p)) for p in python if _fetched(p)),
        environment=tuple(
            _from_address(p) if p.url else f"{p.name}=={p.version}{_hash_options([p])}"
            for p in python
            if p.where == ENVIRONMENT and (not p.url or _fetched(p))
        ),
        apt=tuple(f"{p.name}={p.version}" for p in bill.packages if p.kind == "deb"),
        conda=conda,
    )


def all_hashed(lock: Lock) -> bool:
    """Whether every package of our environment has its hash, so that none can come without. uv then
    takes no other requirement, not even one that nothing of this asks for."""
    return not lock.overrides and all("--hash=" in line for line in lock.environment)


def locked_key(key: str, lock: Lock) -> str:
    """The key of a recipe that is held to a lock: what it makes is nobody else's image."""
    parts = {"recipe": key, "lock": lock.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def files(lock: Lock) -> dict[str, str]:
    """The folder's files."""
    lists = {"constraints.txt": lock.constraints, "hashed.txt": lock.hashed,
             "overrides.txt": lock.overrides, "environment.txt": lock.environment}  # fmt: skip
    texts = {name: "".join(f"{line}\n" for line in lines) for name, lines in lists.items()}
    for name, lines in zip(conda_files(lock).values(), lock.conda.values(), strict=True):
        texts[name] = "".join(f"{line}\n" for line in ("@EXPLICIT", *lines))
    texts["apt-preferences"] = "\n".join(map(_preference, lock.apt))
    texts["apt.conf"] = f'Dir::Etc::Preferences "{LOCK}/apt-preferences";\n'
    return texts


def conda_files(lock: Lock) -> dict[str, str]:
    """Environments of conda, and the names of their explicit lists."""
    return {where: f"conda-{number}.txt" for number, where in enumerate(lock.conda, 1)}


def conda_steps(lock: Lock | None) -> str:
    """The lines of a Dockerfile that bring conda's environments to the record."""
    if lock is None:
        return ""
    install = "RUN ${{MAMBA_EXE}} install --yes --prefix {} --file {}/{}\n"
    return "".join(install.format(shlex.quote(where), LOCK, name)
                   for where, name in conda_files(lock).items())  # fmt: skip


def write(lock: Lock, folder: Path, apt_conf: str) -> None:
    """Lay the folder out; with what apt is told besides."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for name, text in files(lock).items():
        path = folder / name
        path.write_text(text + (apt_conf if name == "apt.conf" else ""), "utf-8")
        path.chmod(0o644)


def _agreed(lines: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The lines about packages that are the same in all environments: one list serves all."""
    found: dict[str, set[str]] = {}
    for name, line in lines:
        found.setdefault(name, set()).add(line)
    return tuple(
        line for name in sorted(found.keys() - BOOTSTRAP) if len(found[name]) == 1
        for line in found[name]
    )  # fmt: skip


def _hashed(packages: Iterable[Package]) -> tuple[str, ...]:
    """The same with hashes, where all environments that have a package know its wheel's."""
    found: dict[str, list[Package]] = {}
    for package in packages:
        found.setdefault(package.name, []).append(package)
    return tuple(
        f"{name}=={same[0].version}{_hash_options(same)}"
        for name, same in sorted(found.items())
        if name not in BOOTSTRAP and len({package.version for package in same}) == 1
    )


def _hash_options(packages: Sequence[Package]) -> str:
    known = {package.hashes.get("sha256", "") for package in packages}
    return "" if "" in known else "".join(f" --hash=sha256:{one}" for one in sorted(known))


def _fetched(package: Package) -> bool:
    """Whether it came from an address that can be asked again."""
    return bool(package.url) and not package.url.startswith("file:")


def _from_address(package: Package) -> str:
    """See https://packaging.python.org/en/latest/specifications/version-specifiers/#direct-references"""
    address, _, fragment = package.url.partition("#")
    told = [fragment] if fragment else []
    if package.commit:
        address = f"{address}@{package.commit}"
    told += [f"{name}={value}" for name, value in package.hashes.items() if name == "sha256"]
    return f"{package.name} @ {address}" + (f"#{'&'.join(told)}" if told else "")


def _explicit(package: Package) -> str:
    """A line of conda's explicit list; it compares the md5 behind the address, if there is one."""
    md5 = package.hashes.get("md5")
    return f"{package.url}#{md5}" if md5 else package.url


def _preference(pin: str) -> str:
    name, _, version = pin.partition("=")
    return f"Package: {name}\nPin: version {version}\nPin-Priority: {APT_PRIORITY}\n"
