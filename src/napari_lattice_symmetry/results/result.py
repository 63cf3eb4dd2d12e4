"""What an analysis finds: the maps of a frame, and the maps of a movie with their origin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.bravais.classifier import most_probable
from napari_lattice_symmetry.lattice import CLASSES, LABELS, NOT_ANALYZED
from napari_lattice_symmetry.spectrum import WindowGrid

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self, TypeAlias

    import dask.array as da
    from numpy.typing import NDArray

    from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
    from napari_lattice_symmetry.data.movie import Movie

    Float32: TypeAlias = NDArray[np.float32]
    Float64: TypeAlias = NDArray[np.float64]
    UInt8: TypeAlias = NDArray[np.uint8]
    Maps: TypeAlias = NDArray[Any] | da.Array

WAITING, DONE, FAILED = 0, 1, 2
"""States of a frame; a frame that could not be read has failed."""

_MAP = ("time", "y", "x")
LATTICE_MAPS = ("a", "b", "gamma", "orientation", "metric_labels", "flags", "agreement")
"""Maps that there are where a lattice was fitted to every window."""

AXES: dict[str, tuple[str, ...]] = {
    "labels": _MAP,
    "mean": ("class", *_MAP),
    "std": ("class", *_MAP),
    "entropy": _MAP,
    "mutual_information": _MAP,
    "apparent_labels": _MAP,
    **dict.fromkeys(LATTICE_MAPS, _MAP),
    "fractions": ("time", "class"),
    "fractions_std": ("time", "class"),
    "state": ("time",),
}
"""What can be known of a frame, and the axes it has in a movie's result; `state` comes last."""

AGREE, DISAGREE = 1, 2
"""Values in an agreement map; 0 where network or fit has no answer."""

_DTYPES: dict[str, type[np.generic]] = {
    **dict.fromkeys(("fractions", "fractions_std"), np.float64),
    **dict.fromkeys(("labels", "apparent_labels", "state"), np.uint8),
    **dict.fromkeys(("metric_labels", "flags", "agreement"), np.uint8),
}


def array_names(parameters: AnalysisParameters) -> list[str]:
    """List the arrays that an analysis with these parameters makes, in the order of `AXES`."""
    absent: set[str] = set()
    if parameters.distortion is None:
        absent.add("apparent_labels")
    if not parameters.lattice_maps:
        absent.update(LATTICE_MAPS)
    return [name for name in AXES if name not in absent]


def at(name: str, time: int | slice) -> tuple[int | slice, ...]:
    """Index the frame or frames `time` in the array `name` of a result."""
    return (slice(None),) * AXES[name].index("time") + (time,)


@dataclass(frozen=True, eq=False)
class FrameResult:
    """The maps of one frame; NaN, and 0 in the labels, where a window was not analyzed.

    Attributes
    ----------
    index : int
        Which frame of the movie.
    position : int
        Which of the analyzed frames, from 0: the row in a `MovieResult`.
    mean, std : numpy.ndarray, shape (6, gy, gx), float32
        Class probabilities: mean and standard deviation over the thinned networks.
    entropy, mutual_information : numpy.ndarray, shape (gy, gx), float32
        Predictive entropy and mutual information, in nats.
    fractions, fractions_std : numpy.ndarray, shape (6,), float64
        Phase fractions (mean probability over the analyzed windows), and their spread over
        the thinned networks.
    apparent_labels, a, b, gamma, orientation, metric_labels, flags, agreement
        As in `MovieResult`, shape (gy, gx).
    failure : str
        Why the frame could not be read; empty if it could.
    """

    index: int
    position: int
    mean: Float32
    std: Float32
    entropy: Float32
    mutual_information: Float32
    fractions: Float64
    fractions_std: Float64
    apparent_labels: UInt8 | None = None
    a: Float32 | None = None
    b: Float32 | None = None
    gamma: Float32 | None = None
    orientation: Float32 | None = None
    metric_labels: UInt8 | None = None
    flags: UInt8 | None = None
    agreement: UInt8 | None = None
    failure: str = ""

    @property
    def state(self) -> int:
        """`FAILED` or `DONE`."""
        return FAILED if self.failure else DONE

    @property
    def labels(self) -> UInt8:
        """Label values of the most probable classes, shape (gy, gx), uint8."""
        return most_probable(self.mean, axis=0)


