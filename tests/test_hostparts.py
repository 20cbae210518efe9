"""What a profile gives of its hosts: values that are safe on any engine's command line."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hpcbinderhub.hostparts import HostParts
from hpcbinderhub.profiles import Profile

MPICH = HostParts.model_validate(
    {
        "binds": [
            {"source": "/opt/cray/pe/mpich", "target": "/opt/mpich"},
            {"source": "/var/spool/slurmd", "target": "/var/spool/slurmd", "read_only": False},
        ],
        "library_path": ["/opt/mpich/lib", "/opt/mpich/dep"],
    }
)


def test_gpus_bring_what_the_profile_has_for_them() -> None:
    profile = Profile.model_validate(
        {"name": "gpu", "title": "GPU", "partition": "gpu", "host": MPICH.model_dump()}
        | {"gpu_host": {"engine_modules": ["gpu"], "environment": {"MPICH_GPU": "1"}}}
    )
    assert profile.host_parts(0) == MPICH
    assert profile.host_parts(2).binds == MPICH.binds
    assert profile.host_parts(2).engine_modules == ("gpu",)
    assert profile.host_parts(2).environment == {"MPICH_GPU": "1"}


@pytest.mark.parametrize(
    "parts",
    [
        {"binds": [{"source": "/a:/etc", "target": "/b"}]},
        {"binds": [{"source": "/a,ro", "target": "/b"}]},
        {"binds": [{"source": "lib", "target": "/b"}]},
        {"binds": [{"source": "/a/../../etc", "target": "/b"}]},
        {"library_path": ["/a\n/b"]},
        {"environment": {"A=B": "c"}},
        {"engine_modules": ["gpu --privileged"]},
        {"engine_modules": ["-privileged"]},
        {"mounts": []},
    ],
)
def test_what_would_be_something_else_on_a_command_line_is_refused(parts: object) -> None:
    with pytest.raises(ValidationError):
        HostParts.model_validate(parts)


def test_modules_are_names() -> None:
    for name in ("a b", "x; id", "-v", "$(id)", "a\nb"):
        with pytest.raises(ValidationError):
            Profile(name="p", title="P", partition="p", modules=(name,))
