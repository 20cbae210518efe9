"""The page that `/hub/spawn` leads to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cluster.person import Person
from service.repository import ServedRepository
from service.running import RunningService
from traitlets import TraitError

from hpcbinderhub.site import Site


@pytest.mark.slow
def test_recent_environments_are_offered_and_the_one_that_was_asked_for_first(
    alice: Person, repository: ServedRepository
) -> None:
    assert "You have launched nothing yet." in alice.call("GET", "recent").text
    launch = alice.launch(repository.url)
    alice.follow(launch)
    page = alice.call("GET", "recent").text
    assert repository.url in page
    assert ">Open<" in page
    (server,) = alice.servers()
    alice.stop(server)
    page = alice.call("GET", f"recent?server={server}").text
    assert f'data-path="api/launches/{launch}/again"' in page
    assert "No launch of yours" not in page
    page = alice.call("GET", "recent?server=<i>other</i>").text
    assert "No launch of yours is known for the server “&lt;i&gt;other&lt;/i&gt;”." in page
    assert alice.servers() == []


@pytest.mark.slow
def test_a_site_offers_an_environment_of_its_own(
    start_service: Callable[..., RunningService], people: dict[str, Person]
) -> None:
    start_service(
        default_repository="gh/our-centre/getting-started/HEAD",
        default_repository_title="Getting started",
    )
    page = people["bob"].call("GET", "recent").text
    assert "Getting started" in page
    assert 'href="/services/binder/v2/gh/our-centre/getting-started/HEAD"' in page


def test_a_default_that_is_no_link_is_refused_when_the_site_is_read() -> None:
    with pytest.raises(TraitError, match="default_repository"):
        Site(default_repository="our-centre/getting-started")
