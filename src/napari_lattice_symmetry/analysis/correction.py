"""The distortion of a frame, measured where its lattice is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import AnalysisError, InputError
from napari_lattice_symmetry.lattice import correct_basis, describe_stretch, solve_distortion
from napari_lattice_symmetry.lattice.basis import lattice_parameters, reduce_basis
from napari_lattice_symmetry.spectrum import WindowGrid, fit_lattices
from napari_lattice_symmetry.spectrum.checks import MIN_WINDOW
from napari_lattice_symmetry.spectrum.period import measure_period

Matrix: TypeAlias = NDArray[np.float64]

Known: TypeAlias = str | tuple[float, float, float]
"""A lattice that is known: "square", "hexagonal", or a, b and gamma in degrees."""

# Windows hold so many periods, the first number where the region has room for them.
_PERIODS = (10, 8, 6)
_WINDOWS_A_SIDE = 9
# So much of a window has to lie in the region.
_INSIDE = 0.85
# Stretches that differ more, as logarithms, are not of one distortion; so many windows have to
# agree.
_APART, _MIN_CONSENT = 0.1, 0.5
# No scan stretches an image that much, but another cell than the known one seems to be.
_MAX_STRETCH = 1.6


@dataclass(frozen=True, eq=False)
class MeasuredDistortion:
    """The distortion of a frame, and what it rests on.

    Parameters
    ----------
    matrix : ndarray, shape (2, 2)
        Symmetric D, ``seen = D @ true`` for positions (x, y) in pixels.
    window : int
        Side in pixels of the windows to which lattices were fitted.
    agreeing, resolved, windows : int
        How many windows have this distortion, have a lattice, and were looked at.
    residual : float
        Stretch that is left in the windows that agree: the median of its logarithm.
    ratio, gamma : float
        Median of b / a and gamma (degrees) of the lattice after correction.
    """

    matrix: Matrix
    window: int
    agreeing: int
    resolved: int
    windows: int
    residual: float
    ratio: float
    gamma: float

    @property
    def rows(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The matrix as `AnalysisParameters.distortion` takes it."""
        (xx, xy), (yx, yy) = self.matrix.tolist()
        return (xx, xy), (yx, yy)

    def __str__(self) -> str:
        stretch, direction = describe_stretch(self.matrix)
        return (
            f"stretched {stretch:.3f} : 1 along {direction:.0f}°; "
            f"{self.agreeing} of {self.windows} windows of {self.window} px agree "
            f"within {self.residual:.1%}; after correction b / a = {self.ratio:.3f}, "
            f"gamma = {self.gamma:.1f}°"
        )


