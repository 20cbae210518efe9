"""Quotas as `quota` and `lfs quota` print them, and bounds of time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hpcbinderhub.slurm.agent.measure import measure, parse_quota

QUOTA = """Disk quotas for user ada (uid 2001):
     Filesystem   space   quota   limit   grace   files   quota   limit   grace
 nfs:/home 910000  1000000 1200000       0    1200       0       0       0
 nfs:/project 10  20 30       0    1200       0       0       0
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (QUOTA, (10 * 1024, 20 * 1024)),
        (
            QUOTA.replace("nfs:/project 10 ", "nfs:/project 10 0 0 "),
            (910000 * 1024, 1000000 * 1024),
        ),
        ("/lustre 600* 500 700 6d 1 0 0 -\n", (600 * 1024, 500 * 1024)),
        ("/lustre 600 0 700 - 1 0 0 -\n", (600 * 1024, 700 * 1024)),
        ("/lustre 600 0 0 - 1 0 0 -\n", None),
        ("Disk quotas for user ada (uid 2001): none\n", None),
        ("", None),
    ],
)
def test_a_quota_is_read_from_its_table(text: str, found: tuple[int, int] | None) -> None:
    assert parse_quota(text) == found


def test_a_measure_out_of_time_says_so(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1")
    assert not measure(str(tmp_path), time.monotonic() - 1)["whole"]
    assert measure(str(tmp_path), time.monotonic() + 60)["whole"]
