"""What is known of windows before a verdict: the network's answer and the fit's, in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais.classifier import Classification
from napari_lattice_symmetry.spectrum.amplitude import fill_gaps
from napari_lattice_symmetry.spectrum.lattice_fit import Flag, LatticeFits

Float = NDArray[np.float64]

_LEAST_P, _LEAST_ERROR = 1e-4, 1e-4
_PARTS = 16
_BLOCK = 64  # windows taken at a time: all of them, in double precision, take much memory


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


def shares_by_scale(windows: NDArray[Any]) -> Float:
    """Measure on which scales windows (n, w, w) vary, shape (n, 4).

    Means over 16 x 16 and 4 x 4 parts of a window tell of periods of which hardly any fit into
    it, where a spectrum has little to show; neighbors that differ little, or not at all, tell of
    pixels that were interpolated. All are shares: of the variance, and of the pixels. NaN and
    infinite pixels count as the window's mean.
    """
    starts = range(0, len(windows), _BLOCK)
    return np.concatenate([_shares(windows[start : start + _BLOCK]) for start in starts])


def _shares(windows: NDArray[Any]) -> Float:
    n, size = len(windows), windows.shape[-1]
    pixels = windows.astype(np.float64)
    if not np.isfinite(pixels).all():
        fill_gaps(pixels)
    side = size - size % _PARTS
    parts = pixels[:, :side, :side].reshape(n, _PARTS, side // _PARTS, _PARTS, side // _PARTS)
    parts = parts.mean(axis=(2, 4))
    coarser = parts.reshape(n, 4, _PARTS // 4, 4, _PARTS // 4).mean(axis=(2, 4))
    step = np.diff(pixels, axis=2)
    varying = [parts.var(axis=(1, 2)), coarser.var(axis=(1, 2)), np.square(step).mean(axis=(1, 2))]
    total = pixels.var(axis=(1, 2))
    shares = [each / np.where(total > 0, total, np.inf) for each in varying]
    return np.clip(np.stack([*shares, (step == 0).mean(axis=(1, 2))], axis=1), 0, 4)


def _of_network(network: Classification) -> Float:
    p = np.nan_to_num(network.mean.astype(np.float64))
    doubt = np.stack([network.entropy, network.mutual_information, network.std.max(axis=1)], axis=1)
    return np.concatenate([np.log(p + _LEAST_P) / 4, np.nan_to_num(np.sqrt(np.abs(doubt)))], axis=1)


def _of_fit(fits: LatticeFits, tolerance: float) -> Float:
    resolved = fits.resolved[:, np.newaxis]
    away = fits.distances / 100
    ratio_error = np.hypot(fits.a_error / fits.a, fits.b_error / fits.b)
    angle_error = np.deg2rad(fits.gamma_error) * np.sin(np.deg2rad(fits.gamma))
    either = np.maximum(ratio_error, angle_error)
    error = np.stack([either, angle_error, either, either], axis=1) + _LEAST_ERROR
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
    flags = [(fits.flags & flag) != 0 for flag in Flag]
    tolerances = np.tile([np.log(tolerance + 2e-3) / 3, tolerance == 0], (len(resolved), 1))
    numbers = np.concatenate([np.where(resolved, metric, 0), strength], axis=1)
    numbers = np.where(np.isfinite(numbers), numbers, 0)
    return np.concatenate(
        [numbers, resolved, np.stack(flags, axis=1), tolerances], axis=1, dtype=np.float64
    )
