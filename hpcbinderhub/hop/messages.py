"""What the hub and the process that holds its forwarders say to each other: a line of JSON each.

The process speaks first and says which generation of these messages it knows. A hub of another
generation ends it and starts its own, so nothing here needs to understand what was said before.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from ..slurm.transport.configured import SSHAccess
from .keys import HopKeys
from .routes import Target

GENERATION = 1
"""Raised by whoever changes what stands below, or what the process does with it."""

LINE_BYTES = 2**18


class Name(NamedTuple):
    """One server of one user: there is one way to it."""

    user: str
    server: str


class Message(BaseModel):
    """Anything that is said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def line(self) -> bytes:
        """As it is sent."""
        return self.model_dump_json().encode() + b"\n"


class Greeting(Message):
    """The process, to each hub that comes."""

    generation: int


class Open(Message):
    """Lead to this server, from `port` if that is free. If it is done already, it goes on."""

    op: Literal["open"] = "open"
    name: Name
    target: Target
    keys: HopKeys
    access: SSHAccess | None
    """How nodes are reached through the login nodes; None where they are reached straight."""

    proxy: int | None
    """The uid that the proxy has, if it is not the hub's."""

    address: str
    port: int = 0
    elsewhere: bool = True
    """Whether another port will do if that one is taken."""

    def at(self, port: int, *, elsewhere: bool = True) -> Open:
        """The same, from this port."""
        return self.model_copy(update={"port": port, "elsewhere": elsewhere})

    def same_as(self, other: Open) -> bool:
        """Whether both lead to the same, from whatever port."""
        return self.at(0) == other.at(0)


class Close(Message):
    """Lead there no more. There is no answer."""

    op: Literal["close"] = "close"
    name: Name


class Look(Message):
    """Tell whether the server is there, and is the one that it should be."""

    op: Literal["look"] = "look"
    name: Name


class Request(Message):
    """The hub, as often as it likes."""

    number: int
    asked: Annotated[Open | Close | Look, Field(discriminator="op")]


class Answer(Message):
    """The process, to the request of that number."""

    number: int
    port: int = 0
    there: bool = False
    problem: str = ""
    """Why it could not be done."""
