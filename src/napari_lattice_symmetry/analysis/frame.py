"""One frame: its maps while blocks of windows come in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais.classifier import Classification, Classifier
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.bravais.verdict import Judges, load_judges
from napari_lattice_symmetry.cells import plane_groups
from napari_lattice_symmetry.data.movie import NANOMETER, Movie, frame_checksum, is_blank
from napari_lattice_symmetry.errors import guard
from napari_lattice_symmetry.lattice import (
    CLASSES,
    LABELS,
    NOT_ANALYZED,
    most_probable,
)
from napari_lattice_symmetry.lattice.basis import cell_area
from napari_lattice_symmetry.lattice.distortion import seen_distortion
from napari_lattice_symmetry.lattice.plane_groups import group_label
from napari_lattice_symmetry.lattice.strain import strain_errors
from napari_lattice_symmetry.results.maps import AGREE, DISAGREE, LARGER, SMALLER, specs_of
from napari_lattice_symmetry.results.result import FrameResult
from napari_lattice_symmetry.spectrum import WindowGrid
from napari_lattice_symmetry.spectrum.fitting import fit_lattices
from napari_lattice_symmetry.spectrum.lattice_fit import TOLERANCE, Flag, LatticeFits
from napari_lattice_symmetry.spectrum.peaks import Peaks

BlockMaps: TypeAlias = dict[str, NDArray[Any]]

# With these a fit says that there is no lattice, which is an answer.
_NO_LATTICE = Flag.NO_SPOTS | Flag.ONE_DIRECTION | Flag.NO_COMMON_LATTICE
# A map of flags holds bytes; what they cannot hold has a map of its own.
_MAPPED = ~Flag.SUPERLATTICE


@dataclass(frozen=True)
class WindowAnalysis:
    """How the windows of every frame are analyzed; all that a worker elsewhere needs to know.

    Parameters
    ----------
    grid : WindowGrid
        Where they lie.
    parameters : AnalysisParameters
        The settings.
    pixel_size, unit
        As in `Movie`.
    """

    grid: WindowGrid
    parameters: AnalysisParameters
    pixel_size: tuple[float, float]
    unit: str

    @property
    def apparent_distortion(self) -> NDArray[np.float64] | None:
        """What pixels that are not square do to positions."""
        return seen_distortion(None, self.pixel_size)

    @property
    def distortion(self) -> NDArray[np.float64] | None:
        """What is undone: the distortion given, or that of pixels that are not square."""
        return seen_distortion(self.parameters.distortion, self.pixel_size)

    @property
    def tolerance(self) -> float:
        """How far the metric may be from a symmetry to be named after it."""
        return self.parameters.tolerance or TOLERANCE

    @property
    def pixel_side(self) -> float | None:
        """Side in nm of a square pixel of the same area; None if not known."""
        return math.sqrt(math.prod(self.pixel_size)) if self.unit == NANOMETER else None

    def analyze(
        self, model: Classifier, frame: NDArray[Any], what: str
    ) -> Iterator[tuple[Classification, BlockMaps]]:
        """Return the answer on the windows of a frame in blocks, and the maps that were asked for.

        Raises
        ------
        AnalysisError
            If the network or the fit fails; the sentence begins with `what`.
        """
        windows, settings = self.grid.windows(frame), self.parameters
        judges = load_judges(model.sha256) if settings.is_verdict else None

        def classify(distortion: NDArray[np.float64] | None) -> Iterator[Classification]:
            return model.classify_blocks(
                windows,
                samples=settings.samples,
                seed=settings.seed,
                distortion=distortion,
                peaks=settings.is_verdict or settings.lattice_maps,
            )

        corrected = settings.distortion is not None
        apparent = classify(self.apparent_distortion) if corrected else repeat(None)
        start = 0
        with guard(f"{what}: the analysis failed"):
            for block, seen in zip(classify(self.distortion), apparent, strict=corrected):
                stop = start + len(block.entropy)
                here = np.unravel_index(np.arange(start, stop), self.grid.shape)
                found, maps = self._answer(windows[here], block, judges)
                if seen is not None:
                    maps["apparent_labels"] = self._apparent(windows[here], seen, judges).label
                if settings.plane_groups:
                    maps |= self._name_groups(windows[here])
                start = stop
                yield found, maps

    def fit(
        self,
        windows: NDArray[Any],
        distortion: NDArray[np.float64] | None = None,
        peaks: Peaks | None = None,
    ) -> LatticeFits:
        """Fit lattices to windows (n, w, w), with the distortion undone if none is given."""
        distortion = self.distortion if distortion is None else distortion
        return fit_lattices(windows, self.pixel_side, self.tolerance, distortion, peaks)

    def _answer(
        self, windows: NDArray[Any], network: Classification, judges: Judges | None
    ) -> tuple[Classification, BlockMaps]:
        """Return the answer that was asked for, and the maps of those who have a part in it."""
        settings = self.parameters
        if judges is None and not settings.lattice_maps:
            return network, {}
        fits = self.fit(windows, peaks=network.peaks)
        maps: BlockMaps = {
            "metric_labels": fits.label,
            "flags": fits.flags & _MAPPED,
            "superlattice": superlattices(fits),
            "agreement": compare(network.label, fits),
        }
        if settings.lattice_maps:
            maps |= _lattice_maps(fits)
        if judges is None:
            return network, maps
        maps |= {"network_labels": network.label, "network_mean": network.mean.T}
        return judges.judge(windows, network, fits, settings.tolerance), maps

    def _apparent(
        self, windows: NDArray[Any], network: Classification, judges: Judges | None
    ) -> Classification:
        """Return the answer on windows as the image shows them."""
        if judges is None:
            return network
        seen = self.apparent_distortion
        fits = self.fit(windows, np.eye(2) if seen is None else seen, network.peaks)
        return judges.judge(windows, network, fits, self.parameters.tolerance)

    def _name_groups(self, windows: NDArray[Any]) -> BlockMaps:
        found = plane_groups(windows, distortion=self.distortion, lattice_tolerance=self.tolerance)
        # Within the tolerance a probability is one among the groups that it leaves, near 1.
        sure = [each.resolved and not each.within_tolerance for each in found]
        return {
            "plane_group": np.array([group_label(each.name) for each in found], dtype=np.uint8),
            "group_probability": np.array(
                [
                    each.probabilities[each.name or ""] if is_sure else np.nan
                    for each, is_sure in zip(found, sure, strict=True)
                ]
            ),
            "group_departure": np.array([100 * each.departure for each in found]),
        }


def compare(labels: NDArray[np.uint8], fits: LatticeFits) -> NDArray[np.uint8]:
    """Return where network and fit agree, as in the `agreement` of a result."""
    none = (fits.flags & _NO_LATTICE) != 0
    known = (fits.resolved | none) & (labels != NOT_ANALYZED)
    same = labels == np.where(fits.resolved, fits.label, LABELS["noise"])
    return np.where(known, np.where(same, AGREE, DISAGREE), 0).astype(np.uint8)


def superlattices(fits: LatticeFits) -> NDArray[np.uint8]:
    """Return which other cell spots speak for, as in the `superlattice` of a result."""
    is_larger = cell_area(fits.other_basis) > cell_area(fits.basis)
    which = np.where(is_larger, LARGER, SMALLER)
    return np.where(fits.flags & Flag.SUPERLATTICE, which, 0).astype(np.uint8)


def _lattice_maps(fits: LatticeFits) -> BlockMaps:
    """Take the maps of lattice parameters from fits."""
    x, y = np.moveaxis(fits.basis, -1, 0)
    directions = np.rad2deg(np.arctan2(y, x)) % 180
    maps: BlockMaps = {
        "a": fits.a,
        "b": fits.b,
        "gamma": fits.gamma,
        "orientation": fits.orientation,
        "a_direction": directions[..., 0],
        "b_direction": directions[..., 1],
    }
    names = ("strain_error_x", "strain_error_y", "strain_error_diagonal")
    errors = strain_errors(fits.basis, fits.covariance)
    return maps | dict(zip(names, errors, strict=True))


class FrameMaps:
    """The maps of a frame while its blocks come in, reduced so that memory stays the maps'."""

    def __init__(self, windows: WindowAnalysis) -> None:
        self.windows = windows
        self.shape = windows.grid.shape
        specs = [spec for spec in specs_of(windows.parameters) if spec.on_grid]
        empty = {spec.name: spec.empty(1, windows.grid)[spec.at(0)] for spec in specs}
        self.maps = {name: maps.reshape(*maps.shape[:-2], -1) for name, maps in empty.items()}
        self.thinned_totals: NDArray[np.float64] = np.zeros((1, len(CLASSES)))
        self.filled = 0
        self.analyzed = 0
        self.checksum = 0

    def fill(self, model: Classifier, frame: NDArray[Any] | None, what: str) -> Iterator[bool]:
        """Analyze a frame block by block; not at all if it is blank or could not be read.

        Yields
        ------
        bool
            After every block, whether it was the last.

        Raises
        ------
        AnalysisError
            If the network or the fit fails; the sentence begins with `what`.
        """
        if frame is None:
            return
        self.checksum = frame_checksum(frame)
        if not is_blank(frame):
            for block in self.windows.analyze(model, frame, what):
                self.add(*block)
                yield self.filled == self.windows.grid.size

    def add(self, block: Classification, maps: BlockMaps) -> None:
        """Take the next windows, in C order."""
        here = slice(self.filled, self.filled + len(block.entropy))
        answer = {
            "mean": block.mean.T,
            "std": block.std.T,
            "entropy": block.entropy,
            "mutual_information": block.mutual_information,
        }
        for name, values in (answer | maps).items():
            self.maps[name][..., here] = values
        self.thinned_totals = self.thinned_totals + block.thinned_totals
        self.filled = here.stop
        self.analyzed += int(np.isfinite(block.entropy).sum())

    def result(self, index: int, position: int, failure: str = "") -> FrameResult:
        """Return the finished maps."""
        thinned = self.thinned_totals / (self.analyzed or np.nan)
        maps = {
            name: maps.reshape(*maps.shape[:-1], *self.shape) for name, maps in self.maps.items()
        }
        maps |= {
            "labels": most_probable(maps["mean"]),
            "fractions": thinned.mean(axis=0),
            "fractions_std": thinned.std(axis=0),
            "checksum": np.array(self.checksum, np.uint64),
        }
        return FrameResult(index, position, maps, failure)


