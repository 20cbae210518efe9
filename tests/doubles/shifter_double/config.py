"""udiRoot.conf (contract 7)."""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import DoubleError

REQUIRED = (
    "udiMount",
    "loopMount",
    "imagePath",
    "udiRootPath",
    "etcPath",
    "rootfsType",
    "modprobePath",
    "insmodPath",
    "cpPath",
    "mvPath",
    "chmodPath",
    "ddPath",
)
EXECUTABLES = ("modprobePath", "insmodPath", "cpPath", "mvPath", "chmodPath", "ddPath")
OPTIONAL = (
    "system",
    "imageGateway",
    "defaultImageType",
    "siteFs",
    "siteEnv",
    "siteEnvAppend",
    "siteEnvPrepend",
    "siteEnvUnset",
    "optUdiImage",
    "sitePreMountHook",
    "sitePostMountHook",
    "populateEtcDynamically",
    "allowLibcPwdCalls",
    "usersToImport",
    "maxGroupCount",
    "mountUdiRootWritable",
    "mountPropagationStyle",
    "allowLocalChroot",
    "gatewayTimeout",
    "perNodeCachePath",
    "perNodeCacheSizeLimit",
    "perNodeCacheAllowedFsType",
    "mkfsXfsPath",
    "batchType",
    "defaultModules",
    "nodeContextPrefix",
    "optionalSshdAsRoot",
    "autoLoadKernelModule",
    "kmodBasePath",
    "kmodCacheFile",
)
MODULE_KEYS = (
    "siteEnv",
    "siteEnvPrepend",
    "siteEnvAppend",
    "siteEnvUnset",
    "siteFs",
    "copyPath",
    "conflict",
    "userhook",
    "roothook",
    "enabled",
)


class ConfigError(DoubleError):
    """The configuration cannot be used; both programs end with the same last words."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"{detail}FAILED to parse udiRoot configuration.")


@dataclass(frozen=True)
class Settings:
    """The values of one scope: the whole site's, or one module's."""

    values: Mapping[str, str] = field(default_factory=dict)

    def text(self, key: str, default: str = "") -> str:
        return self.values.get(key, default)

    def words(self, key: str, separators: str = r"\s+") -> tuple[str, ...]:
        return tuple(word for word in re.split(separators, self.text(key)) if word)

    def flag(self, key: str, default: str = "0") -> bool:
        return self.text(key, default) not in ("", "0")

    @property
    def site_env(self) -> tuple[str, ...]:
        return self.words("siteEnv")

    @property
    def site_env_append(self) -> tuple[str, ...]:
        return self.words("siteEnvAppend")

    @property
    def site_env_prepend(self) -> tuple[str, ...]:
        return self.words("siteEnvPrepend")

    @property
    def site_env_unset(self) -> tuple[str, ...]:
        return self.words("siteEnvUnset")


@dataclass(frozen=True)
class Config(Settings):
    """The site's configuration and its modules."""

    modules: Mapping[str, Settings] = field(default_factory=dict)

    @property
    def system(self) -> str:
        return self.text("system")

    @property
    def gateways(self) -> tuple[str, ...]:
        return self.words("imageGateway")

    @property
    def gateway_timeout(self) -> float | None:
        return float(self.text("gatewayTimeout", "0")) or None

    @property
    def default_type(self) -> str:
        return self.text("defaultImageType", "docker")

    @property
    def image_path(self) -> Path:
        return Path(self.text("imagePath"))


def config_dir() -> Path:
    """Where the configuration lies. DOUBLE_ROOT is for the double's own tests (contract 0)."""
    return Path(os.environ.get("DOUBLE_ROOT", "/etc/shifter-double"))


def load_config() -> Config:
    """Read udiRoot.conf from where it was compiled in."""
    path = config_dir() / "udiRoot.conf"
    try:
        _require_trusted(path)
        return parse_config(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}\n") from error


def parse_config(text: str) -> Config:
    """Parse the text; an unknown key is fatal, and so is a missing one (contract 7)."""
    site: dict[str, str] = {}
    modules: dict[str, dict[str, str]] = {}
    for key, value in _assignments(text):
        module = re.fullmatch(r"module_([^_]+)_(\w+)", key)
        if module and module[2] in MODULE_KEYS:
            modules.setdefault(module[1], {})[module[2]] = value
        elif key in REQUIRED or key in OPTIONAL:
            site[key] = value
        else:
            raise ConfigError(f"Unknown configuration key: {key}\n")
    for key in REQUIRED:
        if not site.get(key):
            raise ConfigError(f"Configuration key {key} is missing\n")
    for key in EXECUTABLES:
        if not os.access(site[key], os.X_OK):
            raise ConfigError(f"Configuration key {key} is no executable: {site[key]}\n")
    return Config(site, {name: Settings(values) for name, values in modules.items()})


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in re.sub(r"\\\n", " ", text).splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise ConfigError(f"Not an assignment: {line}\n")
        yield key.strip(), value.strip()


def _require_trusted(path: Path) -> None:
    # Contract 7: root's, and written by nobody else. In the double's own tests, which need not run
    # as root, the owner of DOUBLE_ROOT stands for root.
    status = path.stat()
    trusted = {0, config_dir().stat().st_uid} if "DOUBLE_ROOT" in os.environ else {0}
    if status.st_uid not in trusted or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError("udiRoot.conf must not be writable by non-root users!")
