"""`shifterimg [opts] MODE [REF]` (contract 3)."""

import getpass
import grp
import json
import os
import pwd
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .client import GatewayClient, NoAnswer, Reply
from .config import Config, load_config
from .credentials import store_login
from .errors import DoubleError, UsageError
from .getopt_long import Option, Syntax, Takes, parse
from .reference import Reference, parse_reference

USAGE = """
Usage:
shifterimg [options] <mode> <image reference>

Mode: images, lookup, pull, or login
    images: list images
    lookup: print the id of an image
    pull: ask the gateway for an image and wait
    login: store a login for a registry

Options:
  -h, --help           this text
  -v, --verbose        show the gateway's answers
  -u, --user=LIST      users who may read the image
  -g, --group=LIST     groups that may read the image
"""

IN_PROGRESS = (
    "MISSING", "INIT", "PENDING", "PULLING", "EXAMINATION", "CONVERSION", "TRANSFER"
)  # fmt: skip
POLL_SECONDS = 0.5
HELP = Option("help", Takes.NOTHING)
VERBOSE = Option("verbose", Takes.NOTHING)
# Contract 3: the help shows -u and -g, but they do not exist.
SYNTAX = Syntax(
    "shifterimg",
    long={
        "help": HELP,
        "verbose": VERBOSE,
        "user": Option("user", Takes.REQUIRED),
        "group": Option("group", Takes.REQUIRED),
    },
    short={"h": HELP, "v": VERBOSE},
)


@dataclass
class Session:
    """One run of the program."""

    config: Config
    verbose: bool = False
    acl: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = GatewayClient(self.config)

    def ask(self, question: Callable[[], Reply]) -> Reply:
        """Ask, and show what the real client shows of dead gateways and, with -v, of answers."""
        reply = question()
        for complaint in self.client.complaints:
            print(complaint)
        if self.verbose:
            if reply.status == 200:
                print(f"Message: {reply.body}")
            else:
                print(f"Got response: {reply.status}\nMessage: {reply.body}")
        return reply


def main(argv: Sequence[str]) -> int:
    """Run the program and return its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        config = load_config()
        options, words = parse(SYNTAX, argv)
        if ("help", None) in options:
            print(USAGE)
            return 0
        return _dispatch(_session(config, options), words)
    except UsageError as error:
        print(error, file=sys.stderr)
        print(USAGE)
    except DoubleError as error:
        print(error, file=sys.stderr)
    except NoAnswer as error:
        # Contract 3: on stdout, where one would look for an id.
        print(error)
    return 1


def _session(config: Config, options: list[tuple[str, str | None]]) -> Session:
    session = Session(config, verbose=("verbose", None) in options)
    for name, value in options:
        if name == "user":
            session.acl["allowed_uids"] = numbers(value or "", lambda n: pwd.getpwnam(n).pw_uid)
        elif name == "group":
            session.acl["allowed_gids"] = numbers(value or "", lambda n: grp.getgrnam(n).gr_gid)
    return session


def numbers(names: str, number_of: Callable[[str], int]) -> str:
    """Turn names into numbers; unknown names and 0 are silently dropped (contract 3)."""
    found: list[str] = []
    for name in names.split(","):
        try:
            number = int(name) if name.isdigit() else number_of(name)
        except KeyError:
            continue
        if number:
            found.append(str(number))
    return ",".join(found)


def _dispatch(session: Session, words: list[str]) -> int:
    if not words:
        raise UsageError("Must specify mode (images, lookup, pull)!")
    mode, *rest = words
    match mode:
        case "images":
            return _images(session)
        case "login":
            return _login(session, rest[0] if rest else "default")
        case "autoexpire":
            return 0 if session.ask(session.client.autoexpire).status == 200 else 1
    on_image = {"lookup": _lookup, "pull": _pull, "pullnb": _pull_once, "expire": _expire}
    if mode not in on_image:
        raise UsageError("Invalid mode specified")
    image = parse_reference(rest[0], session.config.default_type) if rest else None
    if image is None:
        raise UsageError("Missing an argument!")
    return on_image[mode](session, image)


def _lookup(session: Session, image: Reference) -> int:
    reply = session.ask(lambda: session.client.lookup(image))
    if reply.status != 200:
        return 1
    if reply.json is not None:
        print(_needed(reply.json, "id"))
    return 0


def _pull(session: Session, image: Reference) -> int:
    """Poll by asking for the same pull again; even FAILURE ends with 0 (contract 3)."""
    while True:
        status = _pull_status(session, image)
        if status is None:
            return 1
        if status not in IN_PROGRESS:
            print()
            return 0
        time.sleep(POLL_SECONDS)


def _pull_once(session: Session, image: Reference) -> int:
    status = _pull_status(session, image)
    if status is None:
        return 1
    if status in IN_PROGRESS:
        return 0
    print()
    return 1


def _pull_status(session: Session, image: Reference) -> str | None:
    body = json.dumps(session.acl) if session.acl else ""
    reply = session.ask(lambda: session.client.pull(image, body))
    if reply.status != 200:
        return None
    if reply.json is None:
        # Contract 3: a reply it cannot use ends the program with 0 and no output.
        sys.stdout.flush()
        os._exit(0)
    status = str(_needed(reply.json, "status"))
    begin = "\n" if session.verbose else "\r\x1b[2K"
    now = time.strftime("%Y-%m-%dT%H:%M:%S")
    print(f"{begin}{now} Pulling Image: {image}, status: {status}", end="", flush=True)
    return status


def _images(session: Session) -> int:
    reply = session.ask(session.client.images)
    if reply.status != 200:
        return 1
    found = (reply.json or {}).get("list") or (reply.json or {}).get("data") or []
    rows = [(tag, record) for record in found for tag in _tags(record)]
    for tag, record in sorted(rows, key=lambda row: row[0]):
        print(image_line(tag, record))
    return 0


def image_line(tag: str, record: dict[str, Any]) -> str:
    """One line of `images`; a last_pull that is no float shows 1970 (contract 3)."""
    pulled = record.get("last_pull")
    when = time.localtime(pulled if isinstance(pulled, float) else 0)
    system, itype, status, image_id = (
        record.get(key, "") for key in ("system", "itype", "status", "id")
    )
    date = time.strftime("%Y-%m-%dT%H:%M:%S", when)
    return f"{system:<10} {itype:<10} {status:<8} {image_id:.10}   {date} {tag:<30}"


def _tags(record: dict[str, Any]) -> list[str]:
    tag = record.get("tag", [])
    return [tag] if isinstance(tag, str) else [str(one) for one in tag]


def _expire(session: Session, image: Reference) -> int:
    reply = session.ask(lambda: session.client.expire(image))
    return 0 if reply.status == 200 else 1


def _login(session: Session, location: str) -> int:
    """Ask for a login and keep it; it is never checked."""
    user = _prompt(f"{location} username: ")
    password = _prompt(f"{location} password: ", hidden=True)
    if not store_login(session.config.system, location, user, password):
        print("The login was not kept: there is no munge to seal it with.", file=sys.stderr)
    return 0


def _prompt(text: str, hidden: bool = False) -> str:
    """Ask on the terminal, wherever stdin comes from; without a terminal, read stdin."""
    try:
        with open("/dev/tty", encoding="utf-8") as terminal:
            if hidden:
                return getpass.getpass(text)
            print(text, end="", file=sys.stderr, flush=True)
            return terminal.readline().strip()
    except OSError:
        print(text, end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip()


def _needed(reply: dict[str, Any], key: str) -> Any:
    if key not in reply:
        # Contract 3: the real client does not survive this reply either.
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGSEGV)
    return reply[key]
