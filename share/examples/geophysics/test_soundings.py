"""Checks that the inversions find the earth that the data were made from."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from dask.distributed import Client, LocalCluster

import soundings

STATIONS = 12

COUNT_FROM_ANOTHER_PROCESS = """
import sys, h5py, numpy as np
with h5py.File(sys.argv[1], "r", swmr=True) as file:
    print(np.isfinite(file["misfit"][:]).sum(), np.isfinite(file["resistivity"][0]).sum())
"""

WATCH_UNTIL_IT_IS_WHOLE = """
import sys, time, h5py, numpy as np
with h5py.File(sys.argv[1], "r", swmr=True) as file:
    misfit, seen = file["misfit"], [-1]
    while seen[-1] < misfit.size:
        misfit.refresh()
        found = int(np.isfinite(misfit[:]).sum())
        if found != seen[-1]:
            seen.append(found)
            print(found, flush=True)
        time.sleep(0.01)
"""

OPEN_PLAINLY = """
import sys, h5py
h5py.File(sys.argv[1])
"""


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, security=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def section(client: Client, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    path = tmp_path_factory.mktemp("section") / "models.h5"
    soundings.run(client, path, soundings.survey(STATIONS))
    with h5py.File(path) as file:
        return {name: file[name][:] for name in file}


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return np.corrcoef(np.log(one).ravel(), np.log(other).ravel())[0, 1]


def test_section_resembles_truth_and_not_its_mirror_image(section: dict[str, np.ndarray]) -> None:
    found, truth = section["resistivity"], section["truth"]
    assert correlation(found, truth) > 0.7
    assert correlation(found, truth[:, :, ::-1]) < 0.4


def test_conductor_dips_as_it_should(section: dict[str, np.ndarray]) -> None:
    deepest = section["z"][np.argmin(section["resistivity"][:, 0], axis=0)]
    centre = [
        section["z"][column == soundings.CONDUCTOR].mean() for column in section["truth"][:, 0].T
    ]
    assert np.abs(deepest - centre).max() <= 2 * soundings.LAYER


def test_data_are_explained_to_within_their_noise(section: dict[str, np.ndarray]) -> None:
    # Target 1: more leaves signal unexplained; far less would be fitting the noise.
    assert section["misfit"].max() <= 1.0
    assert section["misfit"].min() > 0.4


def test_inversion_depends_on_nothing_but_its_sounding() -> None:
    first = soundings.invert(soundings.measure(0, 3, STATIONS))
    soundings.invert(soundings.measure(0, 7, STATIONS))
    again = soundings.invert(soundings.measure(0, 3, STATIONS))
    np.testing.assert_array_equal(first.resistivity, again.resistivity)


def test_others_can_read_the_file_while_it_grows(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "models.h5"
    seen = []

    def look(done: int, total: int) -> None:
        answer = subprocess.run(
            [sys.executable, "-c", COUNT_FROM_ANOTHER_PROCESS, path],
            check=True,
            capture_output=True,
            text=True,
        )
        seen.append([done, *map(int, answer.stdout.split())])

    soundings.run(client, path, soundings.survey(stations=2, lines=2), look)
    assert seen == [[done, done, done] for done in (1, 2, 3, 4)]


def test_readers_that_stay_see_it_grow_and_disturb_nobody(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "models.h5"
    readers: list[subprocess.Popen[str]] = []

    def watch() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WATCH_UNTIL_IT_IS_WHOLE, path]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def look(done: int, total: int) -> None:
        if done == 1:
            readers.extend(watch() for _ in range(2))
            assert [reader.stdout.readline() for reader in readers] == ["1\n", "1\n"]
            # Whoever does not say that it is being written gets nothing, and takes nothing away.
            plain = subprocess.run(
                [sys.executable, "-c", OPEN_PLAINLY, path],
                check=False,
                capture_output=True,
                text=True,
            )
            assert "already open for" in plain.stderr
        if done == 2:
            # As when somebody's kernel is restarted meanwhile.
            readers[0].kill()
            readers[0].communicate()
        assert done < 2 or int(readers[1].stdout.readline()) == done

    soundings.run(client, path, soundings.survey(stations=3, lines=2), look)
    assert readers[1].communicate() == ("", None)
    assert readers[1].returncode == 0
    with h5py.File(path) as file:
        assert np.isfinite(file["resistivity"][:]).all()


def test_what_was_found_can_be_read_when_the_writer_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "models.h5"
    writer = subprocess.Popen(
        [sys.executable, soundings.__file__, "--soundings", "200", "--out", path],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        while not writer.stdout.readline().startswith("3 of"):
            assert writer.poll() is None
    finally:
        os.killpg(writer.pid, signal.SIGKILL)
        writer.communicate()
    with h5py.File(path, swmr=True) as file:
        assert np.isfinite(file["misfit"][:]).sum() >= 3
