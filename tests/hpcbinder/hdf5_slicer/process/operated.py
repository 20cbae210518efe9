"""A reading process whose operations are made for these tests; all else of it is real."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from hpcbinder.slicer import answers
from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.process.answer import Answer, told
from hpcbinder.slicer.process.settings import Settings
from hpcbinder.slicer.process.table import Operation, Operations, Tell
from hpcbinder.slicer.work import Work

Arguments = dict[str, str]


def echo(arguments: Arguments, work: Work) -> Answer:
    return told(
        {
            "said": arguments["say"],
            "pid": os.getpid(),
            "nice": os.getpriority(os.PRIO_PROCESS, threading.get_native_id()),
        }
    )


def much(arguments: Arguments, work: Work) -> Answer:
    return Answer(bytes(int(arguments["bytes"])), "application/octet-stream")


def slow(arguments: Arguments, work: Work) -> Answer:
    """Looks whether anybody waits, as what reads chunks does."""
    note = Path(arguments.get("note", os.devnull))
    note.write_text("begun")
    try:
        while True:
            work.check()
            time.sleep(0.005)
    finally:
        note.write_text("ended")


def stuck(arguments: Arguments, work: Work) -> Answer:
    while True:
        time.sleep(3600)


def many(arguments: Arguments, work: Work) -> Answer:
    def parts() -> Iterator[bytes]:
        for number in range(int(arguments["parts"])):
            with open(arguments["note"], "w") as note:
                note.write(str(number))
            yield bytes([number]) * 1000

    return Answer(type="text/csv", parts=parts())


def long(arguments: Arguments, work: Work) -> Answer:
    return Answer(parts=iter([bytes(int(arguments["bytes"]))]))


def die(arguments: Arguments, work: Work) -> Answer:
    os.kill(os.getpid(), getattr(signal, arguments["signal"]))
    time.sleep(3600)
    raise AssertionError


def refuse(arguments: Arguments, work: Work) -> Answer:
    raise Refusal(403, "No.", "Ask for another.", "outside")


def fail(arguments: Arguments, work: Work) -> Answer:
    raise ZeroDivisionError("of ours")


def hoard(arguments: Arguments, work: Work) -> Answer:
    return Answer(bytes(bytearray(4 << 30)))


def tick(arguments: Arguments, work: Work, tell: Tell) -> None:
    for number in range(int(arguments["times"])):
        tell(told({"tick": number}))
        work.pause(0.01)
    raise Refusal(410, "It ticks no more.")


MADE: dict[str, Operation] = {
    "echo": echo, "much": much, "slow": slow, "stuck": stuck, "many": many, "long": long,
    "die": die, "refuse": refuse, "fail": fail, "hoard": hoard,
}  # fmt: skip


def operations(settings: Settings) -> Operations:
    return Operations(MADE, {"tick": tick})


if __name__ == "__main__":
    from hpcbinder.slicer.process.main import run

    answers.operations = operations
    sys.argv = sys.argv[-3:]
    run()
