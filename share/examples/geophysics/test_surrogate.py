"""Checks that the surrogate learns the earth from data, and not only the average of it."""

import numpy as np

from soundings import measure, position, true_resistivity
from surrogate import train

STATIONS = 60


def test_surrogate_finds_conductor_at_positions_that_it_has_not_seen() -> None:
    observed = np.stack([measure(0, s, STATIONS).observed for s in range(STATIONS)], axis=1)
    truth = np.stack([true_resistivity(*position(0, s, STATIONS)) for s in range(STATIONS)], axis=1)
    unseen = np.arange(STATIONS) % 4 == 2
    surrogate = train(observed[:, ~unseen], truth[:, ~unseen])
    found = surrogate.predict(observed[:, unseen])

    def error(guess: np.ndarray) -> float:
        return float(np.sqrt(np.mean((np.log(guess) - np.log(truth[:, unseen])) ** 2)))

    average = np.exp(np.log(truth[:, ~unseen]).mean(axis=1, keepdims=True))
    assert error(found) < 0.6 * error(np.broadcast_to(average, found.shape))
