"""The way through in a browser: alice launches, bob follows her link, dave is told."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from cluster.person import PASSWORD, Person
from cluster.rig import Rig, eventually
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.cluster, pytest.mark.second_site, pytest.mark.browser, pytest.mark.slow]

QUICKSTART = "http://git/quickstart.git"
Shoot = Callable[[Page, str], None]


def log_in(page: Page, url: str, name: str, password: str = PASSWORD) -> None:
    page.goto(url)
    welcome = page.get_by_role("link", name=re.compile("^Log in"))
    if welcome.count():
        welcome.click()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def run_all_cells(page: Page) -> None:
    # Before its kernel is there, the menu does nothing.
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def test_alice_launches_and_bob_follows_her_link(
    new_page: Callable[..., Page], shoot: Shoot, alice: Person, bob: Person, rig: Rig
) -> None:
    # One that no earlier run has seen: a build to be watched, and no workspace of it yet.
    files = rig.unseen(rig.example("quickstart"))
    repository = rig.repository(f"watched-{rig.unique()[:6]}", files)
    page = new_page()
    page.goto(rig.url)
    shoot(page, "log in")
    log_in(page, rig.url, "alice")
    expect(page.get_by_role("heading", name="Launch a repository")).to_be_visible()
    shoot(page, "launch page")

    page.get_by_role("textbox", name="Repository").fill(repository)
    page.get_by_role("radio", name="Interactive").check()
    expect(page.get_by_role("textbox", name="Link to share")).to_have_value(
        re.compile(r"/v2/git/http%3A")
    )
    link = page.get_by_role("textbox", name="Link to share").input_value()
    shoot(page, "filled in")
    page.get_by_role("button", name="Launch").click()

    building = page.locator("li[data-phase=building]")
    expect(building).to_have_class("now")
    page.get_by_text("Log of the build").click()
    shoot(page, "building")
    expect(building).to_have_class("done", timeout=120_000)
    shoot(page, "built")
    expect(page.locator("li[data-phase=launching]")).to_have_class("now", timeout=60_000)
    shoot(page, "starting")
    page.wait_for_url("**/lab**", timeout=120_000)

    page.get_by_role("listitem", name=re.compile("index.ipynb")).dblclick()
    expect(page.locator(".jp-Notebook")).to_be_visible()
    # JupyterLab draws only the cells that are in sight.
    page.set_viewport_size({"width": 1280, "height": 2000})
    shoot(page, "notebook opened")
    run_all_cells(page)
    outputs = page.locator(".jp-Notebook .jp-OutputArea-output")
    node = re.compile(r"\bc[123]\b")
    expect(outputs.filter(has_text=node).first).to_be_visible(timeout=90_000)
    expect(outputs.filter(has_text="2001").first).to_be_visible()
    expect(outputs.filter(has_text="hello from the scratch file system").first).to_be_visible(
        timeout=90_000
    )
    shoot(page, "notebook ran")
    page.set_viewport_size({"width": 1280, "height": 800})

    (job,) = rig.jobs("alice")
    theirs = new_page()
    log_in(theirs, link, "bob")
    expect(theirs.get_by_role("heading", name="Launch this repository")).to_be_visible()
    assert rig.jobs("bob") == []
    shoot(theirs, "bob sees what the link asks for")
    theirs.get_by_role("button", name="Launch").click()
    theirs.wait_for_url("**/lab**", timeout=90_000)
    expect(theirs.get_by_role("listitem", name=re.compile("index.ipynb"))).to_be_visible()
    shoot(theirs, "bob is in")

    page.goto(f"{rig.url}/services/binder/")
    shoot(page, "running servers")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=60_000)
    eventually(lambda: job not in rig.jobs("alice"), 60, "the Slurm job is gone")
    shoot(page, "stopped")


def test_dave_is_told_that_he_has_no_allocation(
    new_page: Callable[..., Page], shoot: Shoot, rig: Rig
) -> None:
    page = new_page()
    log_in(page, rig.url, "dave")
    expect(page.get_by_role("alert")).to_contain_text("dave has no allocation on this cluster")
    expect(page.get_by_role("button", name="Launch")).to_be_disabled()
    shoot(page, "dave")


def test_a_failure_says_what_and_what_to_do(
    new_page: Callable[..., Page], shoot: Shoot, alice: Person, rig: Rig
) -> None:
    page = new_page(scheme="dark", width=420, height=900)
    log_in(page, rig.url, "alice")
    page.get_by_role("textbox", name="Repository").fill("not an address")
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("alert")).to_contain_text("is not the address of a Git repository")
    shoot(page, "no address")
    page.get_by_role("textbox", name="Repository").fill(QUICKSTART)
    page.get_by_role("textbox", name="Branch, tag or commit").fill("nope")
    page.get_by_role("button", name="Launch").click()
    failure = page.get_by_role("alert")
    expect(failure).to_contain_text("has no branch, tag or commit “nope”")
    shoot(page, "no such branch")
    page.get_by_role("link", name="Change and launch again").click()
    expect(page.get_by_role("heading", name="Launch this repository")).to_be_visible()
    shoot(page, "again")


def test_a_page_goes_on_when_the_service_was_killed(
    new_page: Callable[..., Page], alice: Person, rig: Rig
) -> None:
    page = new_page()
    rig.hold_starts()
    try:
        log_in(page, rig.url, "alice")
        page.get_by_role("textbox", name="Repository").fill(QUICKSTART)
        page.get_by_role("button", name="Launch").click()
        expect(page.get_by_text("Waiting in the queue")).to_be_visible(timeout=60_000)
        rig.kill("service")
        rig.wait_until_up()
    finally:
        rig.allow_starts()
    page.wait_for_url("**/user/alice/**", timeout=90_000)
