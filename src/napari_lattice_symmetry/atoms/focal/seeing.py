"""Focal series as the networks see them: pixels of one size, no background, and their sum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2
from scipy.ndimage import gaussian_filter

from napari_lattice_symmetry.atoms.focal.microscope import Microscope

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]

PIXEL = 0.032
"""nm: neighboring columns of a layer MX2 are some 6 such pixels apart."""

MARK = 0.04
"""Standard deviation in nm of the mark that a network is to give of a column."""

CLASSES = ("background", "Mo", "2S", "S")
"""Of the channels that networks answer with."""

_NEIGHBORHOOD = 1.2 / PIXEL  # px
_LIMIT = 8.0
_NOISE = 0.1  # of the power of a transfer function that passes all
_BORDER = round(0.4 / PIXEL)  # px by which images are mirrored, since spectra are periodic


def see(images: Float, defoci: Sequence[float], microscope: Microscope) -> Float32:
    """Return what networks see of resampled images (n, Y, X), shape (Y, X, n + 1).

    The difference of each image from the mean of the neighborhood, in standard deviations that all
    images share, so that it stays visible where contrast is low; and the potential that they
    have in common, as far as defoci and lenses are known.

    Parameters
    ----------
    images : ndarray
        With pixels of `PIXEL`.
    defoci : sequence of float
        Of each, in nm.
    microscope : Microscope
        That recorded them.
    """
    means = np.stack([gaussian_filter(each, _NEIGHBORHOOD / 3) for each in images])
    apart = (images - means) / np.maximum(np.abs(means), 1e-9)
    common = restore(apart, PIXEL, defoci, microscope)
    seen = np.concatenate([_scaled(apart), _scaled(common[np.newaxis])])
    return np.asarray(seen.transpose(1, 2, 0), dtype=np.float32)


def restore(
    contrast: Float, pixel: float, defoci: Sequence[float], microscope: Microscope
) -> Float:
    """Return the projected potential of a weak phase object by its images, shape (Y, X).

    ``sum(T I) / (sum(T**2) + noise)`` of each spatial frequency, with the spectra I of the images
    and their transfer T, the sine of the phase shift within the envelope: a Wiener filter (O.
    Schiske, J. Microsc. 207, 154 (2002)).

    Parameters
    ----------
    contrast : ndarray, shape (n, Y, X)
        Images without their mean.
    pixel : float
        In nm.
    defoci : sequence of float
        Of each, in nm.
    microscope : Microscope
        That recorded them.
    """
    margin = [(0, 0)] + [(min(_BORDER, n - 1),) * 2 for n in contrast.shape[1:]]
    wide = np.pad(contrast, margin, mode="reflect")
    height, width = wide.shape[1:]
    half = slice(width // 2 + 1)
    envelope = microscope.envelope((height, width), pixel)[:, half]
    total = np.zeros(envelope.shape, np.complex128)
    power = np.full(envelope.shape, _NOISE)
    for image, defocus in zip(wide, defoci, strict=True):
        phase = microscope.phase_shift((height, width), pixel, defocus)[:, half]
        transfer = np.sin(phase) * envelope
        total += transfer * rfft2(image)
        power += np.square(transfer)
    common = irfft2(total / power, s=(height, width))
    (_, _), (top, _), (left, _) = margin
    inner = common[top : height - top, left : width - left]
    return np.asarray(inner)


def _scaled(images: Float) -> Float:
    deviation = float(np.sqrt(np.square(images).mean())) or 1.0
    return np.clip(images / deviation, -_LIMIT, _LIMIT)
