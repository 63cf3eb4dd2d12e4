"""What is known of windows before a verdict: the network's answer and the fit's, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais.classifier import Classification
from napari_lattice_symmetry.lattice.classes import CLASSES
from napari_lattice_symmetry.spectrum.amplitude import standardized
from napari_lattice_symmetry.spectrum.lattice_fit import Flag, LatticeFits

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]

# A weak superlattice is no reason to doubt the class of what is strong.
_FLAGS = [flag for flag in Flag if flag is not Flag.SUPERLATTICE]
_MIN_P, _MIN_ERROR = 1e-4, 1e-4
_N_SHARES = 4
_PARTS = 16
_COARSE = 32
_LAGS = (5, 18)  # of coarse pixels, of which a window has 32 along a side
_PART = 16  # windows taken at a time: they stay in the processor's cache


def evidence(network: Classification, fits: LatticeFits, shares: Float, tolerance: float) -> Float:
    """Gather the evidence of n windows.

    Parameters
    ----------
    network : Classification
        What the network says of them.
    fits : LatticeFits
        What the fit says of them, arrays of shape (n,).
    shares : ndarray, shape (n, k)
        What `shares_by_scale` says of them.
    tolerance : float
        Within which a symmetry is to be named; 0 for as tight as errors allow.

    Returns
    -------
    ndarray, shape (n, m)
        Finite numbers of the order of 1.
    """
    numbers = [_of_network(network), _of_fit(fits, tolerance), np.log(shares + 1e-3) / 3]
    return np.concatenate(numbers, axis=1)


@dataclass(frozen=True, eq=False)
class Said:
    """What evidence (n, m) says of network and fit, arrays of shape (n,).

    Attributes
    ----------
    network : ndarray of int
        Index of the class that is the network's.
    resolved, flagged : ndarray of bool
        Whether the fit has a lattice, and whether there is anything to say of it.
    exact : ndarray of bool
        Whether the tolerance is 0.
    """

    network: NDArray[np.intp]
    resolved: NDArray[np.bool_]
    flagged: NDArray[np.bool_]
    exact: NDArray[np.bool_]

    @classmethod
    def in_evidence(cls, seen: NDArray[np.floating]) -> Said:
        """Read what `evidence` has written."""
        last = seen.shape[1] - _N_SHARES
        flags = last - 2 - len(_FLAGS)
        return cls(
            network=seen[:, : len(CLASSES)].argmax(axis=1),
            resolved=seen[:, flags - 1] > 0,
            flagged=np.asarray((seen[:, flags : flags + len(_FLAGS)] > 0).any(axis=1)),
            exact=seen[:, last - 1] > 0,
        )


def of_pixels(windows: NDArray[Any]) -> tuple[Float, Float]:
    """Return `shares_by_scale` and `repetition` of windows (n, w, w)."""
    shares, repeating = np.empty((len(windows), _N_SHARES)), np.empty(len(windows))
    for start in range(0, len(windows), _PART):
        here = slice(start, start + _PART)
        pixels = standardized(windows[here])
        shares[here], repeating[here] = _shares(windows[here], pixels), _repetition(pixels)
    return shares, repeating


def shares_by_scale(windows: NDArray[Any]) -> Float:
    """Measure on which scales windows (n, w, w) vary, shape (n, 4).

    Means over 16 x 16 and 4 x 4 parts of a window tell of periods of which hardly any fit into
    it, where a spectrum has little to show; neighbors that differ little, or not at all, tell of
    pixels that were interpolated. All are shares: of the variance, and of the pixels. NaN and
    infinite pixels count as the window's mean.
    """
    return of_pixels(windows)[0]


def repetition(windows: NDArray[Any]) -> Float:
    """Measure how much windows (n, w, w) come back to what they were, shape (n,).

    It is the spread of the autocorrelation, as a share of the variance, at lags of a sixth to a
    half of the window, each of them coarsened to 32 x 32 pixels without their ramp: some 0.35 for
    3 to 5 periods, and under 0.2 for blobs of the same size. NaN and infinite pixels count as the
    window's mean.
    """
    return of_pixels(windows)[1]


def _shares(windows: NDArray[Any], pixels: Float32) -> Float:
    parts = _means_over_parts(pixels, _PARTS)
    coarser = parts.reshape(-1, 4, _PARTS // 4, 4, _PARTS // 4).mean(axis=(2, 4))
    step = np.diff(pixels, axis=2)
    steps = np.einsum("nyx,nyx->n", step, step) / step[0].size
    varying = [parts.var(axis=(1, 2)), coarser.var(axis=(1, 2)), steps]
    # In pixels as they came: what differs by little may be equal once it is standardized.
    equal = windows[:, :, 1:] == windows[:, :, :-1]
    if windows.dtype.kind == "f":
        missing = ~np.isfinite(windows)
        equal |= missing[:, :, 1:] & missing[:, :, :-1]
    share = np.count_nonzero(equal, axis=(1, 2)) / step[0].size
    return np.asarray(np.clip(np.stack([*varying, share], axis=1), 0, 4), np.float64)


def _repetition(pixels: Float32) -> Float:
    size = 2 * _COARSE
    coarse = _without_ramp(_means_over_parts(pixels, _COARSE))
    spectrum = scipy.fft.fft(scipy.fft.rfft(coarse, size), size, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    # The other half of the lags has the same correlations.
    correlation = scipy.fft.irfft(scipy.fft.ifft(power, axis=1)[:, : _LAGS[1]], size)
    place, overlap = _lags()
    spread = np.take(correlation.reshape(len(pixels), -1), place, axis=1) / overlap
    total = correlation[:, 0, 0] / _COARSE**2
    return np.asarray(spread.std(axis=1, dtype=np.float64) / np.where(total > 0, total, np.inf))


@cache
def _lags() -> tuple[NDArray[np.intp], Float32]:
    """Where in half a correlation its lags are neither short nor long, and how much overlaps."""
    y, x = np.arange(_LAGS[1])[:, np.newaxis], np.fft.fftfreq(2 * _COARSE, 1 / (2 * _COARSE))
    distance = np.hypot(y, x)
    place = np.flatnonzero((distance > _LAGS[0]) & (distance < _LAGS[1]) & ((y > 0) | (x > 0)))
    overlap = (_COARSE - y) * np.maximum(_COARSE - np.abs(x), 1)
    return place, overlap.ravel()[place].astype(np.float32)


def _means_over_parts(pixels: Float32, parts: int) -> Float32:
    """Take means over equal parts of windows (n, w, w), shape (n, parts, parts)."""
    n, step = len(pixels), pixels.shape[-1] // parts
    side = parts * step
    rows = pixels[:, :side, :side].reshape(n, parts, step, side).sum(axis=2)
    # As a product: sums of few numbers in a row are slow.
    means: Float32 = rows.reshape(n, parts, parts, step) @ np.full(step, step**-2, np.float32)
    return means


def _without_ramp(coarse: Float32) -> Float32:
    """Take mean and ramp off means (n, 32, 32)."""
    flat = coarse.reshape(len(coarse), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    along = np.indices((_COARSE, _COARSE), np.float32).reshape(2, -1) - (_COARSE - 1) / 2
    slopes = flat @ along.T / np.square(along).sum(axis=1)
    return np.asarray((flat - slopes @ along).reshape(coarse.shape), np.float32)


def _of_network(network: Classification) -> Float:
    p = np.nan_to_num(network.mean.astype(np.float64))
    doubt = np.stack([network.entropy, network.mutual_information, network.std.max(axis=1)], axis=1)
    return np.concatenate([np.log(p + _MIN_P) / 4, np.nan_to_num(np.sqrt(np.abs(doubt)))], axis=1)


def _of_fit(fits: LatticeFits, tolerance: float) -> Float:
    resolved = fits.resolved[:, np.newaxis]
    away = fits.distances / 100
    ratio_error = np.hypot(fits.a_error / fits.a, fits.b_error / fits.b)
    angle_error = np.deg2rad(fits.gamma_error) * np.sin(np.deg2rad(fits.gamma))
    either = np.maximum(ratio_error, angle_error)
    error = np.stack([either, angle_error, either, either], axis=1) + _MIN_ERROR
    metric = np.concatenate(
        [
            np.log(away + 1e-3) / 3,
            np.arcsinh(away / error) / 3,
            np.arcsinh((away - tolerance) / error) / 3,
            np.log(error[:, :2]) / 4,
        ],
        axis=1,
    )
    strength = np.stack(
        [
            np.log(1 - fits.quality + 1e-3) / 3,
            np.log1p(fits.peaks) / 2,
            np.log1p(np.maximum(fits.clearest, 0)),
            np.log1p(np.maximum(fits.off_line, 0)) / 2,
            np.arcsinh(fits.score) / 3,
            np.log(fits.periods / 10),
            np.log(fits.sampling / 10),
        ],
        axis=1,
    )
    flags = [(fits.flags & flag) != 0 for flag in _FLAGS]
    tolerances = np.tile([np.log(tolerance + 2e-3) / 3, tolerance == 0], (len(resolved), 1))
    numbers = np.concatenate([np.where(resolved, metric, 0), strength], axis=1)
    numbers = np.where(np.isfinite(numbers), numbers, 0)
    return np.concatenate(
        [numbers, resolved, np.stack(flags, axis=1), tolerances], axis=1, dtype=np.float64
    )
