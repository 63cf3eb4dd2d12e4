"""What an analysis finds: the maps of a frame, and the maps of a movie with their origin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.lattice import CLASSES, LABELS, NOT_ANALYSED
from napari_lattice_symmetry.model.classifier import most_probable
from napari_lattice_symmetry.spectrum import WindowGrid

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

    from napari_lattice_symmetry.analysis.parameters import AnalysisParameters
    from napari_lattice_symmetry.movie import Movie

    Float32 = NDArray[np.float32]
    Float64 = NDArray[np.float64]
    UInt8 = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class FrameResult:
    """The maps of one frame; NaN, and 0 in the labels, where a window was not analysed.

    Attributes
    ----------
    index : int
        Which frame of the movie.
    position : int
        Which of the analysed frames, from 0: the row in a `MovieResult`.
    mean, std : numpy.ndarray, shape (6, gy, gx), float32
        Class probabilities: mean and standard deviation over the thinned networks.
    entropy, mutual_information : numpy.ndarray, shape (gy, gx), float32
        Predictive entropy and mutual information, in nats.
    fractions, fractions_std : numpy.ndarray, shape (6,), float64
        Phase fractions (mean probability over the analysed windows), and their spread over
        the thinned networks.
    """

    index: int
    position: int
    mean: Float32
    std: Float32
    entropy: Float32
    mutual_information: Float32
    fractions: Float64
    fractions_std: Float64

    @property
    def labels(self) -> UInt8:
        """Label values of the most probable classes, shape (gy, gx), uint8."""
        return most_probable(self.mean, axis=0)


@dataclass(eq=False)
class MovieResult:
    """The maps of a movie; frames that are not `done` hold 0 in `labels`, NaN elsewhere.

    Attributes
    ----------
    labels : numpy.ndarray, shape (T, gy, gx), uint8
        Label values: 1 to 6 in the order of `CLASSES`, 0 not analysed.
    mean, std : numpy.ndarray, shape (6, T, gy, gx), float32
        Class probabilities: mean and standard deviation over the thinned networks.
    entropy, mutual_information : numpy.ndarray, shape (T, gy, gx), float32
        Predictive entropy and mutual information, in nats.
    fractions, fractions_std : numpy.ndarray, shape (T, 6), float64
        Phase fractions and their spread over the thinned networks.
    done : numpy.ndarray, shape (T,), bool
        Which frames are finished.
    frame_indices : numpy.ndarray, shape (T,), int64
        Which frames of the movie these are.
    parameters : AnalysisParameters
        The settings of the analysis.
    grid : WindowGrid
        Where the windows lie on a frame.
    pixel_size, unit, frame_time, name, source
        As in `Movie`.
    provenance : dict
        Versions, network, weights and seed; can be written as JSON.
    """

    labels: UInt8
    mean: Float32
    std: Float32
    entropy: Float32
    mutual_information: Float32
    fractions: Float64
    fractions_std: Float64
    done: NDArray[np.bool_]
    frame_indices: NDArray[np.int64]
    parameters: AnalysisParameters
    grid: WindowGrid
    pixel_size: tuple[float, float]
    unit: str
    frame_time: float | None
    name: str
    source: str | None
    provenance: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def empty(
        cls,
        movie: Movie,
        parameters: AnalysisParameters,
        provenance: dict[str, Any] | None = None,
    ) -> Self:
        """Make room for an analysis of `movie` in which no frame is done yet.

        Raises
        ------
        InputError
            If the window does not fit into the frames, or no frame is to be analysed.
        """
        grid = WindowGrid(movie.shape[1:], parameters.window, parameters.stride)
        indices = np.array(parameters.frame_indices(len(movie)), dtype=np.int64)
        n, n_classes = len(indices), len(CLASSES)
        maps = (n, *grid.shape)
        return cls(
            labels=np.full(maps, NOT_ANALYSED, dtype=np.uint8),
            mean=np.full((n_classes, *maps), np.nan, dtype=np.float32),
            std=np.full((n_classes, *maps), np.nan, dtype=np.float32),
            entropy=np.full(maps, np.nan, dtype=np.float32),
            mutual_information=np.full(maps, np.nan, dtype=np.float32),
            fractions=np.full((n, n_classes), np.nan),
            fractions_std=np.full((n, n_classes), np.nan),
            done=np.zeros(n, dtype=bool),
            frame_indices=indices,
            parameters=parameters,
            grid=grid,
            pixel_size=movie.pixel_size,
            unit=movie.unit,
            frame_time=movie.frame_time,
            name=movie.name,
            source=movie.source,
            provenance=dict(provenance or {}),
        )

    def insert(self, frame: FrameResult) -> None:
        """Put the maps of a frame where they belong."""
        t = frame.position
        self.labels[t] = frame.labels
        self.mean[:, t] = frame.mean
        self.std[:, t] = frame.std
        self.entropy[t] = frame.entropy
        self.mutual_information[t] = frame.mutual_information
        self.fractions[t] = frame.fractions
        self.fractions_std[t] = frame.fractions_std
        self.done[t] = True

    @property
    def times(self) -> Float64:
        """When each frame was taken: in seconds, or its index if there is no frame time."""
        return self.frame_indices.astype(np.float64) * (self.frame_time or 1.0)

    @property
    def area_shares(self) -> Float64:
        """Share of the analysed windows that each class won, shape (T, 6); NaN if none was."""
        counts = [(self.labels == value).sum(axis=(1, 2)) for value in LABELS.values()]
        won = np.stack(counts, axis=1).astype(np.float64)
        analysed = won.sum(axis=1, keepdims=True)
        analysed[analysed == 0] = np.nan
        shares: Float64 = won / analysed
        return shares

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write this result as a Zarr group; see `storage.save_result`."""
        from napari_lattice_symmetry.analysis.storage import save_result

        save_result(self, path, overwrite=overwrite)

    def to_csv(self, path: str | Path) -> None:
        """Write the phase fractions as a table; see `tables.write_fractions`."""
        from napari_lattice_symmetry.analysis.tables import write_fractions

        write_fractions(self, path)
