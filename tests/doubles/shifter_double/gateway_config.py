"""imagemanager.json (contract 6)."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config import config_dir

REQUIRED = (
    "DefaultImageLocation",
    "DefaultImageFormat",
    "ImageExpirationTimeout",
    "MongoDBURI",
    "MongoDB",
    "CacheDirectory",
    "ExpandDirectory",
    "Locations",
    "Platforms",
)


@dataclass(frozen=True)
class Remote:
    """A registry: its host, and whether it speaks TLS."""

    host: str
    tls: bool


@dataclass(frozen=True)
class GatewayConfig:
    """What the gateway is told; the MongoDB keys are demanded, as in the real one, but not used."""

    values: Mapping[str, Any]

    @property
    def cache(self) -> Path:
        return Path(self.values["CacheDirectory"])

    @property
    def expand(self) -> Path:
        return Path(self.values["ExpandDirectory"])

    @property
    def state_file(self) -> Path:
        return self.cache / "gateway-state.json"

    @property
    def converter_options(self) -> list[str]:
        options: dict[str, list[str]] = self.values.get("ConverterOptions", {})
        return options.get("squashfs", ["-no-xattrs"])

    @property
    def pull_update_seconds(self) -> float:
        # Contract 4: PullUpdateTimeout is read only if the key PullUpdateTime is also set.
        set_too = "PullUpdateTime" in self.values
        return float(self.values.get("PullUpdateTimeout", 300)) if set_too else 300.0

    @property
    def expiration_seconds(self) -> float:
        days, hours, minutes, seconds = map(int, self.values["ImageExpirationTimeout"].split(":"))
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds

    @property
    def systems(self) -> Mapping[str, Mapping[str, Any]]:
        platforms: Mapping[str, Mapping[str, Any]] = self.values["Platforms"]
        return platforms

    def image_dir(self, system: str) -> Path:
        return Path(self.systems[system]["local"]["imageDir"])

    def is_admin(self, system: str, user: str) -> bool:
        return user in self.systems[system].get("admins", [])

    def may_import(self, user: str) -> bool:
        allowed = self.values.get("ImportUsers", [])
        return allowed == "all" or user in allowed

    def locate(self, tag: str) -> tuple[str, Remote, str] | None:
        """Return location, registry and repository; None if the tag makes no sense (contract 1)."""
        locations: Mapping[str, Mapping[str, str]] = self.values["Locations"]
        first, slash, rest = tag.partition("/")
        if not slash or first not in locations:
            first, rest = self.values["DefaultImageLocation"], tag
        if rest.count(":") > 1 or first not in locations:
            return None
        url = locations[first].get("url", f"https://{first}")
        scheme, _, host = url.partition("://")
        return first, Remote(host.rstrip("/"), scheme == "https"), rest


def load_gateway_config() -> GatewayConfig:
    """Read the file that GWCONFIG names, else the one beside udiRoot.conf."""
    path = Path(os.environ.get("GWCONFIG", config_dir() / "imagemanager.json"))
    values = json.loads(path.read_text())
    missing = [key for key in REQUIRED if key not in values]
    if missing:
        raise SystemExit(f"{path}: missing {', '.join(missing)}")
    return GatewayConfig(values)
