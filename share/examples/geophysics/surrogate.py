"""A small surrogate of the inversion: from what is measured to a layered earth, at once.

Kernel ridge regression between the logarithms of the data and of the resistivities. It learns from
inversions that are done, and is good where they are dense: a first look, or a start for the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SMALLEST = 1.0  # ppm; below is noise


@dataclass(frozen=True)
class Surrogate:
    """What was learned: the known data, scaled, and a weight for each of them and each layer."""

    centre: np.ndarray
    scale: np.ndarray
    known: np.ndarray
    weights: np.ndarray
    mean: np.ndarray
    width: float

    def predict(self, observed: np.ndarray) -> np.ndarray:
        """Resistivity by layer (layers, soundings) for data (data, soundings)."""
        scaled = (_logarithm(observed) - self.centre) / self.scale
        return np.exp(self.mean + _kernel(scaled, self.known, self.width) @ self.weights).T


def train(observed: np.ndarray, resistivity: np.ndarray, ridge: float = 1e-2) -> Surrogate:
    """Learn from soundings: data (data, soundings) and resistivity (layers, soundings)."""
    data, wanted = _logarithm(observed), np.log(resistivity).T
    centre, scale = data.mean(axis=0), data.std(axis=0) + 1e-9
    known, mean = (data - centre) / scale, wanted.mean(axis=0)
    width = float(np.sqrt(known.shape[1]))
    gram = _kernel(known, known, width) + ridge * np.eye(len(known))
    return Surrogate(centre, scale, known, np.linalg.solve(gram, wanted - mean), mean, width)


def _logarithm(observed: np.ndarray) -> np.ndarray:
    """Data range over decades. Their sign carries little, and noise may turn the smallest."""
    return np.log(np.maximum(np.abs(observed), SMALLEST)).T


def _kernel(one: np.ndarray, other: np.ndarray, width: float) -> np.ndarray:
    distance = ((one[:, None, :] - other[None, :, :]) ** 2).sum(axis=2)
    return np.exp(-distance / (2 * width**2))
