"""From a request to a plane: read, scale, pack."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np

from ..work import Work
from . import surveys
from .codes import to_codes
from .fitting import TOPS, fit
from .packing import pack
from .part import Part, resolve
from .request import Limits, PlaneRequest
from .scale import Scale, scale_of
from .selection import Selection, plan
from .source import Array, Source
from .spread import Spread, spread
from .wire import Plane

COPIES = 3
"""Beside what was read, a plane is held as codes, filtered codes, and packed."""


def render(reader: Source, request: PlaneRequest, work: Work) -> Plane:
    """The plane that is asked for, as codes or exact values."""
    selection = plan(request, reader.shape)
    part = resolve(reader.dtype, request.part)
    # Before anything is read: what changes from now on has another tag the next time.
    tag = etag(reader, request)
    rows, columns = selection.shape
    work.claim(rows * columns * COPIES * (request.bits // 8 or part.stored.itemsize))
    values = part.of(reader.read(selection.key, work))
    work.check()
    seen = spread(values, request.missing)
    header: dict[str, Any] = {
        "shape": [rows, columns],
        "part": part.name,
        "stored": part.stored.str,
        "window": list(selection.window),
        "range": None if seen.low is None else [seen.low, seen.high],
        "finite": seen.finite,
        "etag": tag,
    }
    # Of exact values, too: whoever colours them needs to know from where to where.
    scale = _scale(reader, request, values, seen, work)
    if request.bits == 0:
        about, body = _exact(values, selection, request.limit, part)
    else:
        about, body = _coded(values, selection, request, scale, seen, work)
    # Asked last, so that a writer who came meanwhile is seen.
    about["verified"] = reader.verified
    return Plane({**header, **scale.header(), **about}, body)


def etag(reader: Source, request: PlaneRequest) -> str:
    """Of this picture of the plane: another one of the same values has another tag."""
    selection = plan(request, reader.shape)
    picture = repr((request, reader.shape))
    if request.domain == "dataset":
        # It becomes another picture while more of the data set is known.
        picture += repr(surveys.known(reader, request))
    digest = blake2b(picture.encode(), digest_size=8).hexdigest()
    return f"{reader.etag(selection.key)}-{digest}"


def _exact(
    values: Array, selection: Selection, limit: int, part: Part
) -> tuple[dict[str, Any], bytes]:
    arranged = selection.arrange(values)
    arranged = arranged.astype(arranged.dtype.newbyteorder("<"), copy=False)
    packed = pack(arranged, limit)
    longer = part.stored.kind == "f" and part.stored.itemsize > 8
    about = {
        "type": arranged.dtype.str[1:],
        "codes": False,
        "bits": 0,
        "filter": packed.filter,
        "codec": packed.codec,
        "step": selection.step,
        # Nothing in a browser has the precision of a long double.
        "exact": selection.step == 1 and not longer,
    }
    return about, packed.payload


def _coded(
    values: Array,
    selection: Selection,
    request: PlaneRequest,
    scale: Scale,
    seen: Spread,
    work: Work,
) -> tuple[dict[str, Any], bytes]:
    def encode(top: int) -> Array:
        # Computed in the order of memory; what is turned around in the end is a byte per value.
        codes = to_codes(values, scale, top, seen.absent)
        return np.ascontiguousarray(selection.arrange(codes))

    fitted = fit(encode, request.bits, request.limit, work)
    step = selection.step * fitted.every
    about = {
        "shape": list(fitted.codes.shape),
        "type": "u1" if fitted.bits == 8 else "u2",
        "codes": True,
        "bits": fitted.bits,
        "levels": fitted.levels,
        "filter": fitted.packed.filter,
        "codec": fitted.packed.codec,
        "step": step,
        "exact": step == 1 and fitted.levels == TOPS[request.bits] and not scale.estimate,
    }
    return about, fitted.packed.payload


def _scale(reader: Source, request: PlaneRequest, values: Array, seen: Spread, work: Work) -> Scale:
    dataset: Limits | None = None
    estimate = False
    if request.domain == "dataset":
        dataset, estimate = surveys.domain(reader, request, seen, work)
    return scale_of(request, values, seen, dataset, estimate)
