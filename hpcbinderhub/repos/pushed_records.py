"""What was pushed, as records. Each function is one transaction."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from ..tables import pushed
from .spec import RepoSpec
from .spec import pushed as pushed_spec


@dataclass(frozen=True)
class PushedRepository:
    """A name of one user's, and what she pushed under it last."""

    owner: str
    name: str
    commit: str
    shared: bool
    size: int
    """Bytes that it takes up here, with all that was pushed under this name."""
    pushed: float
    used: float
    """When it was last launched, or else pushed."""

    @property
    def spec(self) -> RepoSpec:
        """What a link to it says."""
        return pushed_spec(self.owner, self.name, self.commit)

    @property
    def reader(self) -> str | None:
        """Who alone may read it; None for everybody."""
        return None if self.shared else self.owner


def of_user(connection: Connection, owner: str) -> list[PushedRepository]:
    """Those of a user, by name."""
    mine = select(pushed).where(pushed.c.owner == owner).order_by(pushed.c.name)
    return [PushedRepository(**row._mapping) for row in connection.execute(mine)]


def total(connection: Connection, owner: str) -> int:
    """Bytes that a user's take up."""
    sizes = select(func.sum(pushed.c.size)).where(pushed.c.owner == owner)
    return int(connection.execute(sizes).scalar() or 0)


def find(connection: Connection, owner: str, name: str) -> PushedRepository | None:
    """The one of this name."""
    one = select(pushed).where(pushed.c.owner == owner, pushed.c.name == name)
    row = connection.execute(one).first()
    return PushedRepository(**row._mapping) if row else None


def put(connection: Connection, repository: PushedRepository) -> None:
    """Note it, in the place of one with its name."""
    remove(connection, repository.owner, repository.name)
    connection.execute(insert(pushed).values(asdict(repository)))


def use(connection: Connection, owner: str, name: str, now: float) -> None:
    """Note that it is launched."""
    one = (pushed.c.owner == owner, pushed.c.name == name)
    connection.execute(update(pushed).where(*one).values(used=now))


def remove(connection: Connection, owner: str, name: str) -> bool:
    """Forget it; False if there is none."""
    one = (pushed.c.owner == owner, pushed.c.name == name)
    return bool(connection.execute(delete(pushed).where(*one)).rowcount)


def unused_since(connection: Connection, moment: float) -> list[tuple[str, str]]:
    """Owner and name of each that nobody has launched since."""
    old = select(pushed.c.owner, pushed.c.name).where(pushed.c.used < moment)
    return [(row.owner, row.name) for row in connection.execute(old)]
