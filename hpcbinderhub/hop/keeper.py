"""The hub's side: finds the process that holds the forwarders, or starts it, and mends it.

What there should be is known here. A process that ended took its connections with it; the next one
is told everything anew, at the ports that the proxy knows.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress

from ..errors import UserError
from .folder import Folder
from .link import Link, meet
from .messages import GENERATION, Answer, Close, Look, Name, Open

log = logging.getLogger(__name__)

START_SECONDS = 30.0
END_SECONDS = 5.0
LOOK_SECONDS = 0.05
PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0


class NoProcess(Exception):
    """There is none, and none can be had; the words say why."""


class Keeper:
    """Every way that there should be, and the process that is to hold them."""

    def __init__(self, folder: Folder, *, starts: bool):
        self._folder = folder
        self._starts = starts
        self._wanted: dict[Name, Open] = {}
        self._unsaid: set[Name] = set()
        self._link: Link | None = None
        self._linked = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self._started: subprocess.Popen[bytes] | None = None

    # -- what the spawners ask for -------------------------------------------------------------

    async def open(self, asked: Open) -> int:
        """Lead to a server; the port. It waits for as long as there is no process to do it."""
        known = self._wanted.get(asked.name)
        if known and known.port and known.same_as(asked):
            return known.port
        # At no port yet, so that nobody else opens it anew.
        opening = self._wanted[asked.name] = asked.at(0)
        answer = await self._ask(asked)
        if answer.problem:
            raise UserError(
                "The hub could not open its end of the way to this server.",
                "Tell your help desk.",
                detail=answer.problem,
                status=500,
            )
        if self._wanted.get(asked.name) is opening:
            self._wanted[asked.name] = asked.at(answer.port)
        elif asked.name not in self._wanted:
            # It was closed while it was opened.
            self.close(asked.name)
        return answer.port

    def close(self, name: Name) -> None:
        """Lead there no more. The process hears it now, or when it is found again."""
        self._wanted.pop(name, None)
        self._begin()
        if self._link:
            self._link.tell(Close(name=name))
        else:
            self._unsaid.add(name)

    async def answers(self, name: Name) -> bool:
        """Whether the server is there, and has proved to be the one."""
        return (await self._ask(Look(name=name))).there

    async def leave(self) -> None:
        """As a hub that ends does: the ways stay as they are."""
        if self._keeping:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
            self._keeping = None

    async def _ask(self, asked: Open | Look) -> Answer:
        self._begin()
        while True:
            await self._linked.wait()
            assert self._link
            with suppress(ConnectionError):
                return await self._link.ask(asked)

    # -- the process ---------------------------------------------------------------------------

    def _begin(self) -> None:
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        pause = PAUSE_SECONDS
        while True:
            try:
                link = await self._find()
                pause = PAUSE_SECONDS
                await self._attend(link)
                log.error("The process that leads to servers has ended, and their connections.")
            except (OSError, ValueError, NoProcess) as error:
                log.error("There is no way to servers: %s", str(error) or type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _attend(self, link: Link) -> None:
        """For as long as the process is there."""
        # Before anything else is asked for, which may have the same name.
        while self._unsaid:
            link.tell(Close(name=self._unsaid.pop()))
        self._link = link
        self._linked.set()
        setting = asyncio.create_task(self._set_anew(link))
        try:
            await link.listen()
        finally:
            setting.cancel()
            self._link = None
            self._linked.clear()
            link.close()

    async def _set_anew(self, link: Link) -> None:
        """Where the proxy knows them. What has such a port now will not have it for long: it is
        some program's end of a connection."""
        left = [name for name, asked in self._wanted.items() if asked.port]
        while left:
            left = [name for name in left if not await self._is_back(link, name)]
            await asyncio.sleep(PAUSE_SECONDS)

    async def _is_back(self, link: Link, name: Name) -> bool:
        asked = self._wanted.get(name)
        if asked is None:
            return True
        answer = await link.ask(asked.at(asked.port, elsewhere=False))
        return not answer.problem or self._wanted.get(name) is not asked

    async def _find(self) -> Link:
        """The process that is there if it speaks as we do; else a new one."""
        self._folder.make()
        link = await meet(self._folder)
        if link and link.generation != GENERATION:
            await self._end(link)
            link = None
        if link:
            return link
        if not self._starts:
            raise NoProcess(
                f"nothing answers at {self._folder.socket}, and c.Site.hop_start is off"
            )
        return await self._start()

    async def _start(self) -> Link:
        self._started = started = await asyncio.to_thread(self._popen)
        async with asyncio.timeout(START_SECONDS):
            while True:
                if link := await meet(self._folder):
                    return link
                if started.poll() is not None:
                    raise NoProcess(f"it ended as it began; its words are in {self._folder.log}")
                await asyncio.sleep(LOOK_SECONDS)

    def _popen(self) -> subprocess.Popen[bytes]:
        """In a session of its own: what ends the hub is not meant for it."""
        log_file = self._folder.fresh_log()
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "hpcbinderhub.hop", str(self._folder.path)],
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(log_file)

    async def _end(self, link: Link) -> None:
        """One of another generation. systemd starts the next if it has this one."""
        log.warning("The process that leads to servers is of another version, and is replaced.")
        for number in (signal.SIGTERM, signal.SIGKILL):
            if link.pid > 0:
                with suppress(ProcessLookupError):
                    os.kill(link.pid, number)
            with suppress(TimeoutError):
                async with asyncio.timeout(END_SECONDS):
                    return await link.listen()
        raise NoProcess(f"process {link.pid}, which is of another version, does not end")
