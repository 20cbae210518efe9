"""Every page in both themes, at desktop and phone width."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browser.test_way import log_in
from cluster.person import Person
from cluster.rig import Rig
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.cluster, pytest.mark.second_site, pytest.mark.browser, pytest.mark.slow]

LINK = "/services/binder/v2/git/http%3A%2F%2Fgit%2Fquickstart.git/HEAD?labpath=index.ipynb"
ADMIN = "hpcbinder-demo-admin-password-for-carol"
UNLABELLED = """
[...document.querySelectorAll("main input:not([type=hidden]), main select, main textarea")]
    .filter((field) => !field.labels.length && !field.getAttribute("aria-label"))
    .map((field) => field.outerHTML)
"""


def is_well_made(page: Page) -> None:
    """One heading of the first rank, no field without a label, nothing wider than the screen."""
    expect(page.locator("main h1")).to_have_count(1)
    assert page.evaluate(UNLABELLED) == []
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages(
    scheme: str,
    width: int,
    new_page: Callable[..., Page],
    shoot: Callable[[Page, str], None],
    alice: Person,
    rig: Rig,
) -> None:
    alice.follow(alice.launch("http://git/quickstart.git"))
    page = new_page(scheme=scheme, width=width)
    page.goto(rig.url + LINK)
    expect(page.get_by_role("heading", name="What this link will run")).to_be_visible()
    is_well_made(page)
    shoot(page, "landing")

    log_in(page, rig.url + LINK, "alice")
    expect(page.get_by_text("index.ipynb")).to_be_visible()
    is_well_made(page)
    page.get_by_text("Badge for a README").click()
    expect(page.get_by_label("Markdown")).to_have_value(
        re.compile(r"^\[!\[Launch on HPC\]\(http.*badge_logo.svg\)\]\(http.*labpath=index.ipynb\)$")
    )
    shoot(page, "link")

    page.goto(f"{rig.url}/services/binder/mine")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    is_well_made(page)
    shoot(page, "yours")

    page.goto(f"{rig.url}/services/binder/launches/none")
    is_well_made(page)
    shoot(page, "nothing there")

    page = new_page(scheme=scheme, width=width)
    log_in(page, f"{rig.url}/services/binder/", "carol", ADMIN)
    page.goto(f"{rig.url}/services/binder/admin")
    expect(page.get_by_role("heading", name="Images")).to_be_visible()
    is_well_made(page)
    shoot(page, "admin")


def test_a_server_is_stopped_from_ones_own_page(
    new_page: Callable[..., Page], alice: Person, rig: Rig
) -> None:
    alice.follow(alice.launch("http://git/quickstart.git"))
    page = new_page()
    log_in(page, f"{rig.url}/services/binder/", "alice")
    page.goto(f"{rig.url}/services/binder/mine")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Nothing is running.")).to_be_visible()
    assert alice.servers() == []
