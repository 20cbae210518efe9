"""The page "Yours" in Chromium, before a real JupyterHub whose servers need no cluster."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browser.loading.test_looks import is_readable
from browser.test_pages import is_well_made
from cluster.person import Person
from playwright.sync_api import Locator, Page, expect
from service.repository import ServedRepository
from service.running import RunningService
from service.shelf import git, make_workspace

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def section(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def test_work_is_deleted_by_keyboard_and_only_if_that_is_said_twice(
    mine: Callable[..., Page], workspace: Path
) -> None:
    (workspace / "mine.txt").write_text("mine\n")
    page = mine()
    expect(section(page, "Workspaces").get_by_text("1 file")).to_be_visible()
    delete = page.get_by_role("button", name=f"Delete {workspace.parent.name}")
    dialog = page.get_by_role("dialog")
    delete.focus()
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text(
        "work that is nowhere else? It has 1 changed or new file and 0 commits"
    )
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(delete).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(delete).to_be_focused()
    assert (workspace / "mine.txt").exists()

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="Delete")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You have no workspaces yet.")).to_be_visible()
    assert not workspace.exists()


def test_work_that_came_after_the_page_is_not_deleted(
    mine: Callable[..., Page], workspace: Path
) -> None:
    page = mine()
    (workspace / "mine.txt").write_text("mine\n")
    page.get_by_role("button", name=f"Delete {workspace.parent.name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert")).to_contain_text("work that is nowhere else")
    assert (workspace / "mine.txt").exists()


def test_a_stopped_server_is_resumed_with_one_click_and_stopped_again(
    mine: Callable[..., Page], workspace: Path, alice: Person
) -> None:
    page = mine()
    servers = section(page, "Servers")
    expect(servers.get_by_text("stopped")).to_be_visible()
    servers.get_by_role("button", name="Resume").click()
    page.wait_for_url("**/launches/*")
    page.wait_for_url("**/user/alice/**")
    assert alice.servers() == [workspace.parent.name]

    page.goto(re.sub("/user/.*", "/services/binder/mine", page.url))
    expect(servers.get_by_text("runs", exact=True)).to_be_visible()
    expect(servers.get_by_text(re.compile("at most (1 h 0|59) min left"))).to_be_visible()
    expect(section(page, "Workspaces").get_by_role("link", name="Open")).to_be_visible()
    expect(section(page, "Workspaces").get_by_role("button", name="Delete")).to_have_count(0)
    servers.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(servers.get_by_text("Nothing is running.")).to_be_visible()
    assert alice.servers() == []


def test_what_runs_already_is_said_beside_the_button_with_the_way_to_it(
    mine: Callable[..., Page], alice: Person, repository: ServedRepository
) -> None:
    assert alice.follow(alice.launch(repository.url, ref="main"))["phase"] == "ready"
    page = mine(width=390, height=700)
    page.get_by_role("button", name="Toggle navigation").click()
    page.get_by_role("link", name="Launch", exact=True).click()
    page.get_by_role("textbox", name="Repository").fill(repository.url)
    page.get_by_role("textbox", name="Branch, tag or commit").fill("main")
    page.get_by_role("button", name="Launch", exact=True).click()
    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("running already")
    expect(refusal).to_be_in_viewport(ratio=1)
    (name,) = alice.servers()
    refusal.get_by_role("link", name="Open it").click()
    page.wait_for_url(f"**/user/alice/{name}/**")


def test_a_workspace_is_opened_where_it_is(
    mine: Callable[..., Page], workspace: Path, alice: Person
) -> None:
    page = mine()
    page.get_by_role("button", name=f"Open {workspace.parent.name}").click()
    page.wait_for_url("**/user/alice/**")
    server = alice.hub("GET", "users/alice").json()["servers"][workspace.parent.name]
    assert server["user_options"]["workspace"] == workspace.parent.name
    assert server["user_options"]["existing"] == "keep"


def test_an_environment_is_rebuilt_and_forgotten_by_admins_alone(
    mine: Callable[..., Page],
    workspace: Path,
    service: RunningService,
    repository: ServedRepository,
    people: dict[str, Person],
) -> None:
    service.tell(service.builder.free.clear)
    page = mine()
    environments = section(page, "Environments")
    expect(environments.get_by_role("button", name="Forget")).to_have_count(0)
    environments.get_by_role("button", name="Rebuild").click()
    page.get_by_role("dialog").get_by_role("button", name="Rebuild").click()
    expect(environments.get_by_text("is built again")).to_be_visible()
    (build, *_) = people["alice"].call("GET", f"api/builds?repo_url={repository.url}").json()
    assert (build["commit"], build["ref"]) == (repository.head, "main")
    service.tell(service.builder.free.set)

    # An admin sees her own here; everybody's are on the page for admins.
    page = mine("carol")
    expect(section(page, "Environments").get_by_text(repository.url)).to_have_count(0)
    people["carol"].follow(people["carol"].launch(repository.url, ref="main"))
    page.reload()
    row = section(page, "Environments").get_by_role("row").filter(has_text=repository.url)
    expect(row.get_by_text("in use")).to_be_visible()
    expect(row.get_by_role("button", name="Rebuild")).to_be_visible()


def test_a_cluster_that_does_not_answer_hides_nothing_else(
    mine: Callable[..., Page], workspace: Path, service: RunningService
) -> None:
    service.members.silent = True
    page = mine()
    expect(page.get_by_text("Your workspaces cannot be shown.")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("No login node could be used")
    expect(section(page, "Servers").get_by_role("button", name="Resume")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_looks_of_yours(
    scheme: str,
    width: int,
    mine: Callable[..., Page],
    shoot: Callable[[Page, str], None],
    start_service: Callable[..., RunningService],
    workspace: Path,
    alice: Person,
    repository: ServedRepository,
) -> None:
    (workspace / "mine.txt").write_text("mine\n")
    git(workspace, "add", "--all")
    git(workspace, "commit", "--quiet", "--message", "Mine")
    (workspace / "notes.txt").write_text("mine\n")
    service = start_service(workspace_purge_days=10)
    (workspace.parents[1] / "notes-of-a-long-summer").mkdir()
    launch = alice.launch(repository.url, ref="main", existing="beside")
    alice.follow(launch)
    make_workspace(service, launch)
    page = mine(scheme=scheme, width=width)
    expect(page.get_by_text("Goes soon.").first).to_be_visible()
    is_well_made(page)
    is_readable(
        page, "main td, main th, main td span, main td code, main .badge, main button, main p"
    )
    shoot(page, "yours")
    section(page, "Workspaces").scroll_into_view_if_needed()
    shoot(page, "workspaces")
    page.get_by_role("button", name=f"Delete {workspace.parent.name}").first.click()
    is_readable(page, "dialog p, dialog button")
    shoot(page, "dialog")