def iter_frame(
    windows: WindowAnalysis,
    model: Classifier,
    frame: NDArray[Any] | None,
    what: str,
    *,
    index: int,
    position: int,
    failure: str = "",
    advance: Callable[[int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[FrameResult | None]:
    """Analyze a frame: the same for a movie, a watch and a worker of a cluster.

    Parameters
    ----------
    windows : WindowAnalysis
        How.
    model : Classifier
        The network.
    frame : ndarray or None, shape (Y, X)
        Not analyzed if it is blank or None, which could not be read.
    what : str
        Which frame of what, as a sentence that tells of an error begins.
    index, position, failure
        As in `FrameResult`.
    advance : callable, optional
        Told after every block how many windows are done.
    should_stop : callable, optional
        Asked after every block but the last; once it says True, the iterator ends.

    Yields
    ------
    FrameResult or None
        None after every block; at last the maps, unless it was stopped.

    Raises
    ------
    AnalysisError
        If the network or the fit fails.
    """
    maps = FrameMaps(windows)
    for is_last in maps.fill(model, frame, what):
        if advance is not None:
            advance(maps.filled)
        if should_stop is not None and should_stop() and not is_last:
            return
        yield None
    if advance is not None and not maps.filled:
        advance(windows.grid.size)
    yield maps.result(index, position, failure)


class AnalysisJob:
    """What is to be analyzed, and how.

    Raises
    ------
    InputError
        If the window does not fit into the frames, or no frame is in the range.
    """

    def __init__(self, movie: Movie, parameters: AnalysisParameters) -> None:
        self.movie, self.parameters = movie, parameters
        self.grid = WindowGrid(movie.shape[1:], parameters.window, parameters.stride)
        self.windows = WindowAnalysis(self.grid, parameters, movie.pixel_size, movie.unit)
        self.indices = parameters.frame_indices(len(movie))
