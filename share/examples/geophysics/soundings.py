"""Invert airborne electromagnetic soundings one by one and stitch the models into an HDF5 file.

The earth is a conductor that dips along the line below a resistive host. At each position a
helicopter-borne instrument measures its response at a few frequencies; each measurement, a
sounding, is inverted for a layered earth without looking at its neighbours. So any number of
soundings can be inverted at once, and the section grows in the file as the answers come in.

    python soundings.py --soundings 12 --out models.h5
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from dask.distributed import Client, LocalCluster, as_completed
from discretize import TensorMesh
from distributed.deploy.cluster import Cluster
from simpeg import (
    data_misfit,
    directives,
    inverse_problem,
    inversion,
    maps,
    optimization,
    regularization,
)
from simpeg.data import Data
from simpeg.electromagnetics import frequency_domain as fdem

# Otherwise SimPEG announces its target once for every sounding.
logging.getLogger("SimPEG").setLevel(logging.WARNING)

# The instrument: horizontal coplanar coils, as in the RESOLVE system.
FREQUENCIES = (382.0, 1822.0, 7970.0, 35920.0, 130100.0)  # Hz
COIL_SPACING = 7.86  # m
HEIGHT = 30.0  # m above ground
RELATIVE_ERROR = 0.03
NOISE_FLOOR = 1.0  # ppm

# The model: layers of equal thickness, so that a column of the section is one array slice.
LAYER = 5.0  # m
LAYERS = 24
LINE_LENGTH = 1200.0  # m
LINE_SPACING = 200.0  # m

HOST = 200.0  # ohm m
CONDUCTOR = 10.0  # ohm m
CONDUCTOR_THICKNESS = 25.0  # m
SEED = 20260


@dataclass(frozen=True)
class Sounding:
    """One measurement: where, and what was observed with which standard deviation (ppm)."""

    line: int
    station: int
    observed: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True)
class Model:
    """What one inversion found: resistivity by layer (ohm m) and chi² per datum (1 is ideal)."""

    line: int
    station: int
    resistivity: np.ndarray
    misfit: float
    observed: np.ndarray


def true_resistivity(x: float, y: float) -> np.ndarray:
    """The layered earth under one position: the conductor dips along x and rises with y."""
    top = 15.0 + 45.0 * x / LINE_LENGTH - 10.0 * y / LINE_LENGTH
    centres = (np.arange(LAYERS) + 0.5) * LAYER
    inside = (centres > top) & (centres < top + CONDUCTOR_THICKNESS)
    return np.where(inside, CONDUCTOR, HOST)


def position(line: int, station: int, stations: int) -> tuple[float, float]:
    """Where a sounding is; the stations share the length of the line."""
    return (station + 0.5) * LINE_LENGTH / stations, line * LINE_SPACING


def simulation() -> fdem.Simulation1DLayered:
    """The response of a layered earth, as a function of the logarithm of its conductivity."""
    sources = [
        fdem.sources.MagDipole(
            [
                fdem.receivers.PointMagneticFieldSecondary(
                    np.array([[COIL_SPACING, 0.0, HEIGHT]]),
                    orientation="z",
                    component="both",
                    data_type="ppm",
                )
            ],
            frequency=frequency,
            location=np.array([0.0, 0.0, HEIGHT]),
            orientation="z",
        )
        for frequency in FREQUENCIES
    ]
    return fdem.Simulation1DLayered(
        survey=fdem.Survey(sources),
        thicknesses=np.full(LAYERS - 1, LAYER),
        sigmaMap=maps.ExpMap(nP=LAYERS),
    )


def measure(line: int, station: int, stations: int) -> Sounding:
    """Make the measurement that the true earth would give, with noise."""
    x, y = position(line, station, stations)
    clean = simulation().dpred(-np.log(true_resistivity(x, y)))
    deviation = RELATIVE_ERROR * np.abs(clean) + NOISE_FLOOR
    # Seeded by position, a sounding is the same whoever makes it and in whatever order.
    noise = np.random.default_rng((SEED, line, station)).standard_normal(clean.size)
    return Sounding(line, station, clean + deviation * noise, deviation)


def survey(stations: int, lines: int = 1) -> list[Sounding]:
    """All soundings, line by line."""
    return [
        measure(line, station, stations) for line in range(lines) for station in range(stations)
    ]


class QuietGaussNewton(optimization.InexactGaussNewton):
    """SimPEG's optimiser, without the table of iterations that it prints for each inversion."""

    def printInit(self, inLS: bool = False) -> None: ...

    def printIter(self, inLS: bool = False) -> None: ...

    def printDone(self, inLS: bool = False) -> None: ...


