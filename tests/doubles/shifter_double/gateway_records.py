"""The gateway's records, in a JSON file, and their rules of time and access (contract 4)."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

READY, FAILURE, INIT = "READY", "FAILURE", "INIT"
EXPIRING, EXPIRED = "EXPIRING", "EXPIRED"
FINAL = (READY, FAILURE, EXPIRING, EXPIRED)
ACL_UPDATE_SECONDS = 10.0
DEAD_WORKER_SECONDS = 3600.0
MISSING = "MISSING"

Clock = Callable[[], float]


@dataclass
class Record:
    """One image, or one attempt to get it."""

    system: str
    itype: str
    tag: list[str]
    status: str = INIT
    id: str = ""
    userACL: list[int] = field(default_factory=list)
    groupACL: list[int] = field(default_factory=list)
    ENV: list[str] = field(default_factory=list)
    ENTRY: list[str] = field(default_factory=list)
    WORKDIR: str = ""
    last_pull: float = 0.0
    status_message: str = ""
    expiration: float = 0.0
    asked_acl: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))

    @property
    def has_acl(self) -> bool:
        return bool(self.userACL or self.groupACL)

    def readable_by(self, uid: int | None, gid: int | None) -> bool:
        return not self.has_acl or uid in self.userACL or gid in self.groupACL

    def reply(self) -> dict[str, Any]:
        """As it goes over the wire; absent values hold the string MISSING."""
        shown = [
            "id",
            "system",
            "itype",
            "tag",
            "status",
            "userACL",
            "groupACL",
            "ENV",
            "ENTRY",
            "WORKDIR",
            "last_pull",
            "status_message",
        ]
        values = {name: getattr(self, name) or MISSING for name in shown}
        return {**values, "LABELS": MISSING}


class Records:
    """All records, guarded by one lock and written to a file at each change."""

    def __init__(
        self, path: Path, pull_update_seconds: float = 300.0, clock: Clock = time.time
    ) -> None:
        self._path, self._clock = path, clock
        self._pull_update_seconds = pull_update_seconds
        self._lock = threading.RLock()
        stored = json.loads(path.read_text()) if path.exists() else []
        self._all = [Record(**values) for values in stored]

    def matching(self, system: str, itype: str, tag: str) -> list[Record]:
        with self._lock:
            return [r for r in self._all if (r.system, r.itype) == (system, itype) and tag in r.tag]

    def of_system(self, system: str) -> list[Record]:
        with self._lock:
            return [record for record in self._all if record.system == system]

    def ready(self, system: str, itype: str, tag: str) -> Record | None:
        """Lookup: during a re-pull the old image is still served."""
        return _first(r for r in self.matching(system, itype, tag) if r.status == READY)

    def current(self, wanted: Record) -> Record | None:
        """The record that answers a pull, None if a new pull is due (contract 4, Timing rules)."""
        now = self._clock()
        found = self.matching(wanted.system, wanted.itype, wanted.tag[0])
        for record in found:
            age = now - record.last_pull
            if record.status not in FINAL and age < DEAD_WORKER_SECONDS:
                return record
            if record.status == FAILURE and age < self._pull_update_seconds:
                return record
        ready = _first(record for record in found if record.status == READY)
        if ready is None:
            return None
        same_acl = list(ready.asked_acl) == list(wanted.asked_acl)
        limit = self._pull_update_seconds if same_acl else ACL_UPDATE_SECONDS
        return ready if now - ready.last_pull < limit else None

    def begin(self, wanted: Record) -> tuple[Record, bool]:
        """Join the pull that is under way or answers already, else start one; say if it started."""
        with self._lock:
            current = self.current(wanted)
            if current is not None:
                return current, False
            stale = self.matching(wanted.system, wanted.itype, wanted.tag[0])
            self._all = [r for r in self._all if r.status == READY or r not in stale]
            wanted.last_pull = self._clock()
            self._all.append(wanted)
            self.save()
            return wanted, True

    def advance(self, record: Record, status: str, message: str) -> None:
        """Note a step of a pull; it is the worker's heartbeat too."""
        with self._lock:
            record.status, record.status_message = status, message
            record.last_pull = self._clock()
            self.save()

    def fail(self, record: Record) -> None:
        self.advance(record, FAILURE, FAILURE)

    def finish(self, record: Record, lifetime: float) -> None:
        """Make a record READY; one id has one record with several tags (contract 1)."""
        with self._lock:
            tag = record.tag[0]
            same = (record.system, record.itype)
            for other in list(self._all):
                if other is record or (other.system, other.itype) != same:
                    continue
                if other.status == READY and other.id == record.id:
                    record.tag += [t for t in other.tag if t not in record.tag]
                    self._all.remove(other)
                elif tag in other.tag:
                    other.tag.remove(tag)
            self._all = [r for r in self._all if r.tag]
            record.status, record.last_pull = READY, self._clock()
            record.expiration = self._clock() + lifetime
            self.save()

    def renew(self, record: Record, lifetime: float) -> None:
        with self._lock:
            record.expiration = self._clock() + lifetime
            self.save()

    def expire(self, record: Record) -> None:
        with self._lock:
            record.status = EXPIRED
            self.save()

    def overdue(self, system: str) -> list[Record]:
        now = self._clock()
        ready = (r for r in self.of_system(system) if r.status == READY)
        return [record for record in ready if record.expiration < now]

    def save(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(record) for record in self._all], indent=1))
        os.replace(fresh, self._path)


def _first(records: Iterable[Record]) -> Record | None:
    return next(iter(records), None)
