"""What is chosen on the launch page: limits said as one types, what is free, when it would start,
presets, and a link that says all of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browser.loading.test_looks import is_readable
from browser.test_pages import is_well_made
from browser.test_way import log_in
from cluster.person import Person
from playwright.sync_api import Page, expect
from service.hub import PASSWORD
from service.repository import ServedRepository
from service.running import RunningService
from service.slurm_commands import slurm

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PROFILES = [
    {"name": "interactive", "title": "Interactive", "partition": "interactive"},
    {
        "name": "regular",
        "title": "Regular",
        "partition": "regular",
        "max_minutes": 1440,
        "cpus": 2,
        "max_cpus": 8,
        "memory_mb": 4096,
        "max_memory_mb": 16384,
        "max_nodes": 4,
        "max_gpus": 2,
        "gpu_type": ["a100", "v100"],
        "constraint": {"any": "", "fast": "skylake&ib"},
    },
]
# Slurm refuses more than ten hours; else it is twenty minutes for who wants a GPU, and no time.
SBATCH = """
cat >/dev/null
case "$*" in
  *--time=7[0-9][0-9]*) echo "allocation failure: Requested time limit is invalid" >&2; exit 1 ;;
  *--gres*) start=1200 ;;
  *) start=0 ;;
esac
echo "Job 7 to start at $(($(date +%s) + start)) using 1 processors" >&2
"""


@pytest.fixture
def site(start_service: Callable[..., RunningService], tmp_path: Path) -> RunningService:
    return start_service(profiles=PROFILES, slurm_path=slurm(tmp_path / "commands", sbatch=SBATCH))


@pytest.fixture
def page(new_page: Callable[..., Page], alice: Person, site: RunningService) -> Page:
    made = new_page()
    log_in(made, f"{site.url}/", "alice", PASSWORD)
    return made


def asked(page: Page) -> dict[str, list[str]]:
    """What the link to share asks for."""
    return parse_qs(urlsplit(page.get_by_label("Link to share").input_value()).query)


def test_what_is_free_and_when_it_would_start(page: Page) -> None:
    expect(page.get_by_text("1 node idle, 8 of 8 cores free.")).to_be_visible()
    expect(page.get_by_text("5 of 16 cores free, 3 of 8 a100 free")).to_be_visible()
    outlook = page.locator("#outlook")
    expect(outlook).to_have_text("Would start now.")

    page.get_by_role("radio", name="Regular").check()
    page.get_by_label("GPUs of each node").fill("1")
    expect(outlook).to_have_text(
        re.compile(r"^Expected start: .*\d\d:\d\d.* \(in about (19|20) minutes\)\.$")
    )
    page.get_by_label("Minutes").fill("720")
    expect(outlook).to_contain_text("Slurm would refuse this job.")
    expect(outlook).to_contain_text("Requested time limit is invalid")


def test_a_limit_is_said_as_one_types_and_a_choice_is_shown_where_there_is_one(page: Page) -> None:
    minutes = page.get_by_label("Minutes")
    minutes.fill("241")
    expect(page.get_by_text("“Interactive” gives 1 to 240 minutes.")).to_be_visible()
    expect(page.locator("#outlook")).to_be_hidden()
    minutes.fill("1.5")
    expect(page.get_by_text("A whole number is needed.")).to_be_visible()
    for label in ("GPUs of each node", "Nodes", "Account", "CPUs of each node"):
        expect(page.get_by_label(label, exact=True)).to_be_hidden()
    expect(page.get_by_text("More choices")).to_be_hidden()

    page.get_by_role("radio", name="Regular").check()
    minutes.fill("1440")
    expect(page.locator("#minutes-problem")).to_be_empty()
    page.get_by_text("More choices").click()
    page.get_by_label("Memory of each node (GiB)").fill("17")
    expect(page.get_by_text("“Regular” gives 0.25 to 16 GiB of memory.")).to_be_visible()
    page.get_by_label("Memory of each node (GiB)").fill("8")
    page.get_by_label("Kind of node").select_option("fast")
    is_well_made(page)


def test_what_nobody_chooses_is_said(page: Page) -> None:
    said = page.locator("#usual")
    expect(said).to_have_text("Charged to the account geo, with its default QOS normal.")


def test_every_choice_is_in_the_link_and_comes_back_from_it(
    page: Page, site: RunningService, repository: ServedRepository
) -> None:
    page.get_by_label("Repository").fill(repository.url)
    page.get_by_role("radio", name="Regular").check()
    page.get_by_label("Minutes").fill("90")
    page.get_by_label("GPUs of each node").fill("2")
    page.get_by_label("Type of GPU").select_option("v100")
    page.get_by_text("More choices").click()
    page.get_by_label("Memory of each node (GiB)").fill("8")
    page.get_by_label("Kind of node").select_option("fast")
    wanted = {
        "profile": ["regular"],
        "time": ["90"],
        "gpus": ["2"],
        "gpu_type": ["v100"],
        "memory_mb": ["8192"],
        "constraint": ["fast"],
    }
    page.wait_for_function("document.getElementById('share-link').value.includes('fast')")
    assert asked(page) == wanted
    page.goto(page.get_by_label("Link to share").input_value())
    expect(page.get_by_label("Memory of each node (GiB)")).to_have_value("8")
    expect(page.get_by_label("Type of GPU")).to_have_value("v100")
    page.wait_for_function("document.getElementById('share-link').value.includes('fast')")
    assert asked(page) == wanted

    # What the profile does not offer is not dropped in silence.
    page.goto(f"{site.url}/v2/{repository.spec()}?profile=interactive&gpus=1")
    expect(page.get_by_text("“Interactive” leaves no choice of this.")).to_be_visible()


def test_presets_are_kept_renamed_and_deleted_on_the_page_and_the_last_choice_comes_back(
    page: Page, site: RunningService, repository: ServedRepository
) -> None:
    page.get_by_role("radio", name="Regular").check()
    page.get_by_label("Minutes").fill("90")
    page.get_by_role("button", name="Keep these choices").click()
    page.get_by_role("textbox", name="Keep these choices as").fill("Ninety minutes")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_text("Kept as “Ninety minutes”.")).to_be_visible()

    page.reload()
    expect(page.get_by_role("radio", name="Interactive")).to_be_checked()
    page.get_by_label("Choices that you kept").select_option("Ninety minutes")
    expect(page.get_by_role("radio", name="Regular")).to_be_checked()
    expect(page.get_by_label("Minutes")).to_have_value("90")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="Rename “Ninety minutes” to").fill("An hour and a half")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_label("Choices that you kept")).to_have_value("An hour and a half")

    page.get_by_label("Repository").fill(repository.url)
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url("**/launches/*")
    page.goto(f"{site.url}/")
    expect(page.get_by_role("radio", name="Regular")).to_be_checked()
    expect(page.get_by_label("Minutes")).to_have_value("90")
    page.get_by_label("Choices that you kept").select_option("An hour and a half")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("“An hour and a half” is deleted.")).to_be_visible()
    expect(page.get_by_label("Choices that you kept")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_can_be_read_on_any_screen(
    scheme: str,
    width: int,
    new_page: Callable[..., Page],
    shoot: Callable[[Page, str], None],
    alice: Person,
    site: RunningService,
) -> None:
    page = new_page(scheme=scheme, width=width)
    log_in(page, f"{site.url}/", "alice", PASSWORD)
    page.get_by_role("radio", name="Regular").check()
    page.get_by_text("More choices").click()
    page.get_by_label("Minutes").fill("9999")
    expect(page.get_by_text("3 of 8 a100 free")).to_be_visible()
    is_readable(
        page,
        "main label, main legend, main .form-check-label span, main .invalid-feedback, #outlook",
    )
    is_well_made(page)
    expect(page.locator("#outlook")).to_be_hidden()
    shoot(page, "choices")
