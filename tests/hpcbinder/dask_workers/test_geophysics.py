"""The geophysics example in an environment of its own, and the benchmark that runs it."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def geophysics() -> ModuleType:
    # Last on the path, since the project's folders are not its packages.
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    return importlib.import_module("benchmarks.geophysics")


@pytest.fixture(scope="module")
def python(geophysics: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With what the example asks for, and pytest for its own tests."""
    made: Path = geophysics.installed(tmp_path_factory.mktemp("example"))
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", made, "pytest"], check=True)
    return made


def test_figures_are_medians_of_what_each_round_says(geophysics: ModuleType) -> None:
    # In the second round something else had the machine from the middle on.
    rounds = [
        {"ours_1": 20.0, "ours_2": 10.0, "pool_1": 18.0, "pool_2": 9.0},
        {"ours_1": 20.0, "ours_2": 40.0, "pool_1": 72.0, "pool_2": 36.0},
        {"ours_1": 20.0, "ours_2": 12.5, "pool_1": 18.0, "pool_2": 9.0},
    ]
    assert geophysics.figures_of(rounds, 2) == {
        "speedup_ours": 1.6,
        "speedup_pool": 2.0,
        "speedup_over_pool": 0.8,
        "pool_over_ours": 0.9,
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_both_ways_invert_the_same_soundings(geophysics: ModuleType, python: Path) -> None:
    rounds = geophysics.measured(python, {"soundings": 8, "rounds": 2, "cores": 2})
    assert [list(one) for one in rounds] == [["ours_1", "pool_1", "ours_2", "pool_2"]] * 2
    assert all(figure > 0.1 for figure in geophysics.figures_of(rounds, 2).values())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_example_keeps_its_promises(geophysics: ModuleType, python: Path) -> None:
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", geophysics.EXAMPLE],
        check=False,
        cwd=geophysics.EXAMPLE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
