"""The slicer in a real Jupyter server: who may ask, what is refused, what is described."""

from __future__ import annotations

import os
import signal
import time

import httpx
import pytest
from jupyter_beside import Server, children

from hpcbinder.slicer.answers import operations
from hpcbinder.slicer.config import DATA_ROOTS, Slicer
from hpcbinder.slicer.http.operations import OPERATIONS


def test_only_who_is_signed_in_is_answered(server: Server) -> None:
    for path in ("limits", "roots", "openapi.json"):
        refused = httpx.get(f"{server.url}hpcbinder/slicer/{path}")
        assert refused.status_code == 403, path


def test_no_page_of_another_site_is_answered(server: Server) -> None:
    elsewhere = {"Origin": "https://elsewhere.example", "Host": "127.0.0.1"}
    assert httpx.get(f"{server.url}hpcbinder/slicer/roots", headers=elsewhere).is_client_error


def test_the_roots_are_told(server: Server) -> None:
    told = server.get("roots")
    assert told.json() == {"roots": [{"name": "files", "path": str(server.files)}]}
    assert told.headers["Cache-Control"] == "private, no-store"
    assert told.headers["X-Content-Type-Options"] == "nosniff"
    assert told.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_reading_process_may_die_and_is_there_again(server: Server) -> None:
    first = server.get("limits").json()
    assert 0 < first["resident_bytes"] < 400 << 20
    (pid,) = children(server.process.pid)
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 60
    while server.get("limits").status_code != 200:
        assert time.monotonic() < end
    assert children(server.process.pid) != [pid]


def test_the_description_holds_every_operation_that_there_is(server: Server) -> None:
    told = server.get("openapi.json").json()
    assert told["servers"] == [{"url": "/user/anna/hpcbinder/slicer"}]
    assert {f"/{each.path}" for each in OPERATIONS} <= set(told["paths"])
    settings = Slicer().settings(str(server.files))
    answered = set(operations(settings).answered)
    assert {each.do or each.path for each in OPERATIONS} <= answered
    for path, item in told["paths"].items():
        for parameter in item["get"]["parameters"]:
            assert parameter["description"].endswith("."), (path, parameter["name"])


def test_the_sites_folders_are_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_ROOTS, "/scratch/anna:/project")
    roots = Slicer().settings("/home/anna").roots
    assert roots == (("files", "/home/anna"), ("anna", "/scratch/anna"), ("project", "/project"))
    monkeypatch.setenv(DATA_ROOTS, "/a/data:/b/data")
    assert [name for name, _ in Slicer().settings("/").roots] == ["files", "/a/data", "/b/data"]


def test_a_root_is_the_folder_that_somebody_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("HOME", "/home/anna"), ("WHO", "anna"), ("NOWHERE", "")):
        monkeypatch.setenv(name, value)
    meant = {"mine": "~/data", "ours": "/scratch/$WHO", "here": "results", "none": "$NOWHERE"}
    assert Slicer(roots=meant).settings("/project").roots == (
        ("files", "/project"),
        ("mine", "/home/anna/data"),
        ("ours", "/scratch/anna"),
        ("here", "/project/results"),
    )


def test_a_parameter_that_cannot_be_is_refused_before_anything_is_read(server: Server) -> None:
    missing = server.get("node")
    assert missing.status_code == 400
    assert missing.json()["message"] == "The parameter “file” is missing."
    for given in (
        {"columns": "one"},
        {"columns": "1" * 9000},
        {"bits": "12"},
        {"scale": "cubic"},
        {"path": "/a\0b"},
    ):
        refused = server.get("plane", file="x.h5", **given)
        assert (refused.status_code, refused.json()["reason"]) == (400, "parameter")
        assert next(iter(given)) in refused.json()["message"]
        assert len(refused.json()["message"]) < 200
