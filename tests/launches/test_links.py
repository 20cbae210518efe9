"""What links ask for."""

from __future__ import annotations

import pytest

from hpcbinderhub.errors import NotAllowed, UserError
from hpcbinderhub.launches.links import LinkOptions, asked_for, link_options, not_offered
from hpcbinderhub.profiles import Choices, Profile
from hpcbinderhub.repos.opening import server_address, what_to_open
from hpcbinderhub.repos.spec import parse_link

SPEC = parse_link("gh", "org/repo/main")


def query(**values: str):
    return lambda name: values.get(name, "")


@pytest.mark.parametrize(
    ("urlpath", "file"),
    [
        ("lab/tree/a/b.ipynb", "a/b.ipynb"),
        ("/lab/tree/a b.ipynb", "a b.ipynb"),
        ("lab/workspaces/mine/tree/a.ipynb", "a.ipynb"),
        ("doc/tree/a.ipynb", "a.ipynb"),
        ("tree/folder/", "folder"),
        ("notebooks/a.ipynb?reset", "a.ipynb"),
        ("lab", ""),
        ("lab/tree/", ""),
        ("tree", ""),
        ("//", ""),
        ("", ""),
    ],
)
def test_a_urlpath_that_shows_a_file_names_it(urlpath: str, file: str) -> None:
    assert what_to_open(urlpath=urlpath) == file


@pytest.mark.parametrize(
    ("urlpath", "address"),
    [
        ("rstudio", "/rstudio"),
        ("/rstudio/", "/rstudio/"),
        ("proxy/8000/tree/a", "/proxy/8000/tree/a"),
        ("voila/render/a b.ipynb?theme=dark", "/voila/render/a%20b.ipynb?theme=dark"),
        ("//evil.example.org/x", "/evil.example.org/x"),
        ("https://evil.example.org", "/https://evil.example.org"),
        ("../../hub/logout", "/lab"),
        ("a\\..\\b", "/lab"),
        ("lab/tree/a b.ipynb", "/lab/tree/a%20b.ipynb"),
        ("", "/lab"),
    ],
)
def test_any_other_urlpath_is_an_address_of_the_server(urlpath: str, address: str) -> None:
    assert server_address(what_to_open(urlpath=urlpath)) == address


def test_labpath_wins_over_filepath_and_both_over_urlpath() -> None:
    everything = {"labpath": "a.ipynb", "filepath": "/b.ipynb", "urlpath": "tree/c.ipynb"}
    assert asked_for(query(**everything))["open"] == "a.ipynb"
    assert asked_for(query(**everything | {"labpath": ""}))["open"] == "b.ipynb"


def test_a_link_becomes_a_wish() -> None:
    options = link_options(
        query(profile="gpu", account="geo", nodes="2", time="30", gpus="1", labpath="x.py")
    )
    wish = options.wish(SPEC, [], start_when_ready=True)
    assert wish.choices == Choices(account="geo", nodes=2, minutes=30, gpus=1)
    assert (wish.profile, wish.open) == ("gpu", "x.py")
    assert wish.start_when_ready


def test_a_link_can_say_every_choice() -> None:
    words = {"account": "geo", "time": "30", "nodes": "2", "cpus": "8", "memory_mb": "4096",
             "gpus": "1", "gpu_type": "a100", "partition": "gpu", "qos": "fast",
             "constraint": "ib", "reservation": "course"}  # fmt: skip
    chosen = link_options(query(**words)).choices()
    assert chosen.minutes == 30
    assert None not in chosen.model_dump().values()


def test_without_a_profile_the_first_that_is_offered_is_meant() -> None:
    offered = [Profile(name=name, title=name, partition="p") for name in ("one", "two")]
    assert LinkOptions().wish(SPEC, offered, start_when_ready=False).profile == "one"
    with pytest.raises(NotAllowed):
        LinkOptions().wish(SPEC, [], start_when_ready=False)


PLAIN = Profile(name="plain", title="Plain", partition="batch")
GPU = Profile(name="gpu", title="GPUs", partition=["a", "b"], gpus=1, max_gpus=4)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"gpus": "4"}, "The profile “Plain” gives no GPUs, not 4. Leave it out, or "),
        ({"profile": "gpu", "gpus": "8"}, "The profile “GPUs” gives 0 to 4 GPUs, not 8."),
        ({"profile": "gpu", "partition": "c"}, "the partition “c”. It offers a, b. Leave it out"),
        ({"profile": "gone", "nodes": "2"}, "The profile “Plain” gives 1 node, not 2."),
        ({"time": "soon"}, "time=soon in this address: "),
    ],
)
def test_a_link_that_asks_for_what_its_profile_does_not_offer_is_told_what_it_does(
    words: dict[str, str], sentence: str
) -> None:
    *_, said = not_offered(asked_for(query(**words)), [PLAIN, GPU], ["geo"])
    assert sentence in said


def test_a_link_that_asks_for_what_there_is_is_told_nothing() -> None:
    wanted = asked_for(query(profile="gpu", gpus="4", partition="b", time="60", account="geo"))
    assert not_offered(wanted, [PLAIN, GPU], ["geo"]) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("time", "soon"), ("time", "0"), ("nodes", "-1"), ("gpus", "1.5"), ("account", "a b"),
     ("cpus", "many"), ("gpu_type", "a,b"), ("constraint", "a&b"), ("reservation", "-x"),
     ("profile", "--wrap=id"), ("labpath", "a\nb")],
)  # fmt: skip
def test_what_is_wrong_is_named(name: str, value: str) -> None:
    with pytest.raises(UserError) as error:
        link_options(query(**{name: value}))
    assert ("open" if name == "labpath" else name) + "=" in error.value.message
