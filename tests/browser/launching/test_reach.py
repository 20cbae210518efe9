"""What the launch page says of what the code will see, and who lets it see more."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browser.loading.test_looks import is_readable
from browser.test_pages import is_well_made
from browser.test_way import log_in
from cluster.person import Person
from playwright.sync_api import Locator, Page, expect
from service.hub import PASSWORD
from service.repository import ServedRepository
from service.running import RunningService

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PROFILES = [
    {"name": "interactive", "title": "Interactive", "partition": "interactive"},
    {"name": "shifter", "title": "Shifter", "partition": "regular", "engine": "shifter"},
    {"name": "shared", "title": "Shared", "partition": "regular", "home_access": "never"},
]
CLOSED = (
    "The repository's code will see its own workspace and /scratch, and no other file of yours."
)
HOME = "The repository's code will see your whole home directory, its own workspace and /scratch."
STRANGER = re.compile("^Neither yours nor trusted by this site")


@pytest.fixture
def site(start_service: Callable[..., RunningService]) -> RunningService:
    return start_service(
        profiles=PROFILES,
        data_roots=["/scratch"],
        trusted_repositories=["https://github.com/our-centre/*"],
        own_repositories=["https://gitlab.com/{user}/*"],
    )


def sentence(page: Page) -> Locator:
    return page.locator("#sees > :not([hidden])")


def why(page: Page) -> Locator:
    return page.locator("#trust > :not([hidden])")


def tick(page: Page) -> Locator:
    return page.get_by_role("checkbox", name=re.compile("^Let its code see my home directory"))


def test_one_sentence_for_each_profile_and_choice(
    new_page: Callable[..., Page], alice: Person, site: RunningService
) -> None:
    page = new_page()
    log_in(page, f"{site.url}/", "alice", PASSWORD)
    expect(sentence(page)).to_have_text(CLOSED)
    expect(tick(page)).not_to_be_checked()
    tick(page).focus()
    page.keyboard.press("Space")
    expect(sentence(page)).to_have_text(HOME)

    page.get_by_role("radio", name="Shared").check()
    expect(sentence(page)).to_have_text(CLOSED)
    expect(tick(page)).to_be_hidden()
    page.get_by_role("radio", name="Shifter").check()
    expect(sentence(page)).to_contain_text("This profile cannot hide your home directory")
    expect(tick(page)).to_be_hidden()


def test_a_tick_is_for_one_repository(
    new_page: Callable[..., Page], alice: Person, site: RunningService
) -> None:
    page = new_page()
    log_in(page, f"{site.url}/", "alice", PASSWORD)
    field = page.get_by_role("textbox", name="Repository")
    for address, words in (
        ("https://github.com/stranger/tides", STRANGER),
        ("https://github.com/our-centre/tides", "Trusted by this site."),
        ("https://gitlab.com/alice/tides", "This repository counts as yours."),
        ("https://gitlab.com/bob/tides", STRANGER),
    ):
        field.fill(address)
        expect(tick(page)).not_to_be_checked()
        expect(why(page)).to_have_text(words)
        tick(page).check()
        expect(sentence(page)).to_have_text(HOME)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_alice_lets_a_linked_repository_see_her_home_and_takes_it_back(
    scheme: str,
    width: int,
    new_page: Callable[..., Page],
    shoot: Callable[[Page, str], None],
    alice: Person,
    site: RunningService,
    repository: ServedRepository,
) -> None:
    link = f"{site.url}/v2/{repository.spec()}?reach=home&consent=true"
    page = new_page(scheme=scheme, width=width)
    log_in(page, link, "alice", PASSWORD)
    expect(sentence(page)).to_have_text(CLOSED)
    expect(why(page)).to_have_text(STRANGER)
    expect(tick(page)).not_to_be_checked()
    is_well_made(page)
    is_readable(page, "#sees > :not([hidden]), #trust > :not([hidden]), label[for=reach]")
    sentence(page).scroll_into_view_if_needed()
    shoot(page, "closed")
    tick(page).check()
    expect(sentence(page)).to_have_text(HOME)
    shoot(page, "ticked")
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_text("its code sees your home directory")).to_be_visible()
    is_well_made(page)
    shoot(page, "loading")
    page.wait_for_url("**/user/alice/**")

    page.goto(f"{site.url}/mine")
    consents = page.get_by_role("region", name="Trusted with your home directory")
    expect(consents).to_contain_text(repository.url.removesuffix(".git"))
    is_well_made(page)
    is_readable(page, "section[aria-labelledby=consents-title] *")
    consents.scroll_into_view_if_needed()
    shoot(page, "yours")

    page.goto(link)
    expect(why(page)).to_contain_text("You have said before that you trust it")
    expect(tick(page)).not_to_be_checked()
    page.goto(f"{site.url}/mine")
    consents.get_by_role("button", name="Take back").click()
    expect(consents).to_have_count(0)
    page.goto(link)
    expect(why(page)).to_have_text(STRANGER)


def test_a_site_that_refuses_what_cannot_be_hidden_from_says_so_before_the_click(
    new_page: Callable[..., Page],
    shoot: Callable[[Page, str], None],
    start_service: Callable[..., RunningService],
    people: dict[str, Person],
    repository: ServedRepository,
) -> None:
    site = start_service(profiles=PROFILES, refuse_unhidden=True)
    page = new_page()
    log_in(page, f"{site.url}/v2/{repository.spec()}?profile=shifter", "alice", PASSWORD)
    expect(sentence(page)).to_contain_text("so it runs only repositories that may see it.")
    shoot(page, "before the click")
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("alert")).to_contain_text("Shifter cannot hide your home directory")
    expect(tick(page)).to_be_visible()
    shoot(page, "refused")
