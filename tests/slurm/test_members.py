"""Who users are: one question at a time for each, whoever wants to know."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hpcbinderhub.errors import Unavailable, UserError
from hpcbinderhub.slurm.members import ACCOUNT_SECONDS, Members


class Login:
    """A login node that answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = asyncio.Event()
        self.problem: Exception | None = None
        self.accounts = ["geo"]
        self.now = 0.0

    async def whoami(self, user: str) -> dict[str, Any]:
        """See the agent's `whoami`."""
        self.asked.append(user)
        await self.answers.wait()
        if self.problem:
            raise self.problem
        rows = [
            {"account": name, "partition": "", "qos": "", "default_qos": ""}
            for name in self.accounts
        ]
        home = f"/home/{user}"
        return {"user": user, "uid": 1, "home": home, "associations": rows, "default_account": ""}


@pytest.fixture
async def login() -> Login:
    return Login()


@pytest.fixture
def members(login: Login) -> Members:
    return Members(login.whoami, lambda: login.now)


def all_of(members: Members, *users: str) -> list[asyncio.Task[Any]]:
    """Everybody who wants to know, at once."""
    return [asyncio.create_task(members.find(user)) for user in users]


async def test_who_asks_while_the_question_is_under_way_gets_its_answer(
    login: Login, members: Members
) -> None:
    asked = all_of(members, "alice", "bob", "alice", "alice")
    await asyncio.sleep(0)
    login.answers.set()
    found = await asyncio.gather(*asked)
    assert [one.account.user for one in found] == ["alice", "bob", "alice", "alice"]
    assert login.asked == ["alice", "bob"]
    await members.find("alice")
    assert login.asked == ["alice", "bob"]


async def test_who_has_no_account_is_asked_about_again(login: Login, members: Members) -> None:
    login.accounts = []
    login.answers.set()
    await asyncio.gather(*all_of(members, "alice", "alice"))
    await members.find("alice")
    assert login.asked == ["alice", "alice"]


async def test_one_who_leaves_takes_no_answer_from_others(login: Login, members: Members) -> None:
    leaves, stays = all_of(members, "alice", "alice")
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.sleep(0)
    login.answers.set()
    assert (await stays).account.user == "alice"
    assert leaves.cancelled()
    assert login.asked == ["alice"]


async def test_a_refusal_is_everybodys_and_the_next_is_a_new_question(
    login: Login, members: Members
) -> None:
    login.problem = UserError("No.")
    login.answers.set()
    outcomes = await asyncio.gather(*all_of(members, "alice", "alice"), return_exceptions=True)
    assert outcomes == [login.problem] * 2
    login.problem = None
    assert (await members.find("alice")).slurm_accounts == ["geo"]
    assert login.asked == ["alice", "alice"]


async def test_while_nobody_answers_what_was_known_stands(login: Login, members: Members) -> None:
    login.answers.set()
    known = await members.find("alice")
    login.now += ACCOUNT_SECONDS
    login.problem = Unavailable("No login node could be used.")
    assert await asyncio.gather(*all_of(members, "alice", "alice")) == [known, known]
    with pytest.raises(Unavailable):
        await members.find("bob")
    assert login.asked == ["alice", "alice", "bob"]
