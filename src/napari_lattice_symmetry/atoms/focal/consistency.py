"""Whether named columns explain the images at the defoci that were told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft2

from napari_lattice_symmetry.atoms.finding.examples import draw_marks
from napari_lattice_symmetry.atoms.focal.microscope import Microscope, frequencies

Float = NDArray[np.float64]
Spectra = NDArray[np.complex128]

OFFSETS = np.arange(-15.0, 15.1, 0.5)
"""nm that all defoci may be off together."""

_COARSEST, _FINEST = 1.5, 9.0  # 1/nm
_WIDE = 0.03  # nm: standard deviation of the projected potential of a column


@dataclass(frozen=True, eq=False)
class Consistency:
    """How well columns explain the images of a series.

    The images of a weak phase object are its potential, each spatial frequency times
    ``2 sin chi``. The potential is that of the columns, each class with a strength of its own,
    which is fitted to all images at once.

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
) -> Consistency:
    """Compare a registered series with what its columns would look like.

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
        y and x of the columns in pixels, and their classes as whole numbers.

    Returns
    -------
    Consistency
    """
    places, kind = columns
    shape = (images.shape[1], images.shape[2])
    ky, kx = frequencies(shape, pixel)
    k = np.hypot(ky, kx)
    used = (k > _COARSEST) & (k < _FINEST)
    window = np.outer(np.hanning(shape[0]), np.hanning(shape[1]))
    spectra = np.stack([fft2((image / image.mean() - 1) * window)[used] for image in images])
    atoms = np.stack(
        [
            fft2(draw_marks(places[kind == each], shape, _WIDE / pixel) * window)[used]
            for each in np.unique(kind)
        ]
    )

    def transfers(off: float) -> Float:
        return np.stack(
            [
                (
                    np.sin(microscope.phase_shift(shape, pixel, defocus + off))
                    * microscope.envelope(shape, pixel)
                )[used]
                for defocus in defoci
            ]
        )

    explained = np.array([_explained(spectra, atoms, transfers(float(off))) for off in OFFSETS])
    told = transfers(0.0)
    orders = {
        order: _explained(spectra, atoms, told[list(order)])
        for order in permutations(range(len(images)))
    }
    order = max(orders, key=orders.__getitem__)
    return Consistency(explained, order, orders[order])


def _explained(spectra: Spectra, atoms: Spectra, told: Float) -> float:
    """Give the share of the power of spectra (n, k) that atoms (c, k) by transfers (n, k) hold."""
    design = (told[:, None, :] * atoms[None, :, :]).transpose(1, 0, 2).reshape(len(atoms), -1)
    values = spectra.ravel()
    normal = (design.conj() @ design.T).real
    moment = (design.conj() @ values).real
    strengths, *_ = np.linalg.lstsq(normal, moment, rcond=None)
    return float(strengths @ moment / np.square(np.abs(values)).sum())
