"""What the owner of a session sees in JupyterLab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lab_server import Jupyter, until
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

Shoot = Callable[[Page, str], None]
SOON, URGENT = "soon", "urgent"


class Lab:
    """JupyterLab in a browser."""

    def __init__(self, jupyter: Jupyter, page: Page, path: str = "lab") -> None:
        self.page = page
        page.goto(f"{jupyter.url}/{path}")
        self.item = page.locator(".hpcbinder-time-left")
        self.item.wait_for(state="attached")

    def notice(self, words: str) -> Locator:
        return self.page.locator(".Toastify__toast", has_text=words)


def press(notice: Locator, button: str) -> None:
    # On a busy machine JupyterLab may say in a dialog above that its theme came too late.
    notice.get_by_role("button", name=button).dispatch_event("click")


@pytest.fixture
def open_lab(jupyter: Jupyter, new_page: Callable[..., Page]) -> Callable[..., Lab]:
    def start(path: str = "lab", **terms: Any) -> Lab:
        jupyter.start(**terms)
        return Lab(jupyter, new_page(), path)

    return start


def test_the_status_bar_shows_the_time_left(open_lab: Callable[..., Lab], shoot: Shoot) -> None:
    lab = open_lab(left=72 * 60 + 50)
    expect(lab.item).to_have_text("1 h 12 min left")
    expect(lab.item).to_have_attribute("data-urgency", "calm")
    expect(lab.notice("This server")).to_have_count(0)
    shoot(lab.page, "time left")


def test_a_job_without_an_end_shows_none(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab(left=None)
    expect(lab.item).to_be_hidden()


def test_fifteen_minutes_before_its_owner_is_told_what_to_do(
    open_lab: Callable[..., Lab], shoot: Shoot
) -> None:
    lab = open_lab(left=15 * 60 + 12)
    notice = lab.notice("This server ends in 15 minutes. Save your work;")
    expect(notice).to_be_visible(timeout=30_000)
    expect(lab.item).to_have_attribute("data-urgency", SOON)
    shoot(lab.page, "a quarter of an hour")
    with lab.page.expect_popup() as popup:
        press(notice, "Your servers")
    popup.value.wait_for_url("**/services/binder/mine")


def test_five_minutes_before_she_is_told_again(open_lab: Callable[..., Lab], shoot: Shoot) -> None:
    lab = open_lab(left=5 * 60 + 12)
    expect(lab.notice("This server ends in 5 minutes.")).to_be_visible(timeout=30_000)
    expect(lab.notice("This server ends in")).to_have_count(1)
    expect(lab.item).to_have_attribute("data-urgency", URGENT)
    shoot(lab.page, "five minutes")


def test_what_is_open_is_saved_before_the_end(
    jupyter: Jupyter, open_lab: Callable[..., Lab], shoot: Shoot
) -> None:
    notes = jupyter.workspace / "notes.txt"
    notes.write_text("first words\n")
    lab = open_lab("lab/tree/notes.txt", left=150.0)
    editor = lab.page.locator(".cm-content")
    editor.click()
    lab.page.keyboard.type("and the last ones, ")
    assert "last ones" not in notes.read_text()
    expect(lab.notice("All open documents were saved.")).to_be_visible(timeout=60_000)
    assert "last ones" in notes.read_text()
    shoot(lab.page, "saved")


def test_a_server_in_which_nothing_runs_asks_before_it_stops(
    jupyter: Jupyter, open_lab: Callable[..., Lab], shoot: Shoot
) -> None:
    lab = open_lab(idle_minutes=1)
    notice = lab.notice("This server will stop in less than a minute because nothing runs in it.")
    expect(notice).to_be_visible(timeout=90_000)
    shoot(lab.page, "nothing runs")
    press(notice, "Keep it")
    until(lambda: jupyter.session()["unused_stops_in"] is None)
    expect(lab.notice("This server will stop")).to_have_count(0)


def test_at_the_end_one_click_leads_to_where_it_goes_on(
    open_lab: Callable[..., Lab], shoot: Shoot
) -> None:
    lab = open_lab(left=25.0)
    notice = lab.notice("The time of this server is over.")
    expect(notice).to_be_visible(timeout=40_000)
    expect(notice.get_by_role("button", name="Resume")).to_be_visible()
    shoot(lab.page, "the end")


def test_where_the_site_allows_it_more_time_is_one_click(
    jupyter: Jupyter, open_lab: Callable[..., Lab]
) -> None:
    jupyter.hub.left = 600.0
    lab = open_lab(left=600.0, extend_minutes=30)
    notice = lab.notice("This server ends in 10 minutes.")
    press(notice, "Extend by 30 minutes")
    expect(lab.item).to_have_attribute("data-urgency", "calm")
    assert jupyter.hub.told[0][1] == {"minutes": 30}
