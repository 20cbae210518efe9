"""What builds made, in the database: as much as it takes to make it again."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from ..images.bills.model import Bill
from ..tables import bills


@dataclass(frozen=True)
class Recorded:
    """A bill, and the artefact that it is of."""

    bill: Bill
    artefact: str


def put_bill(connection: Connection, build: str, artefact: str, bill: Bill) -> None:
    """Keep the bill of a build."""
    packed = zlib.compress(bill.model_dump_json(exclude_defaults=True).encode())
    connection.execute(delete(bills).where(bills.c.build == build))
    connection.execute(insert(bills).values(build=build, artefact=artefact, bill=packed))


def find_bill(connection: Connection, build: str) -> Recorded | None:
    """The bill of a build, if it made something since bills are kept."""
    row = connection.execute(select(bills).where(bills.c.build == build)).first()
    if row is None:
        return None
    return Recorded(Bill.model_validate_json(zlib.decompress(row.bill)), row.artefact)
