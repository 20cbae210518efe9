"""What is taken away as a file holds exactly the values, or the picture, that were there."""

from __future__ import annotations

import csv
import io
import json
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from doubles.reader_in_memory import ReaderInMemory, work
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.exporting import export
from hpcbinder.slicer.planes import parse, render, wire

NUMBERS = ["f2", ">f4", "f8", "i1", "u2", ">i4", "u8", "?"]
SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)
PLANES = st.sampled_from(NUMBERS).flatmap(lambda kind: arrays.arrays(kind, SHAPES))
CUBE = np.arange(5 * 6 * 7, dtype=">i8").reshape(5, 6, 7)


def exported(array: np.ndarray[Any, Any], form: str, colours: str = "", **asked: str) -> bytes:
    request = parse(asked, array.shape)
    reader = ReaderInMemory(array, (2,) * array.ndim)
    return b"".join(export(reader, request, form, work(), "/a/b", colours).parts)


def from_npy(file: bytes) -> np.ndarray[Any, Any]:
    loaded: np.ndarray[Any, Any] = np.load(io.BytesIO(file), allow_pickle=False)
    return loaded


def from_tiff(file: bytes) -> np.ndarray[Any, Any]:
    """By the letter of the format, and not as our writer lays it out."""
    assert file[:4] == b"II*\0"
    (directory,) = struct.unpack_from("<I", file, 4)
    (many,) = struct.unpack_from("<H", file, directory)
    tags: dict[int, list[int]] = {}
    for number in range(many):
        start = directory + 2 + 12 * number
        tag, kind, count = struct.unpack_from("<HHI", file, start)
        letter = {3: "H", 4: "I", 5: "Q"}[kind]
        size = struct.calcsize(f"<{count}{letter}")
        place = start + 8 if size <= 4 else struct.unpack_from("<I", file, start + 8)[0]
        tags[tag] = list(struct.unpack_from(f"<{count}{letter}", file, place))
    assert list(tags) == sorted(tags)
    assert (tags[259], tags[277]) == ([1], [1])
    assert -(-tags[257][0] // tags[278][0]) == len(tags[273])
    letter = {1: "u", 2: "i", 3: "f"}[tags[339][0]]
    pixels = b"".join(file[a : a + n] for a, n in zip(tags[273], tags[279], strict=True))
    return np.frombuffer(pixels, f"<{letter}{tags[258][0] // 8}").reshape(
        tags[257][0], tags[256][0]
    )


def from_png(file: bytes) -> tuple[np.ndarray[Any, Any], dict[bytes, bytes]]:
    """Indices of colours, and what else is in there."""
    assert file[:8] == b"\x89PNG\r\n\x1a\n"
    chunks: dict[bytes, bytes] = {}
    place = 8
    while place < len(file):
        (length,) = struct.unpack_from(">I", file, place)
        kind, data = file[place + 4 : place + 8], file[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", file, place + 8 + length) == (zlib.crc32(kind + data),)
        chunks[kind] = data
        place += 12 + length
    assert list(chunks)[-1] == b"IEND"
    columns, rows, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [8, 3, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), "u1").reshape(rows, columns + 1)
    assert set(lines[:, 0].tolist()) == {2}
    return np.add.accumulate(lines[:, 1:], axis=0, dtype="u1"), chunks


@settings(deadline=None)
@given(PLANES)
def test_npy_has_the_values_and_their_type(array: np.ndarray[Any, Any]) -> None:
    back = from_npy(exported(array, "npy"))
    assert back.dtype == array.dtype.newbyteorder("<")
    assert back.tobytes() == array.astype(back.dtype).tobytes()


def test_npy_of_other_axes_of_steps_lines_and_nothing() -> None:
    asked = {"rows": "2", "columns": "0", "at": "0,3,0", "step": "2"}
    assert from_npy(exported(CUBE, "npy", **asked)).tolist() == CUBE[::2, 3, ::2].T.tolist()
    line = from_npy(exported(CUBE, "npy", rows="", columns="1", at="1,0,2"))
    assert line.tolist() == CUBE[1, :, 2].tolist()
    assert from_npy(exported(np.zeros((0, 3)), "npy")).shape == (0, 3)


def test_npy_of_compound_and_complex_values_is_whole_or_the_part_that_is_asked_for() -> None:
    array = np.array([[(1, 2 + 3j)], [(4, 5j)]], [("a", ">i2"), ("b", "c8")])
    whole = from_npy(exported(array, "npy"))
    assert whole.dtype == np.dtype([("a", "<i2"), ("b", "<c8")])
    assert whole.tolist() == array.tolist()
    assert from_npy(exported(array, "npy", part="a")).tolist() == [[1], [4]]
    assert from_npy(exported(array, "npy", part="b/imaginary")).tolist() == [[3], [5]]


def test_npy_takes_no_objects() -> None:
    with pytest.raises(Refusal, match="has no values of the type variable length"):
        exported(np.array(["a"], object), "npy")


@settings(deadline=None)
@given(PLANES)
def test_tiff_has_the_values(array: np.ndarray[Any, Any]) -> None:
    back = from_tiff(exported(array, "tiff"))
    assert back.shape == array.shape
    assert np.array_equal(back.astype(array.dtype), array, equal_nan=array.dtype.kind == "f")


def test_tiff_in_many_strips() -> None:
    array = np.random.default_rng(1).random((300, 700), "f4")
    assert from_tiff(exported(array, "tiff")).tolist() == array.tolist()


def test_tiff_is_refused_before_it_begins() -> None:
    huge = np.broadcast_to(np.zeros(1, "f4"), (1 << 16, 1 << 15))
    with pytest.raises(Refusal, match="4 GB") as refused:
        export(ReaderInMemory(huge), parse({}, huge.shape), "tiff", work())
    assert refused.value.status == 413
    with pytest.raises(Refusal, match="no numbers of the type"):
        exported(np.zeros((2, 2), "longdouble"), "tiff")


@settings(deadline=None)
@given(PLANES)
def test_csv_gives_exactly_the_same_numbers_back(array: np.ndarray[Any, Any]) -> None:
    rows = list(csv.reader(io.StringIO(exported(array, "csv").decode())))
    kind = array.dtype.newbyteorder("=").type
    words = {"True": True, "False": False}
    back = [[words[word] if kind is np.bool_ else kind(word) for word in row] for row in rows]
    assert np.array_equal(np.array(back, kind), array, equal_nan=array.dtype.kind == "f")


def test_csv_of_a_line_goes_down() -> None:
    assert exported(np.array([1, 2.5, np.nan]), "csv") == b"1.0\n2.5\nnan\n"
    assert exported(np.array([1 + 2j]), "csv") == b"1+2j\n"


def test_csv_of_text_and_of_compound_values() -> None:
    assert exported(np.array([b"a,b", "ü".encode()], "S4"), "csv") == '"a,b"\nü\n'.encode()
    assert exported(np.array([b"x", "y"], object), "csv") == b"x\ny\n"
    kind = [("n", "i2"), ("name", "S4"), ("xy", "f4", (2,))]
    array = np.array([(1, b"a", (0.5, 1)), (2, b'"', (0.1, 2))], kind)
    assert exported(array, "csv") == b'n,name,xy\n1,a,0.5 1.0\n2,"""",0.1 2.0\n'
    with pytest.raises(Refusal, match="plane of compound values") as refused:
        exported(array.reshape(1, 2), "csv")
    assert "n, name, xy" in refused.value.advice


def test_png_is_the_picture_on_the_screen() -> None:
    array = np.array([[np.nan, 1, 10], [100, 1000, 0]])
    picture, chunks = from_png(exported(array, "png", "000000-ff0000-ffffff", scale="log"))
    shown = render(ReaderInMemory(array), parse({"scale": "log"}, array.shape), work())
    assert picture.tolist() == wire.array(shown).tolist() == [[0, 1, 86], [170, 255, 0]]
    palette = np.frombuffer(chunks[b"PLTE"], "u1").reshape(256, 3)
    assert palette[[1, 128, 255]].tolist() == [[0, 0, 0], [255, 0, 0], [255, 255, 255]]
    assert chunks[b"tRNS"] == b"\0"
    told = json.loads(chunks[b"iTXt"].partition(b"\0\0\0\0\0")[2])
    assert (told["scale"], told["domain"]) == ("log", [1, 1000])


def test_png_has_all_that_is_seen_whatever_limit_the_screen_had() -> None:
    array = np.random.default_rng(2).random((90, 120))
    assert from_png(exported(array, "png", limit="100", bits="16"))[0].shape == (90, 120)


@pytest.mark.parametrize(
    ("form", "colours", "words"),
    [
        ("jpeg", "", "none of npy, csv, tiff, png"),
        ("png", "red-blue", "colours:"),
        ("png", "000000", "colours:"),
    ],
)
def test_what_there_is_not(form: str, colours: str, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        exported(np.zeros((2, 2)), form, colours)


@pytest.mark.parametrize("form", ["png", "tiff"])
def test_there_is_no_picture_of_nothing(form: str) -> None:
    with pytest.raises(Refusal, match="nothing in this part"):
        exported(np.zeros((0, 3)), form)


@pytest.mark.parametrize("form", ["npy", "csv", "tiff"])
def test_no_more_is_held_than_a_band_of_it(form: str) -> None:
    array = np.zeros((4000, 1000), "u1")
    for chunks in (None, (64, 64), (4000, 1)):
        reader = ReaderInMemory(array, chunks)
        parts = export(reader, parse({}, array.shape), form, work(budget=5 << 20)).parts
        assert sum(map(len, parts)) >= array.nbytes
        assert reader.values_read == array.size


def test_bands_have_whole_chunks() -> None:
    array = np.zeros((4000, 1000), "f8")
    reader = ReaderInMemory(array, (60, 100))
    list(export(reader, parse({}, array.shape), "npy", work()).parts)
    starts = [key[0].start for key in reader.reads if isinstance(key[0], slice)]
    assert len(starts) > 3
    assert all(start % 60 == 0 for start in starts)


def test_files_have_the_data_sets_name() -> None:
    def name(path: str, **asked: str) -> str:
        request = parse(asked, CUBE.shape)
        return export(ReaderInMemory(CUBE), request, "csv", work(), path).name

    assert name("/run/density", at="3,0,0") == "density_3.csv"
    assert name("/", rows="", columns="1", at="1,0,2") == "data_1_2.csv"
    assert name('/a/../b "c"\r\n/ρ;x') == "ρ_x_0.csv"
