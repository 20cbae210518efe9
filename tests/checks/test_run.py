"""The command, and how matters wait for each other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from checks.grounds import ground

from hpcbinderhub.app import main
from hpcbinderhub.checks.finding import Finding, Matter, failed, ok
from hpcbinderhub.checks.ground import Ground
from hpcbinderhub.checks.run import look_at
from hpcbinderhub.checks.shown import as_text
from hpcbinderhub.checks.table import MATTERS
from hpcbinderhub.errors import Unavailable


async def well(_ground: Ground) -> AsyncIterator[Finding]:
    yield ok("it", "It works.")


async def ill(_ground: Ground) -> AsyncIterator[Finding]:
    yield failed("it", "It is broken.", "Mend it.")


async def hangs(_ground: Ground) -> AsyncIterator[Finding]:
    yield ok("first", "It works.")
    await asyncio.sleep(60)


async def breaks(_ground: Ground) -> AsyncIterator[Finding]:
    yield ok("first", "It works.")
    raise ZeroDivisionError("oh")


async def silent(_ground: Ground) -> AsyncIterator[Finding]:
    yield ok("first", "It works.")
    raise Unavailable("Nobody is there.")


async def test_what_needs_something_that_failed_is_skipped(tmp_path: Path) -> None:
    matters = [
        Matter("base", "", ill),
        Matter("tower", "", well, needs=("base",)),
        Matter("garden", "", well),
        Matter("flag", "", well, needs=("tower", "elsewhere")),
    ]
    looked = await look_at(matters, ground(tmp_path))
    assert as_text(looked).splitlines() == [
        *("base", "  ✗ it: It is broken.", "      what to change: Mend it.", ""),
        *("tower", "  - tower: Not tried before this works: base.", ""),
        *("garden", "  ✓ it: It works.", ""),
        *("flag", "  - flag: Not tried before this works: tower.", ""),
        "1 ok, 0 warning, 1 failed, 2 skipped",
    ]


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (hangs, "There was no answer in 0 s."),
        (breaks, "The check itself broke: ZeroDivisionError: oh"),
        (silent, "Nobody is there."),
    ],
)
async def test_a_check_that_breaks_is_a_finding(tmp_path: Path, look: object, words: str) -> None:
    matter = Matter("m", "", look, seconds=0.2)  # type: ignore[arg-type]
    (looked,) = await look_at([matter], ground(tmp_path))
    first, last = looked.findings
    assert first.sentence == "It works."
    assert (last.outcome.value, last.sentence) == ("failed", words)
    assert last.advice


async def test_what_others_say_cannot_steer_a_terminal(tmp_path: Path) -> None:
    async def rude(_ground: Ground) -> AsyncIterator[Finding]:
        yield ok("it", "Hello\x1b]0;title\x07\nfake: ok")

    looked = await look_at([Matter("m", "", rude)], ground(tmp_path))
    assert "  ✓ it: Hello ]0;title  fake: ok" in as_text(looked).splitlines()


def test_the_table_is_in_order() -> None:
    names = [matter.name for matter in MATTERS]
    assert len(set(names)) == len(names)
    for number, matter in enumerate(MATTERS):
        assert set(matter.needs) <= set(names[:number])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = str(ground(tmp_path).directory)
    assert main(["check", "--config", files, "--only", "configuration,storage"]) == 0
    shown = capsys.readouterr().out
    assert "configuration\n  ✓ files: 1 files in" in shown
    assert "storage\n  ✓ c.Site.state_dir" in shown
    (tmp_path / "state").chmod(0o755)
    assert main(["check", "--config", files, "--only", "storage", "--json"]) == 1
    shown, words = capsys.readouterr()
    assert json.loads(shown)["failed"] is True
    assert json.loads(shown)["findings"][0]["advice"].startswith("chmod 700")
    assert words.startswith("There are failures in: storage.\n")


def test_what_there_is_and_what_there_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--list"]) == 0
    shown = capsys.readouterr().out
    assert all(matter.name in shown and matter.purpose in shown for matter in MATTERS)
    assert main(["check", "--config", str(tmp_path), "--only", "weather"]) == 1
    assert "by the name of weather" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("c.Site.profiles = [{'nam': 'p'}]", "Profile number 1"),
        ("c.Site.public_ulr = ''", "line 7: there is no c.Site.public_ulr"),
        ("c.Site.title = (", "SyntaxError, line 7"),
        ("raise RuntimeError('no')", "RuntimeError: no"),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    directory = ground(tmp_path).directory
    with (directory / "10-site.py").open("a") as file:
        file.write(line)
    assert main(["check", "--config", str(directory)]) == 1
    shown = capsys.readouterr().out
    assert words in shown
    assert "what to change: Correct that line" in shown
