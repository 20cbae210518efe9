"""The extension of the Jupyter server: it runs the notebook that the launch was made for, counts as
used meanwhile, and ends the server when that is over."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from datetime import datetime, timezone
from typing import Any

from tornado.ioloop import IOLoop, PeriodicCallback

from .order import VARIABLE, Order, from_environment
from .record import NONE_BEGUN, ended

LOOK_SECONDS = 1.0
END_SECONDS = 10.0
ACTIVITY = "hpcbinder_unattended"


def load(server: Any) -> None:
    """Begin the notebook, if there is one to run."""
    order = from_environment(os.environ)
    if order is not None:
        # It is nothing to the kernels that somebody may start.
        del os.environ[VARIABLE]
        IOLoop.current().add_callback(Unattended(server, order).begin)


class Unattended:
    """The notebook, in a process that is a child of the server's."""

    def __init__(self, server: Any, order: Order) -> None:
        self._server = server
        self._order = order
        self._looks = PeriodicCallback(self._look, LOOK_SECONDS * 1000)

    def begin(self) -> None:
        """Start it, and follow it to its end."""
        self._server.log.info("hpcbinder: running %s.", self._order.notebook)
        try:
            self._process = start(self._order)
        except OSError as error:
            self._over(NONE_BEGUN, f"The notebook could not be begun: {error.strerror}.")
            return
        atexit.register(end, self._process)
        self._looks.start()

    def _look(self) -> None:
        code = self._process.poll()
        if code is None:
            # Our own rule for servers that nobody uses reads this, as JupyterHub's does.
            times = self._server.web_app.settings["last_activity_times"]
            times[ACTIVITY] = datetime.now(timezone.utc)
            return
        self._looks.stop()
        self._over(*ended(self._order, code))

    def _over(self, code: int, words: str) -> None:
        self._server.log.info("hpcbinder: %s", words)
        session = self._server.web_app.settings.get("hpcbinder_session")
        if session is None:
            self._server.stop()
        else:
            session.run_is_over(code, words)


def start(order: Order) -> subprocess.Popen[bytes]:
    """`hpcbinder run`; the parameters are in no argument, and in no file any more."""
    order.output.parent.mkdir(parents=True, exist_ok=True)
    order.record.unlink(missing_ok=True)
    with order.log.open("wb") as log, order.parameters.open("rb") as parameters:
        order.parameters.unlink()
        # Isolated, so that no file of the repository's stands for a module.
        command = [sys.executable, "-I", "-m", "hpcbinder", "run", order.notebook]
        options = ["--parameters", "-", "--output", order.output, "--record", order.record]
        return subprocess.Popen(
            [*command, *options], stdin=parameters, stdout=log, stderr=subprocess.STDOUT
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """With time to write what it has: the notebook does not outlive the server."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
