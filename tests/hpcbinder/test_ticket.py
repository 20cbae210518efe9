"""What the start command does with a ticket: whose it takes, where it sends it, and how often."""

from __future__ import annotations

import os

import pytest
from compute_node import TICKET, Node


def test_a_ticket_that_was_not_accepted_stays(node: Node) -> None:
    node.hub.replies["/claim"] = [(403, {})]
    launch = node.launch()
    assert "The hub refused: 403 Forbidden" in launch.run().log
    assert (launch.directory / "claim.json").exists()


def test_a_second_incarnation_of_the_job_ends_at_once(node: Node) -> None:
    launch = node.launch()
    assert launch.run().code == 0
    again = launch.run()
    assert again.code == 3
    assert "this launch was started before" in again.log
    assert len(node.hub.asked("/claim")) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_ticket_that_others_can_read_is_not_used(node: Node, mode: int) -> None:
    launch = node.launch()
    launch.claim({}, mode)
    outcome = launch.run()
    assert outcome.code == 2
    assert "claim.json can be read or written by others" in outcome.log
    assert not node.hub.requests


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_ticket_of_someone_else_is_not_used(node: Node) -> None:
    launch = node.launch()
    os.chown(launch.directory / "claim.json", 12345, -1)
    outcome = launch.run()
    assert outcome.code == 2
    assert "claim.json is not a file of yours" in outcome.log


def test_a_link_to_a_ticket_is_not_followed(node: Node) -> None:
    launch = node.launch()
    ticket = launch.directory / "claim.json"
    ticket.rename(launch.directory / "elsewhere.json")
    ticket.symlink_to("elsewhere.json")
    assert launch.run().code == 2


def test_a_damaged_ticket_is_not_quoted(node: Node) -> None:
    launch = node.launch()
    path = launch.directory / "claim.json"
    path.write_text(f'{{"ticket": "{TICKET}", ')
    outcome = launch.run()
    assert outcome.code == 2
    assert "claim.json is damaged. Launch again from the hub." in outcome.log


def test_a_ticket_is_not_sent_in_the_clear(node: Node) -> None:
    launch = node.launch()
    launch.claim({"claim_url": "http://hub.example.org/claim"})
    outcome = launch.run()
    assert outcome.code == 2
    assert "an address that is not https://" in outcome.log


def test_outside_a_job_nothing_is_claimed(node: Node) -> None:
    outcome = node.launch().run(job={"SLURM_JOB_ID": ""})
    assert outcome.code == 2
    assert "this is not a Slurm job" in outcome.log
    assert not node.hub.requests


def test_on_a_login_node_the_run_stands_for_the_job(node: Node) -> None:
    run = "0123456789abcdef0123456789abcdef"
    outcome = node.launch().run(job={"SLURM_JOB_ID": "", "HPCBINDER_RUN": run})
    assert outcome.code == 0, outcome.log
    assert node.hub.requests[0].body["job"] == run
    assert outcome.started["env"]["HPCBINDER_RUN"] == run
