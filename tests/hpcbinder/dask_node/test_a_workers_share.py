"""What each worker of a node may use, worked out from what the node and the job say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hpcbinder.node import memory, places, scratch
from hpcbinder.node.board import Board
from hpcbinder.node.ends import End
from hpcbinder.node.restarts import History

GIB = 2**30
TWO_SOCKETS = [set(range(8)), set(range(8, 16))]


def test_workers_share_the_numa_nodes_by_the_cpus_that_the_job_has_there() -> None:
    pinned = places.pinning(6, 1, {0, 1, 2, 3, 8, 9}, TWO_SOCKETS)
    assert pinned == [{0, 1, 2, 3}] * 4 + [{8, 9}] * 2


def test_nothing_is_pinned_where_there_is_nothing_to_gain() -> None:
    assert places.pinning(2, 1, {0, 1}, TWO_SOCKETS) == [set(), set()]
    assert places.pinning(2, 1, {0, 1, 2}, []) == [set(), set()]
    # A worker with more threads than a socket has of the job's CPUs.
    assert places.pinning(2, 3, {0, 1, 2, 8}, TWO_SOCKETS) == [set(), set()]


def test_the_kernels_lists_of_cpus_are_read(tmp_path: Path) -> None:
    for node, cpus in {"node0": "0-2,8\n", "node1": "3\n", "node10": "9\n", "node2": "\n"}.items():
        (tmp_path / node).mkdir()
        (tmp_path / node / "cpulist").write_text(cpus)
    assert places.numa_nodes(tmp_path) == [{0, 1, 2, 8}, {3}, set(), {9}]


def test_gpus_are_of_the_jobs_own_list() -> None:
    job = {"CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b", "ROCR_VISIBLE_DEVICES": "0,1"}
    assert places.gpu_variables(2, 2, job) == [
        {"CUDA_VISIBLE_DEVICES": "GPU-a", "ROCR_VISIBLE_DEVICES": "0"},
        {"CUDA_VISIBLE_DEVICES": "GPU-b", "ROCR_VISIBLE_DEVICES": "1"},
    ]
    assert places.gpu_variables(2, 2, {}) == [
        {"CUDA_VISIBLE_DEVICES": "0"},
        {"CUDA_VISIBLE_DEVICES": "1"},
    ]
    assert places.gpu_variables(2, 0, job) == [{}, {}]


def machine(root: Path, cgroup: str, limits: dict[str, str]) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal:  {64 * GIB // 1024} kB\n")
    (root / "proc/self/cgroup").write_text(cgroup)
    for path, limit in limits.items():
        file = root / "sys/fs/cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(limit + "\n")
    return root


@pytest.mark.parametrize(
    ("cgroup", "limits", "job", "expected"),
    [
        # The newer version: a step's group has no limit of its own, and the job's has.
        (
            "0::/slurm/job_1/step_0\n",
            {"slurm/job_1/step_0/memory.max": "max", "slurm/job_1/memory.max": str(8 * GIB)},
            {},
            8 * GIB,
        ),
        (
            "4:memory:/slurm/job_1\n2:cpu:/slurm\n",
            {"memory/slurm/job_1/memory.limit_in_bytes": str(6 * GIB)},
            {},
            6 * GIB,
        ),
        # In a container, which does not see the host's path.
        ("0::/slurm/job_1\n", {"memory.max": str(5 * GIB)}, {}, 5 * GIB),
        ("0::/\n", {}, {"SLURM_MEM_PER_NODE": "4096"}, 4 * GIB),
        ("0::/\n", {}, {"SLURM_MEM_PER_CPU": "1024", "SLURM_CPUS_ON_NODE": "3"}, 3 * GIB),
        # All that the node has.
        ("0::/\n", {}, {"SLURM_MEM_PER_NODE": "0"}, 64 * GIB),
        ("", {}, {}, 64 * GIB),
    ],
)
def test_memory_is_the_least_of_what_kernel_and_slurm_say(
    tmp_path: Path, cgroup: str, limits: dict[str, str], job: dict[str, str], expected: int
) -> None:
    assert memory.limit(job, machine(tmp_path, cgroup, limits)) == expected


def test_nothing_is_spilled_into_a_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, local = tmp_path / "home", tmp_path / "local"
    for folder in (home / "tmp", local):
        folder.mkdir(parents=True)
    job = {"HOME": str(home), "SLURM_TMPDIR": str(home / "tmp"), "TMPDIR": str(local)}
    made = scratch.make(job)
    assert made.parent == local
    assert made.stat().st_mode & 0o777 == 0o700
    assert (
        f"{home / 'tmp'} is in {home}, so that nothing is spilled there." in capsys.readouterr().err
    )

    # A link that leads there does not help.
    link = tmp_path / "link"
    link.symlink_to(home / "tmp")
    elsewhere = scratch.make({"HOME": str(home), "TMPDIR": str(link)})
    assert elsewhere.parent == Path("/tmp")
    elsewhere.rmdir()


def test_one_that_fails_is_given_time_and_one_that_was_steady_none() -> None:
    past, pauses = History(), []
    for _ in range(10):
        past = past.ended(-9, 2.0, connected=True)
        pauses.append(past.pause())
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    # What a task does to its worker is no reason to do without.
    assert not past.hopeless
    assert past.ended(-9, 600.0, connected=True).pause() == 0.25


def test_one_that_never_connects_is_given_up() -> None:
    past = History()
    for _ in range(5):
        past = past.ended(End.FAILED, 1.0, connected=False)
    assert not past.hopeless
    assert past.ended(End.FAILED, 1.0, connected=False).hopeless


def test_after_a_restart_the_next_one_begins_at_once_and_after_a_loss_some_time_later() -> None:
    once = History().ended(End.LOST, 20.0, connected=True)
    assert once.pause() == 0
    again = once.ended(End.LOST, 20.0, connected=True)
    assert 0.5 <= again.pause() <= 3.0


def test_contact_is_lost_when_a_question_has_no_answer_and_not_when_nobody_asks() -> None:
    board = Board(2)
    board.connected(0)
    asked = board.contact(0, 1e9)
    # One that computes for hours without asking still has its connection.
    assert asked == 1e9
    board.asking(0)
    assert board.contact(0, 1e9) < 1e9
    board.answered(0)
    assert board.contact(0, 1e9) == 1e9
    # The other has not connected at all.
    assert board.contact(1, 1e9) == 0
    # The launcher sees what a forked worker writes.
    if not (process := os.fork()):
        board.connected(1)
        os._exit(0)
    os.waitpid(process, 0)
    assert board.is_connected(1)
