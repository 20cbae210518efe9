"""What becomes of a workspace is asked before anything is started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browser.loading.test_looks import is_readable
from browser.test_pages import is_well_made
from browser.test_way import log_in
from cluster.person import Person
from playwright.sync_api import Page, expect
from service.hub import PASSWORD
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def launch_page(
    new_page: Callable[..., Page], service: RunningService, repository: ServedRepository
) -> Callable[..., Page]:
    """`launch_page()`: alice before a link to the repository's branch."""

    def opened(query: str = "", **looks: object) -> Page:
        page = new_page(**looks)
        log_in(page, f"{service.url}/v2/{repository.spec('main')}{query}", "alice", PASSWORD)
        expect(page.get_by_role("heading", name="Launch this repository")).to_be_visible()
        return page

    return opened


def options(alice: Person, workspace: Path) -> dict[str, str]:
    server = alice.hub("GET", "users/alice").json()["servers"][workspace.parent.name]
    return dict(server["user_options"])


def test_a_clean_workspace_is_updated_by_keyboard(
    launch_page: Callable[..., Page], workspace: Path, alice: Person, repository: ServedRepository
) -> None:
    new = repository.commit("more.txt", "more\n")
    page = launch_page()
    page.get_by_role("button", name="Launch").click()
    dialog = page.get_by_role("dialog", name="Your workspace is at another commit")
    expect(dialog).to_contain_text(
        f"{workspace.parent.name} is at commit {repository.head[:10]} on main."
        f" You are launching commit {new[:10]}."
    )
    expect(dialog.get_by_role("button", name="Make another workspace")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Launch")).to_be_enabled()
    assert alice.servers() == []

    page.get_by_role("button", name="Launch").press("Enter")
    expect(dialog.get_by_role("button", name="Update it")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/user/alice/**")
    chosen = options(alice, workspace)
    assert (chosen["existing"], chosen["workspace"]) == ("update", workspace.parent.name)
    assert chosen["commit"] == new


def test_work_in_a_workspace_stays_or_another_one_is_made_beside_it(
    launch_page: Callable[..., Page], workspace: Path, alice: Person, repository: ServedRepository
) -> None:
    repository.commit("more.txt", "more\n")
    (workspace / "mine.txt").write_text("mine\n")
    for choice, existing in (("Open it as it is", "keep"), ("Make another workspace", "beside")):
        page = launch_page()
        page.get_by_role("button", name="Launch").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("on main, with 1 unsaved file.")
        expect(dialog.get_by_role("button", name="Update it")).to_be_hidden()
        dialog.get_by_role("button", name=choice).click()
        page.wait_for_url("**/user/alice/**")
        chosen = options(alice, workspace)
        assert chosen["existing"] == existing
        assert (chosen["workspace"] == workspace.parent.name) == (existing == "keep")
        alice.stop(workspace.parent.name)


def test_nothing_is_asked_where_there_is_nothing_to_choose(
    launch_page: Callable[..., Page], workspace: Path, alice: Person
) -> None:
    (workspace / "mine.txt").write_text("mine\n")
    page = launch_page()
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url("**/user/alice/**")
    assert options(alice, workspace)["existing"] == "keep"


def test_a_workspace_that_was_not_updated_is_told_of_before_the_way_goes_on(
    launch_page: Callable[..., Page], alice: Person, repository: ServedRepository
) -> None:
    page = launch_page("?labpath=notice")
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("link", name="Open JupyterLab")).to_be_visible()
    expect(page.get_by_text("Your workspace was not updated.")).to_be_visible()
    assert "/launches/" in page.url
    page.get_by_role("link", name="Open JupyterLab").click()
    page.wait_for_url("**/user/alice/**")


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 390)], ids=["light", "dark and small"]
)
@pytest.mark.parametrize("dirty", [False, True], ids=["clean", "dirty"])
def test_looks_of_the_question(
    scheme: str,
    width: int,
    dirty: bool,
    launch_page: Callable[..., Page],
    shoot: Callable[[Page, str], None],
    workspace: Path,
    repository: ServedRepository,
) -> None:
    repository.commit("more.txt", "more\n")
    if dirty:
        (workspace / "mine.txt").write_text("mine\n")
    page = launch_page(scheme=scheme, width=width)
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    is_well_made(page)
    is_readable(
        page, "dialog h2, dialog p, dialog button:not([hidden]), dialog button:not([hidden]) span"
    )
    shoot(page, "asked")