def invert(sounding: Sounding) -> Model:
    """Find the smoothest layered earth that explains one sounding to within its noise."""
    forward = simulation()
    misfit = data_misfit.L2DataMisfit(
        simulation=forward,
        data=Data(forward.survey, dobs=sounding.observed, standard_deviation=sounding.deviation),
    )
    mesh = TensorMesh([np.full(LAYERS, LAYER)])
    start = np.full(LAYERS, -np.log(HOST / 2))
    smooth = regularization.WeightedLeastSquares(
        mesh, alpha_s=1e-2, alpha_x=1.0, reference_model=start
    )
    problem = inverse_problem.BaseInvProblem(
        misfit,
        smooth,
        # A few soundings have noise that no layered earth explains; more steps would only fit that.
        QuietGaussNewton(maxIter=15, cg_maxiter=LAYERS),
        init_bfgs=False,
        print_version=False,
    )
    steps = [
        directives.BetaEstimate_ByEig(beta0_ratio=10.0, random_seed=SEED),
        directives.BetaSchedule(coolingFactor=2.0, coolingRate=1),
        directives.TargetMisfit(chifact=1.0),
    ]
    found = inversion.BaseInversion(problem, steps).run(start)
    chi2 = np.mean(((forward.dpred(found) - sounding.observed) / sounding.deviation) ** 2)
    return Model(sounding.line, sounding.station, np.exp(-found), float(chi2), sounding.observed)


def create(path: Path, stations: int, lines: int) -> h5py.File:
    """An HDF5 file with the section still empty (NaN), open for writing while others read it."""
    # Removed, not truncated: whoever still looks at an earlier section keeps it.
    path.unlink(missing_ok=True)
    # Reading while writing needs the file format of HDF5 1.10; a newer one, older readers refuse.
    # Parallel file systems are often mounted without locks, which this mode can do without.
    file = h5py.File(path, "w-", libver=("v110", "v110"), locking="best-effort")
    spacing = {"z": LAYER, "y": LINE_SPACING, "x": LINE_LENGTH / stations}
    origin = {"z": LAYER / 2, "y": 0.0, "x": spacing["x"] / 2}
    length = {"z": LAYERS, "y": lines, "x": stations}
    for axis in "zyx":
        file[axis] = origin[axis] + spacing[axis] * np.arange(length[axis])
        file[axis].attrs["units"] = "m"
        file[axis].make_scale(axis)
    file["z"].attrs["positive"] = "down"

    def dataset(name: str, axes: str, units: str) -> h5py.Dataset:
        shape = tuple(length[axis] for axis in axes)
        # A chunk is written anew for each sounding in it; one line is little.
        chunks = tuple(1 if axis == "y" else length[axis] for axis in axes)
        data = file.create_dataset(name, shape, "f8", chunks=chunks, fillvalue=np.nan)
        for number, axis in enumerate(axes):
            data.dims[number].attach_scale(file[axis])
        data.attrs["axes"] = list(axes)
        data.attrs["spacing"] = [spacing[axis] for axis in axes]
        data.attrs["origin"] = [origin[axis] for axis in axes]
        data.attrs["axis_units"] = ["m"] * len(axes)
        data.attrs["units"] = units
        return data

    dataset("resistivity", "zyx", "ohm m")
    # Real and imaginary part at each frequency, in turn: what a surrogate learns from.
    shape = (2 * len(FREQUENCIES), lines, stations)
    observed = file.create_dataset("observed", shape, "f8", fillvalue=np.nan)
    observed.attrs["units"] = "ppm"
    dataset("misfit", "yx", "1").attrs["long_name"] = "chi squared per datum"
    dataset("truth", "zyx", "ohm m")[:] = np.stack(
        [
            [true_resistivity(*position(line, station, stations)) for station in range(stations)]
            for line in range(lines)
        ]
    ).transpose(2, 0, 1)
    file.swmr_mode = True
    return file


