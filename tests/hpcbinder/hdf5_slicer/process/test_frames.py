"""Frames arrive whole, whatever pieces the kernel makes of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcbinder.slicer.process.frames import LENGTHS, Broken, Incoming, pack


def feed(
    incoming: Incoming, data: bytes, sizes: list[int]
) -> list[tuple[dict[str, object], bytes]]:
    frames, at, turn = [], 0, 0
    while at < len(data):
        space = incoming.space()
        take = min(len(space), sizes[turn % len(sizes)], len(data) - at)
        space[:take] = data[at : at + take]
        at, turn = at + take, turn + 1
        frame = incoming.arrived(take)
        if frame is not None:
            frames.append((frame[0], bytes(frame[1])))
    return frames


@given(
    st.lists(st.tuples(st.dictionaries(st.text(), st.integers()), st.binary(max_size=200))),
    st.lists(st.integers(1, 64), min_size=1),
)
def test_any_frames_in_any_pieces(
    sent: list[tuple[dict[str, int], bytes]], sizes: list[int]
) -> None:
    data = b"".join(pack(header, len(body)) + body for header, body in sent)
    assert feed(Incoming(1000), data, sizes) == sent


def test_a_length_beyond_all_bounds_is_no_frame() -> None:
    for lengths in ((0, 0), (1 << 31, 0), (2, 1001)):
        with pytest.raises(Broken):
            feed(Incoming(1000), LENGTHS.pack(*lengths) + json.dumps({}).encode(), [64])
