"""The keys of a launch, in a server of Tornado's as Jupyter has it."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.web import Application

from hpcbinder.keys import FILES, OPTIONS, _load_jupyter_server_extension
from hpcbinderhub.hop.keys import HopKeys


class Jupyter:
    """What the extension knows of a server."""

    log = logging.getLogger("jupyter")

    def __init__(self, folder: Path) -> None:
        self.http_server: HTTPServer
        for name, text in HopKeys.new().for_the_server().items():
            (folder / FILES[name]).write_text(text)
        files = {option: str(folder / FILES[name]) for option, name in OPTIONS.items()}
        self.options: dict[str, Any] | None = {**files, "cert_reqs": ssl.CERT_REQUIRED}

    def init_httpserver(self) -> None:
        """As Jupyter does at the end of its start."""
        self.http_server = HTTPServer(Application(), ssl_options=self.options)


@pytest.fixture
def jupyter(tmp_path: Path) -> Jupyter:
    return Jupyter(tmp_path)


def started(jupyter: Jupyter) -> HTTPServer:
    """The server, before anybody gets through to it."""
    _load_jupyter_server_extension(jupyter)
    jupyter.init_httpserver()
    return jupyter.http_server


def test_the_files_go_and_what_they_said_stays(jupyter: Jupyter, tmp_path: Path) -> None:
    assert len(list(tmp_path.iterdir())) == 3
    context = started(jupyter).ssl_options
    assert list(tmp_path.iterdir()) == []
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.cert_store_stats()["x509"] == 1


def test_other_files_stay(jupyter: Jupyter, tmp_path: Path) -> None:
    other = tmp_path / "key.pem"
    (tmp_path / FILES["key"]).rename(other)
    jupyter.options = {**jupyter.options, "keyfile": str(other)}
    started(jupyter)
    assert len(list(tmp_path.iterdir())) == 3


def test_damaged_keys_stay_and_are_spoken_of(
    jupyter: Jupyter, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILES["key"]).write_text("garbage")
    started(jupyter)
    assert "the launch's keys stay in their files" in caplog.text
    assert len(list(tmp_path.iterdir())) == 3


def test_a_server_without_keys_has_none(jupyter: Jupyter, tmp_path: Path) -> None:
    jupyter.options = None
    assert started(jupyter).ssl_options is None
    assert len(list(tmp_path.iterdir())) == 3