def measure_distortion(
    frame: NDArray[Any],
    known: Known,
    region: NDArray[np.bool_] | None = None,
    *,
    pixel_side: float | None = None,
    window: int | None = None,
) -> MeasuredDistortion:
    """Measure what the scan did to a frame, or to a region of it, whose lattice is known.

    A lattice is fitted to windows all over the region. Each gives a distortion, whatever grain
    it lies on; those that agree are averaged.

    Parameters
    ----------
    frame : ndarray, shape (Y, X)
        Any real dtype.
    known : {"square", "hexagonal"} or (float, float, float)
        The lattice of the crystal: its name, or a and b in nm (in pixels without `pixel_side`)
        and gamma in degrees.
    region : ndarray of bool, shape (Y, X), optional
        Where that lattice is; everywhere if not given.
    pixel_side : float, optional
        Side in nm of a square pixel of the same area.
    window : int, optional
        Side of the windows in pixels; some 10 lattice periods if not given.

    Returns
    -------
    MeasuredDistortion

    Raises
    ------
    InputError
        If `known` is no such lattice, or the region is empty, too small, or of another shape
        than the frame.
    AnalysisError
        If no lattice is resolved, the windows do not agree on one distortion, or it is greater
        than that of any scan.
    """
    lattice = known if isinstance(known, str) else _in_pixels(known, pixel_side)
    frame, inside = _crop(frame, region)
    sizes = [window] if window else _window_sizes(frame)
    windows = _windows_inside(frame, inside, sizes)
    fits = fit_lattices(windows)
    seen = fits.basis[fits.resolved]
    if not len(seen):
        raise AnalysisError(
            f"No lattice is resolved in {len(windows)} windows of {windows.shape[-1]} px; mark a "
            "region that shows one clearly."
        )
    logarithms = np.array([_logarithm(solve_distortion(basis, lattice)) for basis in seen])
    agreeing = _agreeing(logarithms)
    if agreeing.mean() < _MIN_CONSENT:
        raise AnalysisError(
            f"The lattice is distorted differently in {len(seen)} windows; mark a region of one "
            "crystal, or check which lattice is known."
        )
    mean = logarithms[agreeing].mean(axis=0)
    matrix = _exponential(mean)
    stretch, _ = describe_stretch(matrix)
    if stretch > _MAX_STRETCH:
        a, b, gamma = np.median([lattice_parameters(basis) for basis in seen[agreeing]], axis=0)
        raise AnalysisError(
            f"The lattice seen (a = {a:.1f} px, b = {b:.1f} px, gamma = {gamma:.0f}°) would be "
            f"stretched {stretch:.1f} : 1, which no scan does; type the a, b and gamma it has."
        )
    left = np.linalg.eigvalsh(logarithms[agreeing] - mean)
    cells = [reduce_basis(correct_basis(basis, matrix)) for basis in seen[agreeing]]
    a, b, gamma = np.median([lattice_parameters(basis) for basis in cells], axis=0)
    return MeasuredDistortion(
        matrix=matrix,
        window=windows.shape[-1],
        agreeing=int(agreeing.sum()),
        resolved=len(seen),
        windows=len(windows),
        residual=float(np.median(np.abs(left).max(axis=1))),
        ratio=float(b / a),
        gamma=float(gamma),
    )


def _in_pixels(
    known: tuple[float, float, float], pixel_side: float | None
) -> tuple[float, float, float]:
    a, b, gamma = known
    side = pixel_side or 1.0
    return a / side, b / side, gamma


def _crop(
    frame: NDArray[Any], region: NDArray[np.bool_] | None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Cut out the bounding box of a region, of the frame and of itself."""
    inside = np.ones(frame.shape, dtype=bool) if region is None else np.asarray(region, dtype=bool)
    if inside.shape != frame.shape:
        raise InputError(f"A region of shape {inside.shape} is not one of a {frame.shape} frame.")
    boxes = scipy.ndimage.find_objects(inside.astype(np.uint8))
    if not boxes:
        raise InputError("The region is empty; mark one that lies on the frame.")
    return frame[boxes[0]], inside[boxes[0]]


def _window_sizes(frame: NDArray[Any]) -> list[int]:
    """Sizes of windows to try, from the lattice period."""
    period = measure_period([frame])
    if period is None:
        raise AnalysisError("No lattice is seen in the region; mark one that shows it clearly.")
    return [max(MIN_WINDOW, round(n * period.length)) for n in _PERIODS]


def _windows_inside(
    frame: NDArray[Any], inside: NDArray[np.bool_], sizes: list[int]
) -> NDArray[Any]:
    """Take windows (n, w, w) that lie in the region, of the first size that does."""
    height, width = frame.shape
    for size in sizes:
        if size > min(frame.shape):
            continue
        stride = max(1, (max(frame.shape) - size) // (_WINDOWS_A_SIDE - 1))
        grid = WindowGrid((height, width), size, stride)
        chosen = grid.windows(inside).mean(axis=(2, 3)) >= _INSIDE
        if chosen.any():
            return np.asarray(grid.windows(frame)[chosen])
    raise InputError(
        f"The region of {height} x {width} px holds no window of {sizes[-1]} px, as a lattice fit "
        "needs; mark a larger one."
    )


def _agreeing(logarithms: Matrix) -> NDArray[np.bool_]:
    """Find the largest group of matrices (n, 2, 2) that are near to one of them."""
    apart = np.linalg.norm(logarithms[:, np.newaxis] - logarithms, axis=(2, 3))
    near = apart < _APART
    return np.asarray(near[near.sum(axis=1).argmax()])


def _logarithm(matrix: Matrix) -> Matrix:
    """Logarithm of a symmetric, positive matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.log(values) @ vectors.T)


def _exponential(matrix: Matrix) -> Matrix:
    """Exponential of a symmetric matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.exp(values) @ vectors.T)
