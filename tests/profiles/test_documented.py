"""The profiles in docs/profiles.md are profiles."""

from __future__ import annotations

import re
from pathlib import Path

from traitlets.config import Config

from hpcbinderhub.profiles import Profile

PAGE = Path(__file__).parents[2] / "docs" / "profiles.md"


def test_every_example_is_taken() -> None:
    first, *others = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    config = Config()
    exec(first, {"c": config})  # our own page
    (profile,) = config.Site.profiles
    assert Profile.model_validate(profile).gpu_type.names == ("a100", "h100")
    for other in others:
        Profile.model_validate(profile | eval("{" + other + "}"))  # our own page