def spare_the_rest_from_garbage_collection() -> None:
    """Have the garbage collector pass over all that this process holds by now."""
    gc.collect()
    gc.freeze()


def solve(sounding: Sounding) -> Model:
    """What is mapped over the workers, those that join later too."""
    # SimPEG collects garbage at every step; half of the time went into looking through imports,
    # and through what a worker notes of its past, which grows with each sounding.
    spare_the_rest_from_garbage_collection()
    return invert(sounding)


def run(
    client: Client,
    path: Path,
    soundings: Sequence[Sounding],
    report: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Invert soundings on the client's workers and write each model as soon as it is there."""
    stations = 1 + max(sounding.station for sounding in soundings)
    lines = 1 + max(sounding.line for sounding in soundings)
    with create(path, stations, lines) as file:
        # In this client's own event loop, not in that of whichever client was made last.
        arriving = as_completed(client.map(solve, soundings), loop=client.loop, with_results=True)
        for done, (_, model) in enumerate(arriving, start=1):
            file["resistivity"][:, model.line, model.station] = model.resistivity
            file["misfit"][model.line, model.station] = model.misfit
            file["observed"][:, model.line, model.station] = model.observed
            for name in ("resistivity", "misfit", "observed"):
                file[name].flush()
            report(done, len(soundings))


def alone(client: Client, soundings: Sequence[Sounding], few: int = 5) -> float:
    """Seconds for one sounding on one worker with nothing beside it: what a speed-up is against."""
    workers = list(client.nthreads())
    # Some take more steps than others: from all over the survey.
    soundings = soundings[:: max(1, len(soundings) // few)][:few]
    # Before any clock starts, every worker has imported everything.
    client.gather(
        [client.submit(solve, soundings[0], workers=[each], pure=False) for each in workers]
    )
    begun = time.perf_counter()
    client.gather(client.map(solve, soundings, workers=workers[:1], pure=False))
    return (time.perf_counter() - begun) / len(soundings)


def workers_for(count: int, elsewhere: bool) -> Cluster:
    """Workers on other nodes, as HPC BinderHub offers them, or processes beside this one."""
    if elsewhere and "HPCBINDER_CREWS_URL" in os.environ:
        from hpcbinder import Workers

        # Not every profile of a site gives nodes to workers.
        if Workers.offer():
            workers = Workers(count)
            workers.wait()
            return workers
    # Compute nodes are shared: encrypted, nobody else on the node can send work to the workers.
    return LocalCluster(
        n_workers=count, threads_per_worker=1, security=True, dashboard_address="127.0.0.1:0"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Invert soundings and stitch them into a section.")
    parser.add_argument("--soundings", type=int, default=12, help="soundings on each line")
    parser.add_argument("--lines", type=int, default=1, help="parallel lines")
    parser.add_argument("--workers", type=int, help="processes (default: as many as cores)")
    parser.add_argument("--out", type=Path, default=Path("models.h5"), help="HDF5 file to write")
    arguments = parser.parse_args()
    # Compute nodes are shared: encrypted, nobody else on the node can send work to the workers.
    with (
        LocalCluster(
            n_workers=arguments.workers, threads_per_worker=1, security=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        start = time.perf_counter()
        run(
            client,
            arguments.out,
            survey(arguments.soundings, arguments.lines),
            lambda done, total: print(f"{done} of {total} soundings", flush=True),
        )
        print(f"{time.perf_counter() - start:.1f} s, {arguments.out}")


if __name__ == "__main__":
    # Workers find the functions of a module by name; those of a script they get as copies, anew for
    # each sounding, which fills their memory and slows every one down.
    import soundings

    soundings.main()
