"""What every build step gets beside the Dockerfile: variables, certificates, limits."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hpcbinderhub.builds import one_user
from hpcbinderhub.builds.fence import limits
from hpcbinderhub.builds.request import Isolation, Limits, SiteOptions
from hpcbinderhub.images.bills import lock

TRUST = "/run/hpcbinder-trust"
"""Where build steps find the site's certificates; nothing below /run gets into an artefact."""

_BUNDLE_VARIABLES = (
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_CAFILE",
    "CONDA_SSL_VERIFY",
    "MAMBA_SSL_VERIFY",
    "NIX_SSL_CERT_FILE",
    "JULIA_SSL_CA_ROOTS_PATH",
)
TRUST_VARIABLES = {
    **dict.fromkeys(_BUNDLE_VARIABLES, f"{TRUST}/ca-bundle.crt"),
    "WGETRC": f"{TRUST}/wgetrc",
    "APT_CONFIG": f"{TRUST}/apt.conf",
}

UV_NAMES = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_TRUSTED_HOST": "UV_INSECURE_HOST",
    "PIP_DEFAULT_TIMEOUT": "UV_HTTP_TIMEOUT",
}

# The one capability that leads out of a changed root. The kernel makes no user namespace in one,
# where a step would have it again.
CHROOT_OPTIONS = ("--isolation=chroot", "--cap-drop=CAP_SYS_CHROOT")
# The network is the one that the whole build has been given, not a new one for each step.
OCI_OPTIONS = ("--isolation=oci", "--network=host")


@dataclass(frozen=True)
class Steps:
    """What every build step gets beside the Dockerfile, and no image keeps."""

    environment: Mapping[str, str] = field(default_factory=dict)
    trust_folder: Path | None = None
    volumes: tuple[str, ...] = ()
    lock_folder: Path | None = None
    """What a locked build is held to, as `lock.write` lays it out."""
    isolation: Isolation = "chroot"
    limits: Limits | None = None
    cgroup: Path | None = None

    @property
    def variables(self) -> dict[str, str]:
        """What a build step finds in its environment; what the site says goes first."""
        trust = TRUST_VARIABLES if self.trust_folder else {}
        return {**trust, **self.environment, **(lock.VARIABLES if self.lock_folder else {})}

    def options(self, variable_option: str) -> list[str]:
        """Options that give all this to the steps of one buildah command."""
        options = list(OCI_OPTIONS if self.isolation == "oci" else CHROOT_OPTIONS)
        options += [f"{variable_option}={name}={value}" for name, value in self.variables.items()]
        if self.trust_folder:
            options += ["--volume", f"{self.trust_folder}:{TRUST}:ro"]
        for volume in self.volumes:
            options += ["--volume", volume]
        if self.lock_folder:
            options += ["--volume", f"{self.lock_folder}:{lock.LOCK}:ro"]
        if self.cgroup and self.isolation == "oci":
            # The account could write into the others, and so out of this one.
            options += ["--volume", f"{self.cgroup}:/sys/fs/cgroup:ro"]
        return options

    def own_environment(self) -> dict[str, str]:
        """What buildah itself gets of it, which pulls base images."""
        if self.trust_folder is None:
            return dict(self.environment)
        return {"SSL_CERT_FILE": str(self.trust_folder / "ca-bundle.crt"), **self.environment}

    def prefix(self) -> Sequence[str]:
        """What goes before a command that runs steps, so that they are held to their limits."""
        return limits.prefix(self.limits, self.cgroup) if self.limits else ()


def steps_for(site: SiteOptions, folder: Path, has_one_user: bool = False) -> Steps:
    """The site's options as build steps get them; certificates are laid out in ``folder``, and what
    apt is told of them and of a build with a single user id."""
    environment, bundle = for_uv(site.environment), site.ca_bundle
    if bundle is None and not has_one_user:
        return Steps(environment=environment)
    folder.mkdir(parents=True, exist_ok=True)
    apt = one_user.APT_CONF if has_one_user else ""
    if bundle is not None:
        shutil.copyfile(bundle, folder / "ca-bundle.crt")
        (folder / "wgetrc").write_text(f"ca_certificate = {TRUST}/ca-bundle.crt\n", "utf-8")
        apt += f'Acquire::https::CaInfo "{TRUST}/ca-bundle.crt";\n'
    (folder / "apt.conf").write_text(apt, "utf-8")
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    if bundle is not None:
        return Steps(environment=environment, trust_folder=folder)
    told = {"APT_CONFIG": TRUST_VARIABLES["APT_CONFIG"]}
    return Steps(environment={**told, **environment}, volumes=(f"{folder}:{TRUST}:ro",))


def for_uv(variables: Mapping[str, str]) -> dict[str, str]:
    """A site's options for pip, told to uv as well, which does not read pip's."""
    told = {uv: variables[pip] for pip, uv in UV_NAMES.items() if pip in variables}
    return {**told, **variables}
