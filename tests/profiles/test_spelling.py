"""A word that is misspelt in the configuration is refused with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from traitlets import TraitError
from traitlets.config import Config

from hpcbinderhub.site import Site, load_site

SHIPPED = Path(__file__).parents[2] / "jupyterhub_config.d"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            ["c = get_config()", "c.Site.watch_secnds = 5"],
            "line 2: there is no c.Site.watch_secnds. Did you mean “watch_seconds”?",
        ),
        (
            ["c = get_config()", "c.Site.data_rots.append('/scratch')"],
            "line 2: there is no c.Site.data_rots. Did you mean “data_roots”?",
        ),
        (
            [
                "c = get_config()",
                "c.Site.profiles = [",
                "    {'name': 'one', 'title': 'One', 'partition': 'p'},",
                "    {'name': 'two', 'title': 'Two',",
                "     'partitoin': 'p'},",
                "]",
            ],
            "line 5: Profile number 2 has no field “partitoin”. Did you mean “partition”?",
        ),
    ],
)
def test_file_and_line_are_named(tmp_path: Path, lines: list[str], words: str) -> None:
    (tmp_path / "10-first.py").write_text("c = get_config()\n")
    (tmp_path / "40-profiles.py").write_text("\n".join(lines))
    with pytest.raises(TraitError) as error:
        load_site(tmp_path)
    assert str(error.value) == f"{tmp_path / '40-profiles.py'}, {words}"


def test_what_only_shows_when_files_run_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "10.py").write_text("c = get_config()\nsetattr(c.Site, 'titel', 'x')\n")
    with pytest.raises(TraitError, match=r"there is no c\.Site\.titel\. Did you mean “title”"):
        load_site(tmp_path)
    with pytest.raises(TraitError, match=r"there is no c\.Site\.titel\."):
        Site(config=Config(Site={"titel": "x"}))


def test_what_is_shipped_is_spelt_well() -> None:
    assert load_site(SHIPPED).profiles[0].name == "interactive"


def test_a_site_is_as_its_files_say_for_as_long_as_it_is_used() -> None:
    site = Site(config=Config({"Site": {"title": "Our centre"}}))
    with pytest.raises(AttributeError, match=r"Site\.title is set in the site's files"):
        site.title = "Another centre"
    assert site.title == "Our centre"
    other = site.but(builder_dir="/elsewhere")
    assert (other.title, other.builder_dir) == ("Our centre", "/elsewhere")
    assert site.builder_dir != "/elsewhere"
