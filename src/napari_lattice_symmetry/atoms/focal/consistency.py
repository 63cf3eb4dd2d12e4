"""Whether named columns explain the images at the defoci that were told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft2

from napari_lattice_symmetry.atoms.finding.examples import draw_marks
from napari_lattice_symmetry.atoms.focal.microscope import Microscope, frequencies

Float = NDArray[np.float64]

OFFSETS = np.arange(-15.0, 15.1, 0.5)
"""nm that all defoci may be off together."""

STRENGTH = np.array([1.0, 1.0, 0.5])
"""Projected potentials of a metal, a pair and a single, about: molybdenum and two sulfurs scatter
alike. If they were fitted, a lattice of one class would explain images of reversed contrast."""

_COARSEST, _FINEST = 1.5, 9.0  # 1/nm
_WIDE = 0.03  # nm: standard deviation of the projected potential of a column
_STEP = 0.01  # nm between two shifts that are looked at


@dataclass(frozen=True, eq=False)
class Consistency:
    """How well columns explain the images of a series.

    The images of a weak phase object are its potential, each spatial frequency times
    ``2 sin chi``. The potential is that of the columns, of one strength for all images. Every
    image but that in the middle lies where it fits best, anew for each defocus: images that were
    registered by wrong defoci would hide that these are wrong.

    Parameters
    ----------
    explained : ndarray, shape (offsets,)
        Share of the variance of all images that is explained if all defoci are off by `OFFSETS`.
    order : tuple of int
        Which defocus belongs to each image, so that most is explained.
    best : float
        Share that this order explains.
    """

    explained: Float
    order: tuple[int, ...]
    best: float

    @property
    def as_told(self) -> float:
        """Share that the defoci as told explain."""
        return float(self.explained[np.abs(OFFSETS).argmin()])

    @property
    def offset(self) -> float:
        """By how many nm all defoci are off, most likely."""
        return float(OFFSETS[self.explained.argmax()])


def check_series(
    images: Float,
    pixel: float,
    defoci: Sequence[float],
    microscope: Microscope,
    columns: tuple[Float, NDArray[np.int64]],
    *,
    reach: float = 0.0,
) -> Consistency:
    """Compare a series with what its columns would look like.

    Parameters
    ----------
    images : ndarray, shape (n, Y, X)
        The series.
    pixel : float
        In nm.
    defoci : sequence of float
        As told, in nm.
    microscope : Microscope
        That recorded it.
    columns : tuple of ndarray, shapes (m, 2) and (m,)
        y and x of the columns in pixels of the image in the middle, and their classes as whole
        numbers.
    reach : float
        How far the other images may be from that in the middle, in nm.

    Returns
    -------
    Consistency
    """
    evidence, power = _compare(images, pixel, microscope, columns, reach)

    def explained(foci: Sequence[float]) -> float:
        """Return the share of the power that columns of the best common strength hold."""
        moment, norm = np.sum([evidence(i, focus) for i, focus in enumerate(foci)], axis=0)
        return float(max(moment, 0.0) ** 2 / (norm * power))

    by_offset = np.array([explained([each + off for each in defoci]) for off in OFFSETS.tolist()])
    orders = {
        order: explained([defoci[i] for i in order]) for order in permutations(range(len(defoci)))
    }
    order = max(orders, key=orders.__getitem__)
    return Consistency(by_offset, order, orders[order])


def _compare(
    images: Float,
    pixel: float,
    microscope: Microscope,
    columns: tuple[Float, NDArray[np.int64]],
    reach: float,
) -> tuple[Callable[[int, float], tuple[float, float]], float]:
    """Return what compares an image with the columns at a defocus, and the power of all images.

    The former returns the sum of image times expected image over spatial frequencies, where the
    image fits best, and that of the expected image squared.
    """
    places, kind = columns
    shape = (images.shape[1], images.shape[2])
    ky, kx = (each.ravel() for each in frequencies(shape, pixel))
    rows = np.flatnonzero(np.abs(ky) < _FINEST)
    half = np.flatnonzero((kx >= 0) & (kx < _FINEST))  # the others are their conjugates
    box, ky, kx = np.ix_(rows, half), ky[rows], kx[half]
    k = np.hypot(ky[:, None], kx)
    weight = ((k > _COARSEST) & (k < _FINEST)) * np.where(kx > 0, 2.0, 1.0)
    window = np.outer(np.hanning(shape[0]), np.hanning(shape[1]))
    spectra = np.stack([fft2((image / image.mean() - 1) * window)[box] for image in images])
    potential = sum(
        STRENGTH[each] * draw_marks(places[kind == each], shape, _WIDE / pixel)
        for each in np.unique(kind)
    )
    expected = fft2(potential * window)[box]
    crossed = weight * spectra * expected.conj()
    squared = weight * np.square(np.abs(expected))
    shifts = _STEP * np.arange(-int(reach / _STEP), int(reach / _STEP) + 1)
    near = np.hypot(*np.meshgrid(shifts, shifts)) <= reach
    along_y = np.exp(2j * np.pi * np.outer(shifts, ky))
    along_x = np.exp(2j * np.pi * np.outer(kx, shifts))
    still = microscope.phase_shift(shape, pixel, 0.0)[box]
    slope = microscope.phase_shift(shape, pixel, 1.0)[box] - still
    envelope = microscope.envelope(shape, pixel)[box]

    @cache
    def evidence(image: int, defocus: float) -> tuple[float, float]:
        transfer = np.sin(still + defocus * slope) * envelope
        product = crossed[image] * transfer
        if image == len(images) // 2:
            moment = product.real.sum()
        else:
            moment = (along_y @ product @ along_x).real[near].max()
        return float(moment), float((squared * np.square(transfer)).sum())

    return evidence, float((weight * np.square(np.abs(spectra))).sum())
