"""Which files may be read, and what is said of the others."""

import os
import socket

import pytest

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.roots import Roots


@pytest.fixture
def roots(tmp_path):
    for folder in ("home", "scratch", "secret"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "run.h5").write_bytes(b"data")
    return Roots([("your files", str(tmp_path / "home")), ("scratch", str(tmp_path / "scratch"))])


def refused(roots, asked):
    with pytest.raises(Refusal) as refusal:
        roots.resolve(asked)
    return refusal.value


def test_a_relative_path_starts_at_the_first_root_and_an_absolute_one_lies_within_any(
    roots, tmp_path
):
    assert roots.resolve("run.h5") == str(tmp_path / "home/run.h5")
    assert roots.resolve(f"{tmp_path}/scratch/run.h5") == str(tmp_path / "scratch/run.h5")


@pytest.mark.parametrize(
    "asked",
    [
        "../secret/run.h5",
        "a/../../secret/run.h5",
        "%2e%2e/secret/run.h5",
        "%252e%252e/secret/run.h5",
        "..%2fsecret%2frun.h5",
        "{tmp}/secret/run.h5",
        "{tmp}/secret/no such file.h5",
        "/proc/self/mem",
        "/etc/passwd",
    ],
)
def test_what_lies_outside_is_refused(roots, tmp_path, asked):
    assert refused(roots, asked.format(tmp=tmp_path)).status == 403


def test_a_path_that_no_file_can_have_is_not_even_looked_at(roots):
    assert (refused(roots, "%" + "25" * 30_000).status, refused(roots, "x" * 4097).status) == (
        400,
        400,
    )


def test_the_refusal_names_the_roots(roots, tmp_path):
    refusal = refused(roots, f"{tmp_path}/secret/run.h5")
    assert "outside" in refusal.sentence
    assert f"your files ({tmp_path}/home), scratch ({tmp_path}/scratch)" in refusal.advice


def test_a_link_counts_as_what_it_leads_to(roots, tmp_path):
    (tmp_path / "home/good.h5").symlink_to(tmp_path / "scratch/run.h5")
    (tmp_path / "home/bad.h5").symlink_to(tmp_path / "secret/run.h5")
    (tmp_path / "home/folder").symlink_to(tmp_path / "secret")
    (tmp_path / "home/round.h5").symlink_to(tmp_path / "home/round.h5")
    assert roots.resolve("good.h5") == str(tmp_path / "scratch/run.h5")
    assert refused(roots, "bad.h5").status == 403
    assert refused(roots, "folder/run.h5").status == 403
    assert refused(roots, "round.h5").status == 404


def test_a_root_may_be_a_link_and_come_later(tmp_path):
    roots = Roots([("scratch", str(tmp_path / "scratch"))])
    (tmp_path / "disk7").mkdir()
    (tmp_path / "disk7/run.h5").write_bytes(b"data")
    (tmp_path / "scratch").symlink_to("disk7")
    assert roots.resolve("run.h5") == str(tmp_path / "disk7/run.h5")


def test_a_folder_beside_a_root_is_not_in_it(roots, tmp_path):
    (tmp_path / "home2").mkdir()
    (tmp_path / "home2/run.h5").write_bytes(b"data")
    assert refused(roots, f"{tmp_path}/home2/run.h5").status == 403


def test_only_files_are_files(roots, tmp_path):
    os.mkfifo(tmp_path / "home/pipe.h5")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "home/socket.h5"))
    everything = Roots([("all", "/")])
    assert refused(roots, "pipe.h5").kind == "special"
    assert refused(roots, "socket.h5").kind == "special"
    assert refused(everything, "/dev/zero").kind == "special"
    assert refused(everything, "/proc/self/maps").status == 403
    assert refused(roots, ".").kind == "folder"
    assert refused(roots, "none.h5").status == 404


@pytest.mark.parametrize("asked", ["", "a\0b", "run.h5%00"])
def test_what_is_no_path_is_said_to_be_none(roots, asked):
    assert refused(roots, asked).status == 400


def test_an_odd_name_is_shown_short_and_printable(roots):
    refusal = refused(roots, "\x1b[31m" + "x" * 5000)
    assert "\x1b" not in refusal.sentence
    assert len(refusal.sentence) < 400
