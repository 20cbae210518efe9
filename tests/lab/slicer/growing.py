"""A program that writes an iteration whenever it is told to: `python growing.py FILE`."""

from __future__ import annotations

import sys

import h5py
import numpy as np

SHAPE = (40, 50)
PLANE = np.linspace(0, 50, 2000, dtype="f4").reshape(SHAPE)


def main() -> None:
    """One line of input, one iteration, one line of output when it is flushed."""
    with h5py.File(sys.argv[1], "w", libver="latest") as file:
        model = file.create_dataset(
            "model", (1, *SHAPE), "f4", maxshape=(None, *SHAPE), chunks=(1, *SHAPE)
        )
        model[0] = PLANE
        file.swmr_mode = True
        print("ready", flush=True)
        for iteration, _ in enumerate(sys.stdin, start=1):
            model.resize(iteration + 1, axis=0)
            model[iteration] = 100 * iteration + PLANE
            model.flush()
            print(iteration, flush=True)


if __name__ == "__main__":
    main()
