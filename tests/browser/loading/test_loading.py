"""The loading page in Chromium, before a real JupyterHub whose servers need no cluster."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browser.loading.waiting import FAILURE, HOSTILE, LINES, go_on, open_launch, step
from cluster.person import Person
from playwright.sync_api import Page, Route, expect
from service.repository import ServedRepository
from service.running import RunningService

from hpcbinderhub.launches.serverstate import ServerStage, ServerState

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HIDDEN = "Object.defineProperty(document, 'hidden', {get: () => window.away !== false})"
NOTIFICATIONS = """
window.told = [];
window.Notification = class extends Notification {
    constructor(text, options) { super(text, options); window.told.push(text); }
};
"""


def test_times_go_on_after_a_reload_and_the_way_ends_at_the_server(
    new_page: Callable[..., Page], alice: Person, service: RunningService, held: ServedRepository
) -> None:
    launch = alice.launch(held.url)
    page = new_page()
    open_launch(page, service, launch)
    time = step(page, "building").locator(".binder-time")
    expect(time).to_have_text(re.compile(r"^[2-9] s$"))
    before = int(time.inner_text().removesuffix(" s"))
    # A clock that is wrong by an hour changes nothing.
    page.clock.set_system_time("2020-01-01T00:00:00Z")
    page.reload()
    expect(time).to_have_text(re.compile(r"^\d+ s$"))
    after = int(time.inner_text().removesuffix(" s"))
    assert before <= after < before + 30
    expect(step(page, "building")).to_have_attribute("aria-current", "step")
    expect(step(page, "fetching")).to_have_class("done")
    expect(page.get_by_role("status")).to_have_text("Build the environment: under way.")
    go_on(service)
    page.wait_for_url("**/user/alice/**")
    page.go_back()
    expect(page.get_by_role("heading", name="Launch a repository")).to_be_visible()


def test_what_was_built_before_needs_no_build(
    new_page: Callable[..., Page],
    alice: Person,
    service: RunningService,
    repository: ServedRepository,
) -> None:
    alice.follow(alice.launch(repository.url))
    for server in alice.servers():
        alice.stop(server)
    launch = alice.launch(repository.url)
    alice.follow(launch)
    page = new_page()
    # Nobody looks, so that the page stays.
    page.add_init_script(HIDDEN)
    open_launch(page, service, launch)
    expect(step(page, "fetching")).to_have_class("done")
    for name in ("waiting", "building", "converting"):
        expect(step(page, name)).to_have_class("skipped")
        expect(step(page, name)).to_contain_text("not needed")
    expect(step(page, "launching")).to_have_class("done")
    expect(page.locator("#log-box")).to_be_hidden()
    expect(page.locator("#preview")).to_be_hidden()


def test_the_log_by_keyboard(
    new_page: Callable[..., Page],
    alice: Person,
    service: RunningService,
    held: ServedRepository,
    tmp_path: Path,
) -> None:
    launch = alice.launch(held.url)
    page = new_page()
    open_launch(page, service, launch)
    log, search, count = (page.locator(f"#{name}") for name in ("log", "log-search", "log-count"))
    expect(count).to_have_text(f"{LINES} lines")
    expect(log).to_be_hidden()
    page.get_by_text("Log of the build").focus()
    page.keyboard.press("Enter")
    expect(log).to_be_visible()
    page.keyboard.press("Tab")
    expect(search).to_be_focused()

    page.keyboard.type("IMG")
    expect(count).to_have_text(f"1 of {LINES} lines")
    expect(log.locator("div:visible")).to_have_text([HOSTILE])
    assert page.evaluate("CSS.highlights.get('binder-found').size") == 1
    page.keyboard.press("Enter")
    expect(log).to_be_focused()
    page.keyboard.press("/")
    expect(search).to_be_focused()
    page.keyboard.press("Escape")
    expect(count).to_have_text(f"{LINES} lines")

    expect(log.get_by_text("two", exact=True)).to_have_count(1)
    expect(log.locator(".ansi-red")).to_have_text("red")
    assert log.locator("img").count() == 0
    assert "owned" not in page.title()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "build.log")
    assert "Collecting package-199\n" in (tmp_path / "build.log").read_text()
    assert page.evaluate("document.querySelectorAll('[aria-live=polite]').length") == 1


def test_place_in_the_queue_and_how_long_it_took_before(
    new_page: Callable[..., Page],
    shoot: Callable[[Page, str], None],
    alice: Person,
    service: RunningService,
    held: ServedRepository,
) -> None:
    facts = {"ahead": 2, "expected_seconds": 400}

    def know(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | facts)

    worked_on = alice.launch(held.url)
    page = new_page()
    page.route(re.compile(r"/api/builds/\w+$"), know)
    open_launch(page, service, worked_on)
    forecast = page.locator("#forecast")
    expect(forecast).to_contain_text("took about 6 min 40 s; this one has taken")
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile(r"^\d$"))
    shoot(page, "building")

    # There is one builder, and it is busy with that.
    held.commit("requirements.txt", "scipy\n")
    waits = alice.launch(held.url)
    page.goto(f"{service.url}/launches/{waits}")
    expect(step(page, "waiting")).to_have_class("now")
    expect(forecast).to_contain_text("2 builds are before this one.")
    expect(forecast).to_contain_text("Earlier builds of this repository took about 6 min 40 s.")
    expect(page.get_by_role("progressbar")).to_be_hidden()
    shoot(page, "waiting")
    facts["ahead"] = 0
    expect(forecast).to_contain_text("This build is the next one.", timeout=10_000)
    page.unroute_all(behavior="wait")


def test_what_was_never_built_before_has_no_forecast(
    new_page: Callable[..., Page], alice: Person, service: RunningService, held: ServedRepository
) -> None:
    launch = alice.launch(held.url)
    page = new_page()
    with page.expect_response(re.compile(r"/api/builds/\w+$")):
        open_launch(page, service, launch)
    expect(step(page, "building").locator(".binder-time")).to_have_text(re.compile("[2-9] s"))
    expect(page.locator("#forecast")).to_be_hidden()


def test_a_tab_that_nobody_looks_at_tells_when_it_is_ready(
    new_page: Callable[..., Page], alice: Person, service: RunningService, held: ServedRepository
) -> None:
    launch = alice.launch(held.url)
    page = new_page()
    page.context.grant_permissions(["notifications"])
    page.add_init_script(HIDDEN + NOTIFICATIONS)
    open_launch(page, service, launch)
    expect(page).to_have_title(re.compile("^Preparing – "))
    icon = page.locator("link[rel=icon]")
    preparing = icon.get_attribute("href") or ""
    assert preparing.startswith("data:image/svg+xml,")
    button = page.get_by_role("button", name="Notify me when ready")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.focus()
    page.keyboard.press("Space")
    expect(button).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(button).to_have_attribute("aria-pressed", "true")

    go_on(service)
    expect(page).to_have_title(re.compile("^Ready – "))
    expect(page.get_by_role("link", name="Open JupyterLab")).to_be_visible()
    assert icon.get_attribute("href") != preparing
    assert page.evaluate("window.told") == ["JupyterLab is ready."]
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_url("**/user/alice/**")


def test_a_browser_without_notifications_is_not_asked(
    new_page: Callable[..., Page], alice: Person, service: RunningService, held: ServedRepository
) -> None:
    launch = alice.launch(held.url)
    page = new_page()
    page.add_init_script("delete window.Notification")
    open_launch(page, service, launch)
    expect(page).to_have_title(re.compile("^Preparing – "))
    expect(page.get_by_role("button", name="Notify me when ready")).to_be_hidden()


def test_a_failure_is_heard_and_seen_in_the_tab(
    new_page: Callable[..., Page], alice: Person, service: RunningService, held: ServedRepository
) -> None:
    service.builder.failure = FAILURE
    go_on(service)
    launch = alice.launch(held.url)
    alice.follow(launch)
    page = new_page()
    open_launch(page, service, launch)
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("heading")).to_have_text("There is no package “nmpy”.")
    expect(alert).to_contain_text("Check its name in requirements.txt.")
    expect(alert.locator("pre")).to_have_text("ERROR: No matching distribution found for nmpy")
    expect(page).to_have_title(re.compile("^Failed – "))
    expect(step(page, "building")).to_have_class("failed")
    expect(step(page, "converting")).to_have_class("")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(page.get_by_role("link", name="Change and launch again")).to_be_visible()


def test_the_preview_is_nobody_here(
    new_page: Callable[..., Page], alice: Person, service: RunningService, held: ServedRepository
) -> None:
    launch = alice.launch(held.url)
    page = new_page()
    open_launch(page, service, launch)
    element = page.locator("#preview iframe")
    preview = page.frame_locator("#preview iframe")
    expect(preview.get_by_role("heading", name="Tides")).to_be_visible()
    assert element.get_attribute("sandbox") == "allow-popups allow-popups-to-escape-sandbox"
    (frame,) = [frame for frame in page.frames if "/preview" in frame.url]
    assert frame.evaluate("window.origin") == "null"
    assert frame.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    page.get_by_role("button", name="Toggle dark mode").click()
    expect(preview.locator("html[data-theme=dark]")).to_have_count(1)
    # The address itself is no better: the policy travels with it.
    page.goto(f"{service.url}/launches/{launch}/preview")
    assert page.evaluate("window.origin") == "null"


def test_the_page_of_a_server_that_has_ended_says_how_and_leads_to_no_dead_address(
    new_page: Callable[..., Page],
    alice: Person,
    service: RunningService,
    held: ServedRepository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launch = alice.launch(held.url)
    page = new_page()
    open_launch(page, service, launch)
    go_on(service)
    page.wait_for_url("**/user/alice/**")
    end = ServerState("", launch, ServerStage.ENDED, "The compute node failed.", "Launch again.")

    async def states(user: str) -> tuple[list[ServerState], list[ServerState]]:
        return [], [end]

    monkeypatch.setattr(service.services.hub, "states", states)
    page.goto(f"{service.url}/launches/{launch}")
    expect(page.get_by_text("This server has ended. The compute node failed.")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(page.get_by_role("link", name="Open JupyterLab")).to_be_hidden()
    page.get_by_role("link", name="resumes it with one click").click()
    page.wait_for_url("**/mine")
