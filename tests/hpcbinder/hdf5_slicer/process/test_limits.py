"""The memory that the reading process may take is never most of what the job has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hpcbinder.slicer.errors import Refusal
from hpcbinder.slicer.process.limits import LEAST, allowed
from hpcbinder.slicer.process.starting import refuse_without_libraries

GIGABYTE = 1 << 30


def group(root: Path, path: str, name: str, text: str) -> None:
    (root / path).mkdir(parents=True, exist_ok=True)
    (root / path / name).write_text(text + "\n")


def test_half_of_the_smallest_limit_around_it(tmp_path: Path) -> None:
    group(tmp_path, "slurm/job_1", "memory.max", str(2 * GIGABYTE))
    group(tmp_path, "slurm/job_1/step_0", "memory.max", "max")
    inside = "0::/slurm/job_1/step_0"
    assert allowed(GIGABYTE // 2, tmp_path, inside) == GIGABYTE // 2
    assert allowed(8 * GIGABYTE, tmp_path, inside) == GIGABYTE


def test_the_older_kind_of_group(tmp_path: Path) -> None:
    group(tmp_path, "memory/slurm/uid_7", "memory.limit_in_bytes", str(GIGABYTE))
    told = "9:cpuset:/x\n4:memory:/slurm/uid_7/job_3\n1:name=systemd:/y"
    assert allowed(8 * GIGABYTE, tmp_path, told) == GIGABYTE // 2


def test_a_tiny_job_still_gets_enough_to_work_with(tmp_path: Path) -> None:
    group(tmp_path, "", "memory.max", str(100 << 20))
    assert allowed(GIGABYTE, tmp_path, "0::/") == LEAST


def test_an_environment_without_h5py_is_told_what_it_lacks() -> None:
    refuse_without_libraries()
    with pytest.raises(Refusal, match="has no h6py, which the slicer reads HDF5 files with") as no:
        refuse_without_libraries(["numpy", "h6py"])
    assert (no.value.status, no.value.kind) == (501, "h6py")


def test_beyond_it_python_hears_of_it_and_lives() -> None:
    code = (
        "from hpcbinder.slicer.process.limits import restrict\n"
        "restrict(200 << 20)\n"
        "try:\n    bytearray(1 << 30)\nexcept MemoryError:\n    print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
