"""Which images go when the store is full or old."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hpcbinderhub.store.plan import StoredImage, removable

NEVER = float("-inf")
times = st.floats(0, 1000)
images = st.lists(
    st.builds(
        StoredImage,
        key=st.text("abcdef0123456789", min_size=4, max_size=4),
        artefact=st.just("a"),
        size=st.integers(0, 100),
        made=times,
        last_launch=st.none() | times,
        pinned_by=st.none() | st.just("carol"),
        in_use=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda image: image.key,
)


def image(key: str, size: int = 10, **more: object) -> StoredImage:
    plain = StoredImage(key, key, size, 0.0, None, None, False)
    return replace(plain, **more)  # type: ignore[arg-type]


def gone(*stored: StoredImage, limit: int = 0, wanted_before: float = NEVER) -> list[str]:
    return [one.key for one in removable(stored, limit=limit, wanted_before=wanted_before)]


def test_without_limits_everything_stays() -> None:
    assert gone(image("a"), image("b", size=10**15)) == []


def test_the_least_recently_launched_goes_first() -> None:
    stored = (image("new", last_launch=9.0), image("old", last_launch=1.0), image("unused", made=5))
    assert gone(*stored, limit=20) == ["old"]
    assert gone(*stored, limit=15) == ["old", "unused"]


def test_what_nobody_wanted_for_long_goes_however_small() -> None:
    stored = (image("new", last_launch=9.0), image("old", made=8, last_launch=1.0))
    assert gone(*stored, wanted_before=5.0) == ["old"]


def test_pins_and_users_keep_what_is_too_much() -> None:
    stored = (image("pinned", pinned_by="carol"), image("used", in_use=True), image("free"))
    assert gone(*stored, limit=1, wanted_before=100.0) == ["free"]


@given(images, st.integers(0, 500), times)
def test_what_always_holds(stored: list[StoredImage], limit: int, before: float) -> None:
    removed = list(removable(stored, limit=limit, wanted_before=before))
    left = [one for one in stored if one not in removed]
    free = [one for one in left if one.pinned_by is None and not one.in_use]

    assert not [one for one in removed if one.pinned_by or one.in_use]
    # The order is that of the last launch, and nothing is passed over.
    wanted = [one.last_wanted for one in removed]
    assert wanted == sorted(wanted)
    assert not free or not wanted or wanted[-1] <= min(one.last_wanted for one in free)
    # Enough goes: both limits hold, or nothing is left that could go.
    assert not free or not limit or sum(one.size for one in left) <= limit
    assert not [one for one in free if one.last_wanted < before]
    # And no more than that: each was too old, or too much while it was there.
    for number, one in enumerate(removed):
        still = sum(other.size for other in stored) - sum(r.size for r in removed[:number])
        assert one.last_wanted < before or still > limit > 0


@given(images, st.integers(1, 500))
def test_a_second_collection_finds_nothing_to_do(stored: list[StoredImage], limit: int) -> None:
    removed = list(removable(stored, limit=limit, wanted_before=NEVER))
    left = [one for one in stored if one not in removed]
    assert list(removable(left, limit=limit, wanted_before=NEVER)) == []