@dataclass(eq=False)
class MovieResult:
    """The maps of a movie; frames that are not `done` hold 0 in `labels`, NaN elsewhere.

    Maps are NumPy arrays, or Dask arrays when they lie in a file.

    Attributes
    ----------
    labels : array, shape (T, gy, gx), uint8
        Label values: 1 to 6 in the order of `CLASSES`, 0 not analyzed.
    mean, std : array, shape (6, T, gy, gx), float32
        Class probabilities: mean and standard deviation over the thinned networks.
    entropy, mutual_information : array, shape (T, gy, gx), float32
        Predictive entropy and mutual information, in nats.
    fractions, fractions_std : numpy.ndarray, shape (T, 6), float64
        Phase fractions and their spread over the thinned networks.
    state : numpy.ndarray, shape (T,), uint8
        `WAITING`, `DONE` or `FAILED`.
    frame_indices : numpy.ndarray, shape (T,), int64
        Which frames of the movie these are.
    parameters : AnalysisParameters
        The settings of the analysis.
    grid : WindowGrid
        Where the windows lie on a frame.
    pixel_size, unit, frame_time, name, source, geometry
        As in `Movie`.
    provenance : dict
        Versions, network, weights and seed; can be written as JSON.
    apparent_labels : array, shape (T, gy, gx), uint8, or None
        Classes of what the image shows, where the parameters hold a distortion; `labels` and
        all probabilities are then those of the crystal, with the distortion undone.
    a, b, gamma, orientation : array, shape (T, gy, gx), float32, or None
        The lattice fitted to each window, where the parameters ask for it: lengths in `unit`,
        angles in degrees, see `LatticeFit`; NaN where it is not resolved.
    metric_labels : array, shape (T, gy, gx), uint8, or None
        Classes of these lattices within the tolerance; 0 where not resolved.
    flags : array, shape (T, gy, gx), uint8, or None
        `Flag` values of the fits, added.
    agreement : array, shape (T, gy, gx), uint8, or None
        `AGREE` or `DISAGREE`: whether network and fit name the same class, noise and no lattice
        being the same; 0 where either has no answer.
    """

    labels: Maps
    mean: Maps
    std: Maps
    entropy: Maps
    mutual_information: Maps
    fractions: Float64
    fractions_std: Float64
    state: UInt8
    frame_indices: NDArray[np.int64]
    parameters: AnalysisParameters
    grid: WindowGrid
    pixel_size: tuple[float, float]
    unit: str
    frame_time: float | None
    name: str
    source: str | None
    provenance: dict[str, Any] = field(default_factory=dict)
    apparent_labels: Maps | None = None
    a: Maps | None = None
    b: Maps | None = None
    gamma: Maps | None = None
    orientation: Maps | None = None
    metric_labels: Maps | None = None
    flags: Maps | None = None
    agreement: Maps | None = None
    geometry: dict[str, Any] | None = None

    @classmethod
    def empty(
        cls,
        movie: Movie,
        parameters: AnalysisParameters,
        provenance: dict[str, Any] | None = None,
    ) -> Self:
        """Make room in memory for an analysis of `movie` in which no frame is done yet.

        Raises
        ------
        InputError
            If the window does not fit into the frames, or no frame is to be analyzed.
        """
        about = describe(movie, parameters, provenance or {})
        types = array_types(len(about["frame_indices"]), about["grid"], parameters)
        arrays: dict[str, Any] = {
            name: np.full(shape, fill_value(dtype), dtype) for name, (shape, dtype) in types.items()
        }
        return cls(**arrays, **about)

    def insert(self, frame: FrameResult) -> None:
        """Put the maps of a frame where they belong."""
        for name in array_names(self.parameters):
            getattr(self, name)[at(name, frame.position)] = getattr(frame, name)

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which frames are finished, shape (T,)."""
        return np.equal(self.state, DONE)

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Which frames could not be read and were skipped, shape (T,)."""
        return np.equal(self.state, FAILED)

    @property
    def times(self) -> Float64:
        """When each frame was taken: in seconds, or its index if there is no frame time."""
        return self.frame_indices.astype(np.float64) * (self.frame_time or 1.0)

    @property
    def area_shares(self) -> Float64:
        """Share of the analyzed windows that each class won, shape (T, 6); NaN if none was."""
        counts = [np.asarray((self.labels == value).sum(axis=(1, 2))) for value in LABELS.values()]
        won = np.stack(counts, axis=1).astype(np.float64)
        analyzed = won.sum(axis=1, keepdims=True)
        analyzed[analyzed == 0] = np.nan
        shares: Float64 = won / analyzed
        return shares

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write this result as a Zarr group; see `storage.save_result`."""
        from napari_lattice_symmetry.results.store import save_result

        save_result(self, path, overwrite=overwrite)

    def to_csv(self, path: str | Path) -> None:
        """Write the phase fractions as a table; see `tables.write_fractions`."""
        from napari_lattice_symmetry.results.tables import write_fractions

        write_fractions(self, path)


def describe(
    movie: Movie, parameters: AnalysisParameters, provenance: dict[str, Any]
) -> dict[str, Any]:
    """Give what a result of `movie` holds besides its arrays.

    Raises
    ------
    InputError
        If the window does not fit into the frames, or no frame is to be analyzed.
    """
    return {
        "frame_indices": np.array(parameters.frame_indices(len(movie)), dtype=np.int64),
        "parameters": parameters,
        "grid": WindowGrid(movie.shape[1:], parameters.window, parameters.stride),
        "pixel_size": movie.pixel_size,
        "unit": movie.unit,
        "frame_time": movie.frame_time,
        "name": movie.name,
        "source": movie.source,
        "provenance": provenance,
        "geometry": None if movie.geometry is None else dict(movie.geometry),
    }


def array_types(
    n_frames: int, grid: WindowGrid, parameters: AnalysisParameters
) -> dict[str, tuple[tuple[int, ...], type[np.generic]]]:
    """Give shape and dtype of each array in a result."""
    gy, gx = grid.shape
    lengths = {"class": len(CLASSES), "time": n_frames, "y": gy, "x": gx}
    return {
        name: (tuple(lengths[axis] for axis in AXES[name]), _DTYPES.get(name, np.float32))
        for name in array_names(parameters)
    }


def max_value(name: str) -> int | None:
    """Give the largest value of an array that holds labels; None of any other."""
    if name == "agreement":
        return DISAGREE
    return max(LABELS.values()) if name.endswith("labels") else None


def fill_value(dtype: type[np.generic]) -> float:
    """Give what an array holds where nothing was analyzed."""
    return float("nan") if issubclass(dtype, np.floating) else NOT_ANALYZED
