"""Images of a focal series over each other, though contrast reverses between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft2, ifft2
from scipy.ndimage import shift

from napari_lattice_symmetry.atoms.focal.microscope import Microscope, frequencies

Float = NDArray[np.float64]

REACH = 0.14
"""Farthest drift between two images in nm, if not told: less than half a lattice constant."""

_FINEST = 8.0  # 1/nm: beyond, foci are not known well enough for a sign
_COARSEST = 0.7


def measure_shifts(
    images: Float, pixel: float, defoci: Sequence[float], microscope: Microscope, reach: float
) -> Float:
    """Measure how far each image is from that in the middle, (n, 2) along y and x in pixels.

    The phase of every spatial frequency is turned where the microscope reverses its contrast, and
    images are correlated then.

    Parameters
    ----------
    images : ndarray, shape (n, Y, X)
        Of a series.
    pixel : float
        In nm.
    defoci : sequence of float
        Of each, in nm.
    microscope : Microscope
        That recorded them.
    reach : float
        Farthest drift that is looked for, in nm; less than half a lattice constant, unless there is
        more than a crystal to be seen.
    """
    flipped = [
        flip_phases(image, pixel, defocus, microscope)
        for image, defocus in zip(images, defoci, strict=True)
    ]
    middle = flipped[len(flipped) // 2]
    return np.stack([_shift(middle, each, reach / pixel) for each in flipped])


def flip_phases(image: Float, pixel: float, defocus: float, microscope: Microscope) -> Float:
    """Return an image in which atoms are bright at all spatial frequencies, shape (Y, X).

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Of a thin specimen.
    pixel, defocus : float
        In nm.
    microscope : Microscope
        That recorded it.
    """
    shape = (image.shape[0], image.shape[1])
    ky, kx = frequencies(shape, pixel)
    k = np.hypot(ky, kx)
    transfer = np.sin(microscope.phase_shift(shape, pixel, defocus))
    transfer *= microscope.envelope(shape, pixel) * ((k > _COARSEST) & (k < _FINEST))
    spread = float(image.std()) or 1.0
    return np.asarray(ifft2(fft2((image - image.mean()) / spread) * transfer).real)


def _shift(first: Float, second: Float, reach: float) -> Float:
    """Find the shift of the second image within `reach` pixels, to a fraction of one."""
    correlation = ifft2(fft2(second) * np.conj(fft2(first))).real
    n = int(np.ceil(reach))
    offsets = np.arange(-n, n + 1)
    part = correlation[np.ix_(offsets, offsets)]
    far = np.hypot(*np.meshgrid(offsets, offsets)) > reach
    part = np.where(far, -np.inf, part)
    i, j = np.unravel_index(int(part.argmax()), part.shape)
    found = []
    for axis, index in ((0, i), (1, j)):
        line = np.take(part, j if axis == 0 else i, axis=1 - axis)
        if 0 < index < 2 * n and np.isfinite(line[index - 1 : index + 2]).all():
            before, top, after = line[index - 1 : index + 2]
            bend = before - 2 * top + after
            found.append(
                offsets[index] + (before - after) / (2 * bend) if bend < 0 else offsets[index]
            )
        else:
            found.append(offsets[index])
    return np.array(found, dtype=np.float64)


def register(images: Float, drift: Float) -> Float:
    """Return the images moved onto that in the middle, shape (n, Y, X).

    Parameters
    ----------
    images : ndarray, shape (n, Y, X)
        Of a series.
    drift : ndarray, shape (n, 2)
        As `measure_shifts` gives it.
    """
    return np.stack(
        [
            shift(image, -by, order=3, mode="reflect") if by.any() else image
            for image, by in zip(images, drift, strict=True)
        ]
    )
