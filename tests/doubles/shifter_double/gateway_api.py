"""The gateway's answers, apart from HTTP: one method per line of the table in contract 4."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .gateway_config import GatewayConfig
from .gateway_pull import Worker
from .gateway_records import READY, Record, Records


class ApiError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, error: str = "") -> None:
        super().__init__(error)
        self.status, self.error = status, error


@dataclass(frozen=True)
class Session:
    """Who asks; anonymous without a credential."""

    user: str = ""
    uid: int | None = None
    gid: int | None = None
    payload: str = ""


@dataclass(frozen=True)
class Target:
    """SYS/TYPE/TAG of a request."""

    system: str
    itype: str
    tag: str


class Api:
    """What the gateway does with a request that has been understood."""

    def __init__(self, config: GatewayConfig, records: Records, worker: Worker) -> None:
        self._config, self._records, self._worker = config, records, worker
        threads = int(config.values.get("WorkerThreads", 1))
        self._slots = threading.BoundedSemaphore(threads)

    def lookup(self, session: Session, target: Target) -> dict[str, Any]:
        record = self._readable(session, target)
        if record is None:
            raise ApiError(404, "image not found")
        self._records.renew(record, self._config.expiration_seconds)
        return record.reply()

    def pull(self, session: Session, target: Target, body: str) -> dict[str, Any]:
        asked = _asked_acl(session, body)
        wanted = Record(target.system, target.itype, [target.tag], asked_acl=asked)
        wanted.userACL, wanted.groupACL = list(asked[0]), list(asked[1])
        logins = (
            json.loads(session.payload).get("authorized_locations", {}) if session.payload else {}
        )
        return self._start(wanted, lambda record: self._worker.pull(record, logins))

    def doimport(self, session: Session, target: Target, body: str) -> dict[str, Any]:
        if not self._config.may_import(session.user):
            raise ApiError(500)
        request = json.loads(body)
        if request["format"] != "squashfs":
            raise ApiError(500)
        source = Path(request["filepath"])
        wanted = Record(target.system, target.itype, [target.tag])
        return self._start(
            wanted, lambda record: self._worker.take_in(record, source, session.user)
        )

    def list(self, session: Session, system: str) -> dict[str, Any]:
        ready = [r for r in self._records.of_system(system) if r.status == READY]
        if session.uid is None and any(record.has_acl for record in ready):
            # Contract 4: an anonymous list breaks as soon as an ACL image exists.
            raise ApiError(500)
        return {"list": [r.reply() for r in ready if r.readable_by(session.uid, session.gid)]}

    def queue(self, system: str) -> dict[str, Any]:
        waiting = (r for r in self._records.of_system(system) if r.status not in (READY, "EXPIRED"))
        return {"list": [{"status": r.status, "image": r.tag[0]} for r in waiting]}

    def expire(self, session: Session, target: Target) -> dict[str, Any]:
        record = self._records.ready(target.system, target.itype, target.tag)
        if record is None:
            return {"status": None}
        if not self._config.is_admin(target.system, session.user):
            return {"status": False}
        self._remove(record)
        return {"status": True}

    def autoexpire(self, session: Session, system: str) -> dict[str, Any]:
        if not self._config.is_admin(system, session.user):
            return {"status": False}
        overdue = self._records.overdue(system)
        for record in overdue:
            self._remove(record)
        return {"status": [record.id for record in overdue]}

    def _readable(self, session: Session, target: Target) -> Record | None:
        record = self._records.ready(target.system, target.itype, target.tag)
        return record if record and record.readable_by(session.uid, session.gid) else None

    def _start(self, wanted: Record, job: Callable[[Record], None]) -> dict[str, Any]:
        record, started = self._records.begin(wanted)
        reply = record.reply()
        if started:
            threading.Thread(target=self._in_turn, args=(job, record), daemon=True).start()
        return reply

    def _in_turn(self, job: Callable[[Record], None], record: Record) -> None:
        with self._slots:
            job(record)

    def _remove(self, record: Record) -> None:
        self._records.expire(record)
        images = self._config.image_dir(record.system)
        for name in (f"{record.id}.meta", f"{record.id}.squashfs"):
            (images / name).unlink(missing_ok=True)


def _asked_acl(session: Session, body: str) -> tuple[list[int], list[int]]:
    """Read allowed_uids and allowed_gids; the puller's own are added (contract 4, ACL)."""
    request: dict[str, str] = json.loads(body) if body else {}

    def wanted(key: str, own: int | None) -> list[int]:
        numbers = {int(word) for word in request.get(key, "").split(",") if word}
        return sorted(numbers | {own} if numbers and own is not None else numbers)

    return wanted("allowed_uids", session.uid), wanted("allowed_gids", session.gid)
