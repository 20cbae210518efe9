"""The environment inside a container, lowest layer to highest (contract 2, Environment)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from .errors import DoubleError

# What glibc removes before a setuid program starts (glibc sysdeps/generic/unsecvars.h), and with
# it the loader's other variables; the double is not setuid and has to do it itself.
STRIPPED = frozenset(
    [
        "GCONV_PATH",
        "GETCONF_DIR",
        "GLIBC_TUNABLES",
        "HOSTALIASES",
        "LOCALDOMAIN",
        "LOCPATH",
        "MALLOC_TRACE",
        "NIS_PATH",
        "NLSPATH",
        "RESOLV_HOST_CONF",
        "RES_OPTIONS",
        "TMPDIR",
        "TZDIR",
    ]
)


class EnvironmentChanges(Protocol):
    """What a module and the site itself may change."""

    @property
    def site_env(self) -> Sequence[str]: ...
    @property
    def site_env_append(self) -> Sequence[str]: ...
    @property
    def site_env_prepend(self) -> Sequence[str]: ...
    @property
    def site_env_unset(self) -> Sequence[str]: ...


def caller_environment() -> dict[str, str]:
    """Return the environment this process was started with, stripped as for a setuid program.

    Python itself may have added LC_CTYPE to os.environ (PEP 538), which Shifter would not.
    """
    block = Path("/proc/self/environ").read_bytes().decode("utf-8", "surrogateescape")
    pairs = (entry.partition("=") for entry in block.split("\0") if "=" in entry)
    return {
        name: value
        for name, _, value in pairs
        if name not in STRIPPED and not name.startswith("LD_")
    }


def parse_assignment(text: str) -> tuple[str, str]:
    """Split the K=V of `--env`; an empty value is an error too (contract 2, options)."""
    name, _, value = text.partition("=")
    if not name or not value:
        raise DoubleError(f"Invalid environment variable assignment: {text}")
    return name, value


def parse_env_file(text: str) -> dict[str, str]:
    """Read `--env-file`: K=V lines, # comments, quotes kept literally (contract 2, options)."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name:
            raise DoubleError(f"Invalid line in environment file: {line}")
        found[name] = value
    return found


def layered(*layers: Mapping[str, str]) -> dict[str, str]:
    """Stack layers 1 to 5: every later one replaces whole values of those before."""
    return {name: value for layer in layers for name, value in layer.items()}


def apply_changes(env: Mapping[str, str], changes: Iterable[EnvironmentChanges]) -> dict[str, str]:
    """Apply layers 6 and 7: those of the modules in their order, then the site's own."""
    result = dict(env)
    for change in changes:
        result.update(_assignments(change.site_env))
        for name, value in _assignments(change.site_env_append).items():
            result[name] = f"{result[name]}:{value}" if result.get(name) else value
        for name, value in _assignments(change.site_env_prepend).items():
            result[name] = f"{value}:{result[name]}" if result.get(name) else value
        for name in change.site_env_unset:
            result.pop(name, None)
    return result


def _assignments(words: Iterable[str]) -> dict[str, str]:
    return {name: value for name, _, value in (word.partition("=") for word in words)}
