"""The file for a support ticket: findings, and the configuration without what may be secret.

Two walls: a setting is shown only if it is listed here as one that holds no secret; and all that
the others hold, with what is in the files that they name, is taken out of the whole text.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from traitlets.config import Config

from .. import __version__
from ..site import Site
from . import redaction
from .finding import Looked
from .ground import Ground
from .shown import as_text


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SHOWN = {
    "Site": _words(
        """
        title public_url ca_file state_dir login_hosts known_hosts agent_command watcher_user
        watch_seconds slurm_path workspace_root workspace_purge_days workspace_purge_notice_days
        data_roots mount_points artefacts artefacts_limit_gb artefacts_age_days artefacts_grace_days
        repository_hosts denied_repository_hosts private_networks git_timeout git_cache_mb record_mb
        repository_paths launched_registries push_mb pushed_mb_per_user pushed_days lfs_mb
        base_image python other_pythons other_base_image builder builder_dir build_seconds
        build_disk_mb build_log_kb lease_seconds builder_free_disk_mb live_builds
        live_builds_per_user live_builds_per_repository running_builds_per_user log_days home_access
        refuse_unhidden image_registry image_registry_plain_http node_local shifter_gateway_user
        shifter_system shifter_gateway away_seconds parked_hours record_days require_association
        request_limit request_limit_seconds streams_per_user api_origins authenticate_metrics
        free_disk_mb credential_keys_file forge_token_files image_registry_auth_file
        image_registry_ca_file image_signing_key worker_token_file artefacts_key_file
        build_ca_bundle log_root certificate_token_file certificate_ca_file room_mb room_roots
        transport as_user_command watch_as node_tmp
        """
    ),
    "BuildPolicy": _words("network denied_networks memory_mb processes"),
    "BuildJobs": _words("user partition qos account most cpus memory_mb"),
    "JupyterHub": _words(
        """
        allow_named_servers named_server_limit_per_user concurrent_spawn_limit cleanup_servers
        subdomain_host bind_url hub_bind_url hub_connect_url base_url default_url log_level
        """
    ),
}
"""Settings whose value helps and is no secret. Whatever is not here is only said to be set."""

NO_SECRETS = frozenset({"load_roles", "load_groups", "custom_scopes", "spawner_class"})
"""JupyterHub's, which are not shown either, but whose words stand in any text."""

SECRET_FILES = (
    *("credential_keys_file", "image_registry_auth_file", "image_signing_key"),
    *("worker_token_file", "artefacts_key_file", "certificate_token_file"),
)
OF_A_PROFILE = ("name", "engine", "modules", "minutes", "max_minutes", "cpus", "memory_mb", "gpus")


def write_report(path: Path, looked: Sequence[Looked], ground: Ground | None, files: Path) -> None:
    """Write it, for its owner alone to read."""
    secrets = _of_ground(ground) if ground else _of_files(files)
    text = redaction.redacted(
        "\n".join(_parts(looked, ground)),
        (*secrets, *redaction.of_environment(os.environ)),
    )
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _parts(looked: Sequence[Looked], ground: Ground | None) -> Iterator[str]:
    yield f"hpcbinderhub check, {__version__}, on Python {platform.python_version()}"
    yield f"{time.strftime('%Y-%m-%d %H:%M:%S %z')}, {platform.platform()}"
    yield ""
    yield as_text(looked)
    if ground is None:
        return
    yield ""
    yield "configuration: what is set, and its value where that can be no secret"
    for section in sorted(ground.config):
        for name in sorted(ground.config[section]):
            yield f"  c.{section}.{name} = {_value(ground.config, section, name)}"
    for profile in ground.site.profiles:
        fields = {name: getattr(profile, name) for name in OF_A_PROFILE}
        yield f"  profile: {fields | {'partition': dict(profile.partition.root)}}"


def _value(config: Config, section: str, name: str) -> str:
    if name in SHOWN.get(section, frozenset()):
        return repr(config[section][name])
    return "(set)"


def _of_ground(ground: Ground) -> Iterator[str]:
    """All that the settings hold which are not shown, and the files that they name."""
    for section, values in ground.config.items():
        for name, value in values.items():
            hidden = name not in SHOWN.get(section, frozenset())
            if hidden and name not in NO_SECRETS | {"profiles"}:
                yield from redaction.leaves(value)
            else:
                yield from redaction.passwords(repr(value))
    yield from _of_profiles(ground.site.profiles)
    yield from _in_files(ground.site)


def _of_profiles(profiles: Iterable[Any]) -> Iterator[str]:
    """What jobs and containers get of variables."""
    for profile in profiles:
        for variables in (
            profile.environment,
            profile.host.environment,
            profile.gpu_host.environment,
        ):
            yield from redaction.leaves(dict(variables))


def _in_files(site: Site) -> Iterator[str]:
    named = [getattr(site, name) for name in SECRET_FILES]
    for path in filter(None, [*named, *site.forge_token_files.values()]):
        try:
            yield from redaction.of_file(Path(path).read_text("utf-8", "replace"))
        except OSError:
            continue


def _of_files(directory: Path) -> Iterator[str]:
    """Where the site's files cannot be used, whatever is text in them may be a secret."""
    for path in directory.glob("*.py"):
        yield from redaction.literals(path.read_text("utf-8", "replace"))
