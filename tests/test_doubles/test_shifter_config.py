"""Contract 7: udiRoot.conf."""

import pytest
from shifter_double.config import parse_config
from site_under_test import Site


def test_it_must_not_be_writable_by_others(site: Site) -> None:
    open_to_all = site.configured("open")
    (open_to_all.root / "udiRoot.conf").chmod(0o664)
    done = open_to_all.shifter("true")
    assert done.returncode == 1
    assert done.stderr == (
        "udiRoot.conf must not be writable by non-root users!"
        "FAILED to parse udiRoot configuration.\n"
    )


@pytest.mark.parametrize(
    "changes",
    [{"nosuchKey": "1"}, {"imagePath": ""}, {"cpPath": "/nonexistent"}, {"module_a_nosuch": "1"}],
    ids=["unknown key", "missing key", "no executable", "unknown module key"],
)
def test_what_is_fatal(site: Site, changes: dict[str, str]) -> None:
    done = site.configured("fatal", **changes).shifter("true")
    assert done.returncode == 1
    assert done.stderr.endswith("FAILED to parse udiRoot configuration.\n")


def test_lines_can_be_continued(site: Site) -> None:
    text = (site.root / "udiRoot.conf").read_text()
    config = parse_config(text + "\n# comment\nsiteEnv=A=1 \\\n  B=2\nmodule_x_conflict=y z\n")
    assert config.site_env == ("A=1", "B=2")
    assert config.modules["x"].words("conflict") == ("y", "z")


def test_the_default_type_of_an_image(site: Site) -> None:
    custom = site.configured("custom-type", defaultImageType="custom")
    done = custom.shifter("true", image="tool:1")
    assert done.stderr.splitlines()[-1] == "FAILED to lookup custom image tool:1"
