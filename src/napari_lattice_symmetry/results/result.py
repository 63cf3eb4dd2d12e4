"""What an analysis finds: the maps of a frame, and the maps of a movie with their origin."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Frames, Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import as_path
from napari_lattice_symmetry.lattice import LABELS
from napari_lattice_symmetry.lattice.distortion import seen_distortion
from napari_lattice_symmetry.lattice.strain import (
    StrainMaps,
    covariance_of,
    reference_basis,
    strain_maps,
)
from napari_lattice_symmetry.results.maps import MAPS, specs_of
from napari_lattice_symmetry.results.schema import describe
from napari_lattice_symmetry.results.store import read_fields, save_result
from napari_lattice_symmetry.results.tables import write_fractions
from napari_lattice_symmetry.spectrum import WindowGrid

Float64: TypeAlias = NDArray[np.float64]
Maps: TypeAlias = Frames

WAITING, DONE, FAILED = 0, 1, 2
"""States of a frame; a frame that could not be read has failed."""


class _Map:
    """A map of a result as an attribute; None where the result has none."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        self.__doc__ = MAPS[name].about

    def __get__(self, result: _MapAttributes | None, owner: type) -> Any:
        return self if result is None else result.maps.get(self._name)

    def __set__(self, result: _MapAttributes, values: Any) -> None:
        result.maps[self._name] = values


class _MapAttributes:
    """The maps as attributes."""

    maps: dict[str, Any]

    labels = _Map()
    apparent_labels = _Map()
    mean = _Map()
    std = _Map()
    entropy = _Map()
    mutual_information = _Map()
    network_labels = _Map()
    network_mean = _Map()
    a = _Map()
    b = _Map()
    gamma = _Map()
    orientation = _Map()
    metric_labels = _Map()
    flags = _Map()
    superlattice = _Map()
    agreement = _Map()
    a_direction = _Map()
    b_direction = _Map()
    strain_error_x = _Map()
    strain_error_y = _Map()
    strain_error_diagonal = _Map()
    plane_group = _Map()
    group_probability = _Map()
    group_departure = _Map()
    fractions = _Map()
    fractions_std = _Map()
    checksum = _Map()


@dataclass(frozen=True, eq=False)
class FrameResult(_MapAttributes):
    """The maps of one frame; NaN, and 0 in the labels, where a window was not analyzed.

    Attributes
    ----------
    index : int
        Which frame of the movie.
    position : int
        Which of the analyzed frames, from 0: the row in a `MovieResult`.
    maps : dict of str to numpy.ndarray
        By the names in `MAPS`, with the axes there but for the time; also attributes, as in
        ``frame.labels``.
    failure : str
        Why the frame could not be read; empty if it could.
    """

    index: int
    position: int
    maps: dict[str, NDArray[Any]]
    failure: str = ""

    @property
    def state(self) -> int:
        """`FAILED` or `DONE`."""
        return FAILED if self.failure else DONE


@dataclass(eq=False)
class MovieResult(_MapAttributes):
    """The maps of a movie; frames that are not `done` hold 0 in labels, NaN elsewhere.

    Attributes
    ----------
    maps : dict of str to array
        By the names in `MAPS`, where axes, types and units are said; also attributes, as in
        ``result.labels``, which are None where there is no such map. NumPy arrays, or Dask
        arrays when they lie in a file; what is one value a frame and class is always NumPy.
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
    """

    maps: dict[str, Maps]
    state: NDArray[np.uint8]
    frame_indices: NDArray[np.int64]
    parameters: AnalysisParameters
    grid: WindowGrid
    pixel_size: tuple[float, float]
    unit: str
    frame_time: float | None
    name: str
    source: str | None
    provenance: dict[str, Any] = field(default_factory=dict)
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
        return cls._of(describe(movie, parameters, provenance or {}))

    @classmethod
    def _of(cls, about: dict[str, Any]) -> Self:
        n_frames = len(about["frame_indices"])
        maps: dict[str, Maps] = {
            spec.name: spec.empty(n_frames, about["grid"]) for spec in specs_of(about["parameters"])
        }
        return cls(maps=maps, state=np.full(n_frames, WAITING, np.uint8), **about)

    def insert(self, frame: FrameResult) -> None:
        """Put the maps of a frame where they belong."""
        for name, maps in self.maps.items():
            maps[MAPS[name].at(frame.position)] = frame.maps[name]
        self.state[frame.position] = frame.state

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

    def bases(self) -> Float64:
        """Return the lattice of every window, shape (T, gy, gx, 2, 2): vectors (x, y) in rows.

        Raises
        ------
        InputError
            If no lattices were fitted.
        """
        if self.a_direction is None:
            raise InputError(
                "This result has no directions of lattice vectors; analyze again with lattice maps."
            )
        sides = [
            np.asarray(length)[..., np.newaxis]
            * np.stack([np.cos(turn), np.sin(turn)], axis=-1).astype(np.float64)
            for length, turn in (
                (self.a, np.deg2rad(np.asarray(self.a_direction))),
                (self.b, np.deg2rad(np.asarray(self.b_direction))),
            )
        ]
        return np.stack(sides, axis=-2)

    def strain(
        self,
        reference: NDArray[Any] | tuple[float, float, float] | None = None,
        *,
        lattice_axes: bool = False,
    ) -> StrainMaps:
        """Return the strain and rotation of the lattice of every window.

        Parameters
        ----------
        reference : ndarray of bool, ndarray of shape (2, 2) or (float, float, float), optional
            What counts as not strained: windows (gy, gx) or (T, gy, gx) whose median lattice
            it is, a basis with vectors (x, y) in rows, or a and b in the unit of the result
            and gamma in degrees, turned to the crystal. The median of all windows if not given.
        lattice_axes : bool
            Give strains along and across the vector a of the reference instead of x and y.

        Returns
        -------
        StrainMaps
            Arrays of shape (T, gy, gx); errors where the result has those of its lattices.

        Raises
        ------
        InputError
            If no lattices were fitted, or the reference has none.
        """
        bases = self.bases()
        covariance = None
        if self.strain_error_x is not None:
            errors = [self.strain_error_x, self.strain_error_y, self.strain_error_diagonal]
            seen = seen_distortion(self.parameters.distortion, self.pixel_size)
            covariance = covariance_of(bases, np.stack(errors), seen)
        known = reference_basis(bases, reference)
        return strain_maps(bases, known, covariance, lattice_axes=lattice_axes)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write this result as a Zarr group; see `store.save_result`."""
        save_result(self, path, overwrite=overwrite)

    def to_csv(self, path: str | Path) -> None:
        """Write the phase fractions as a table; see `tables.write_fractions`."""
        write_fractions(self, path)


def load_result(path: str | Path) -> MovieResult:
    """Open a result that was saved; its maps are read when they are asked for.

    Parameters
    ----------
    path : str or pathlib.Path
        The Zarr folder.

    Returns
    -------
    MovieResult
        Its maps are Dask arrays.

    Raises
    ------
    InputError
        If there is no result at `path`, or it is damaged or from a newer version.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> frame = nls.LatticeImage(lattice="square", a=12, size=160).draw()
    >>> nls.analyze(frame, stride=32, samples=20).save("square.zarr")
    >>> result = nls.load_result("square.zarr")
    >>> result.parameters.window, result.fractions.round(2)
    (128, array([[1., 0., 0., 0., 0., 0.]]))
    """
    return MovieResult(**read_fields(as_path(path)))
