"""From windows to lattices: peaks, indexing, reduction, errors; no network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.movie import NANOMETER, PIXEL
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import CLASSES, NOT_ANALYZED
from napari_lattice_symmetry.lattice.basis import cell_parameters, departures, reduce_basis
from napari_lattice_symmetry.lattice.metric import FOLDS, axis_indices, metric_labels
from napari_lattice_symmetry.spectrum.amplitude import analyzable
from napari_lattice_symmetry.spectrum.checks import as_windows, is_real, pixel_sizes
from napari_lattice_symmetry.spectrum.indexing import (
    CLEAR,
    Indexing,
    index_lattices,
    peak_weights,
)
from napari_lattice_symmetry.spectrum.lattice_fit import (
    MAX_PERIODS,
    MIN_PERIODS,
    MIN_SAMPLING,
    SYMMETRIES,
    TOLERANCE,
    UNRESOLVED,
    Flag,
    LatticeFit,
    LatticeFits,
)
from napari_lattice_symmetry.spectrum.peaks import Peaks, find_peaks
from napari_lattice_symmetry.spectrum.sampling import distortion_key
from napari_lattice_symmetry.spectrum.superlattice import other_cells

Float = NDArray[np.float64]

# Least weight of all spots off the line of the clearest ones: two of 4 or one of 5 times the noise.
_MIN_OFF_LINE = 0.5
# The least logarithm of odds against chance, the least share of the spots' strength explained.
_MIN_SCORE, _MIN_QUALITY = 3.0, 0.5
# Windows whose peaks are indexed together: arrays stay small, and so does the share of calls.
_BLOCK = 512
# By label value.
_FOLDS = np.array([180.0, *(FOLDS.get(name, 180.0) for name in CLASSES)])


def fit_lattice(
    window: NDArray[Any],
    pixel_size: float | tuple[float, float] | None = None,
    tolerance: float = TOLERANCE,
    distortion: NDArray[np.float64] | None = None,
) -> LatticeFit:
    """Fit a lattice to the spectrum of one window.

    Parameters
    ----------
    window : ndarray, shape (w, w)
        Any real dtype; NaN and infinite pixels count as missing.
    pixel_size : float or (float, float), optional
        Size of a pixel, or along y and x, in nm. Lengths are in pixels if not given.
    tolerance : float
        Distance from a symmetry (see `symmetry_distances`) within which it is named.
    distortion : ndarray, shape (2, 2), optional
        What the scan did to positions in pixels, ``seen = distortion @ true``; the lattice is
        given as it was before.

    Returns
    -------
    LatticeFit
        The lattice with standard errors, or the reason why it is not resolved.

    Raises
    ------
    InputError
        If the window is not square or too small, the pixel size or tolerance not positive, or
        the distortion not invertible.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> window = nls.LatticeImage(lattice="hexagonal", a=12, counts=200).draw()
    >>> fit = nls.fit_lattice(window, pixel_size=0.02)
    >>> fit.lattice, round(fit.a, 2), round(fit.gamma), fit.unit
    ('hexagonal', 0.24, 60, 'nm')
    """
    window = as_windows(window, "(w, w)")
    return fit_lattices(window[np.newaxis], pixel_size, tolerance, distortion)[0]


def fit_lattices(
    windows: NDArray[Any],
    pixel_size: float | tuple[float, float] | None = None,
    tolerance: float = TOLERANCE,
    distortion: NDArray[np.float64] | None = None,
    peaks: Peaks | None = None,
) -> LatticeFits:
    """Fit a lattice to the spectrum of every window, for maps.

    Parameters
    ----------
    windows : ndarray, shape (..., w, w)
        One axis or more before the last two, such as the view of `WindowGrid.windows`.
    pixel_size, tolerance, distortion
        As for `fit_lattice`.
    peaks : Peaks, optional
        Of the windows in C order, where `find_peaks` was asked before.

    Returns
    -------
    LatticeFits
        Arrays of shape (...).

    Raises
    ------
    InputError
        As `fit_lattice`.
    """
    windows = as_windows(windows)
    shape = windows.shape[:-2]
    if not (is_real(tolerance) and tolerance > 0):
        raise InputError(f"A tolerance of {tolerance} is not positive.")
    to_true = _to_true(pixel_size, distortion)

    n = int(np.prod(shape))
    blocks = []
    for start in range(0, max(n, 1), _BLOCK):
        stop = min(start + _BLOCK, n)
        block = windows[np.unravel_index(np.arange(start, stop), shape)]
        found = find_peaks(block) if peaks is None else peaks.of(slice(start, stop))
        blocks.append(_fit_block(block, found, to_true, tolerance))
    arrays = {
        name: np.concatenate([block[name] for block in blocks]).reshape(
            *shape, *blocks[0][name].shape[1:]
        )
        for name in blocks[0]
    }
    unit = PIXEL if pixel_size is None else NANOMETER
    return LatticeFits(**arrays, unit=unit, tolerance=tolerance)


def _to_true(
    pixel_size: float | tuple[float, float] | None, distortion: NDArray[np.float64] | None
) -> Float:
    """Matrix that takes positions (x, y) seen in pixels to true ones in the unit of length."""
    size_y, size_x = pixel_sizes(pixel_size)
    key = distortion_key(distortion)
    undone = np.eye(2) if key is None else np.linalg.inv(key)
    return np.asarray(np.diag([size_x, size_y]) @ undone)


def _fit_block(
    windows: NDArray[Any], peaks: Peaks, to_true: Float, tolerance: float
) -> dict[str, NDArray[Any]]:
    """Fit (n, w, w) windows with these peaks; gives the array fields of `LatticeFits`."""
    size = windows.shape[-1]
    found = index_lattices(peaks)
    flags = _flags(found)
    flags[~analyzable(windows)] = Flag.MISSING_PIXELS

    seen = np.full((len(windows), 2, 2), np.nan)
    covariance = seen.copy()
    here = np.flatnonzero(flags & UNRESOLVED == 0)
    first = size * np.linalg.inv(found.basis[here]).swapaxes(1, 2)
    seen[here] = reduce_basis(first @ to_true.T) @ np.linalg.inv(to_true).T
    # Reduction combines lattice vectors in whole numbers; reciprocal ones combine inversely.
    change = np.rint(first @ np.linalg.inv(seen[here])).swapaxes(1, 2)
    covariance[here] = change @ found.covariance[here] @ change.swapaxes(1, 2)

    sampling = np.linalg.norm(seen, axis=2).min(axis=1)
    periods = size / sampling
    flags[periods < MIN_PERIODS] |= Flag.FEW_PERIODS
    flags[periods > MAX_PERIODS] |= Flag.MANY_PERIODS
    flags[sampling < MIN_SAMPLING] |= Flag.COARSE_SAMPLING
    seen[flags & UNRESOLVED != 0] = np.nan
    other = _other_bases(peaks, found, np.isfinite(seen[:, 0, 0]), size * to_true.T)
    has_other = np.isfinite(other[:, 0, 0])
    flags[has_other] = flags[has_other] & ~Flag.TWO_LATTICES | Flag.SUPERLATTICE
    return {
        **_metric(seen, covariance / size**2, to_true, tolerance),
        "other_basis": other,
        "quality": found.quality,
        "peaks": found.count,
        "clearest": found.clearest,
        "off_line": found.off_line,
        "score": found.score,
        "periods": periods,
        "sampling": sampling,
        "flags": flags,
    }


def _other_bases(
    peaks: Peaks, found: Indexing, resolved: NDArray[np.bool_], to_true: Float
) -> Float:
    """Find sublattices and superlattices, direct bases (n, 2, 2); NaN for none.

    `to_true` takes direct vectors in windows to those of the sample.
    """
    other = np.full(found.basis.shape, np.nan)
    here = np.flatnonzero(resolved)
    known = peaks.of(here)
    weights, second = peak_weights(known), found.second_lattice[here]
    reciprocal = other_cells(known, weights, found.basis[here], second)
    there = np.isfinite(reciprocal[:, 0, 0])
    other[here[there]] = reduce_basis(np.linalg.inv(reciprocal[there]).swapaxes(1, 2) @ to_true)
    return other


def _flags(found: Indexing) -> NDArray[np.int64]:
    """Judge lattices by the spots they explain."""
    flags = np.where(found.second_lattice, Flag.TWO_LATTICES, 0)
    flags[(found.score < _MIN_SCORE) | (found.quality < _MIN_QUALITY)] = Flag.NO_COMMON_LATTICE
    flags[found.off_line < _MIN_OFF_LINE] = Flag.ONE_DIRECTION
    flags[found.clearest < CLEAR] = Flag.NO_SPOTS
    return flags


def _metric(
    seen: Float, covariance: Float, to_true: Float, tolerance: float
) -> dict[str, NDArray[Any]]:
    """Lattice parameters, errors and symmetry of reduced bases (n, 2, 2) seen in pixels.

    `covariance` is that of the reciprocal vectors in cycles per pixel.
    """
    n = len(seen)
    basis = seen @ to_true.T
    label = np.full(n, NOT_ANALYZED, dtype=np.uint8)
    distances = np.full((n, len(SYMMETRIES)), np.nan)
    known = np.isfinite(basis).all(axis=(1, 2))
    away = departures(basis[known])
    label[known], distances[known] = metric_labels(away, tolerance), 100 * away
    axis = axis_indices(basis, label)
    direction = np.einsum("nk,nkx->nx", axis, basis)

    u, v = basis[:, 0], basis[:, 1]
    a, b, gamma = np.moveaxis(cell_parameters(basis), -1, 0)
    none = np.zeros_like(u)
    # As seen.T @ reciprocal = 1, d(seen) = -seen @ d(reciprocal).T @ seen; both components of
    # reciprocal vectors err alike and by themselves.
    of_components = basis.swapaxes(1, 2) @ covariance @ basis
    of_basis = np.einsum("nik,nxy->nixky", seen @ seen.swapaxes(1, 2), of_components)
    of_basis = of_basis.reshape(n, 4, 4)

    def error(gradient: Float) -> Float:
        """Return the standard error of a function of the basis with this gradient (n, 2, 2)."""
        along = gradient.reshape(n, 4)
        return np.asarray(np.sqrt(np.einsum("ni,nij,nj->n", along, of_basis, along)))

    along_a, along_b = u / a[:, np.newaxis], v / b[:, np.newaxis]
    turn_a, turn_b, turn_axis = (_turning(vector) for vector in (u, v, direction))
    return {
        "a": a,
        "b": b,
        "gamma": gamma,
        "orientation": np.rad2deg(np.arctan2(direction[:, 1], direction[:, 0])) % _FOLDS[label],
        "a_error": error(np.stack([along_a, none], axis=1)),
        "b_error": error(np.stack([none, along_b], axis=1)),
        "gamma_error": np.rad2deg(error(np.stack([-turn_a, turn_b], axis=1))),
        "orientation_error": np.rad2deg(error(axis[:, :, np.newaxis] * turn_axis[:, np.newaxis])),
        "basis": basis,
        "covariance": of_basis,
        "label": label,
        "distances": distances,
    }


def _turning(vectors: Float) -> Float:
    """Gradient of the direction (radians) of vectors (n, 2)."""
    across = np.stack([-vectors[:, 1], vectors[:, 0]], axis=1)
    return np.asarray(across / np.square(vectors).sum(axis=1, keepdims=True))
