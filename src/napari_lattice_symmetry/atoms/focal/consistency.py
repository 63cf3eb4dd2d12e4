"""Whether one potential explains all images of a series at the defoci that were told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft2

from napari_lattice_symmetry.atoms.focal.microscope import Microscope, frequencies

Float = NDArray[np.float64]

OFFSETS: Float = np.linspace(-15.0, 15.0, 61)
"""nm that all defoci may be off together."""

TOLERANCE = 2.0
"""nm within which defoci count as those that were told."""

GAIN = 2.0
"""How many times less other foci have to leave unexplained to be believed: specimens are not quite
as thin as it is assumed, nor foci quite as told."""

_NEAR: Float = OFFSETS[np.abs(OFFSETS) <= TOLERANCE]
_ALL_ORDERS = 4  # images up to which every order is looked at
_COARSEST, _FINEST = 1.5, 9.0  # 1/nm
_STEP = 0.005  # nm between two shifts that are looked at
_STANDS_OUT = 8.0  # times the median power of all frequencies
_MIN_FREQUENCIES = 12


@dataclass(frozen=True, eq=False)
class Consistency:
    """How well one potential explains the images of a series.

    Parameters
    ----------
    explained : ndarray, shape (offsets,)
        Share of the power of all images, at spatial frequencies that stand out of the noise, that
        is explained if all defoci are off by `OFFSETS`.
    orders : dict
        Share that is explained if each image has the defocus of this index, and all may be off by
        `TOLERANCE`.
    """

    explained: Float
    orders: dict[tuple[int, ...], float]

    @property
    def as_told(self) -> float:
        """Share that the defoci as told explain, or others within `TOLERANCE`."""
        return float(self.explained[np.abs(OFFSETS) <= TOLERANCE].max())

    @property
    def order(self) -> tuple[int, ...]:
        """Which defocus belongs to each image, so that most is explained."""
        return max(self.orders, key=self.orders.__getitem__)

    @property
    def best(self) -> float:
        """Share that this order explains."""
        return self.orders[self.order]

    @property
    def others(self) -> list[tuple[int, ...]]:
        """Orders other than that told which cannot be told from it by the images."""
        most = GAIN * (1 - self.as_told)
        told = tuple(range(len(self.order)))
        return [each for each, share in self.orders.items() if each != told and 1 - share < most]

    @property
    def offset(self) -> float:
        """By how many nm all defoci are off, most likely."""
        return float(OFFSETS[self.explained.argmax()])


def check_series(
    images: Float,
    pixel: float,
    defoci: Sequence[float],
    microscope: Microscope,
    *,
    reach: float = 0.0,
) -> Consistency | None:
    """Compare images with each other: a thin specimen has the same potential in all of them.

    Each spatial frequency of an image is that of the potential times ``2 sin chi`` (E. J.
    Kirkland, *Advanced Computing in Electron Microscopy*, 2010). Of the images I and their
    transfer T the potential that fits best is ``sum(T I) / sum(T**2)``, and the power that it
    explains ``|sum(T I)|**2 / sum(T**2)``. Nothing has to be known of the specimen. Every image is
    laid where it fits that in the middle best, anew for each defocus: images that were registered
    by wrong defoci would hide that these are wrong.

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
    reach : float
        How far the other images may be from that in the middle, in nm.

    Returns
    -------
    Consistency or None
        None of a single image, or if hardly anything stands out of the noise.
    """
    if len(images) < 2:
        return None
    series = _Spectra.of(images, pixel, microscope, reach)
    if np.count_nonzero(series.spectra[0]) < _MIN_FREQUENCIES:
        return None

    def explained(order: tuple[int, ...], offsets: Float) -> Float:
        shares = [series.explained([defoci[i] + off for i in order]) for off in offsets.tolist()]
        return np.array(shares, np.float64)

    orders = {order: float(explained(order, _NEAR).max()) for order in _orders(len(images))}
    return Consistency(explained(tuple(range(len(images))), OFFSETS), orders)


def _orders(n: int) -> list[tuple[int, ...]]:
    """List orders of n images: all of few, else two exchanged, or all reversed."""
    told = tuple(range(n))
    if n <= _ALL_ORDERS:
        return list(permutations(told))
    swaps = [{i: j, j: i} for i, j in combinations(told, 2)]
    return [told, told[::-1], *(tuple(swap.get(i, i) for i in told) for swap in swaps)]


@dataclass(frozen=True, eq=False)
class _Spectra:
    """Spectra (n, y, x) of images where they stand out of the noise, else 0, and the transfer."""

    spectra: NDArray[np.complex128]
    still: Float  # phase shift without defocus
    slope: Float  # and what a nm of it adds
    envelope: Float
    along_y: NDArray[np.complex128]  # phases of all shifts
    along_x: NDArray[np.complex128]
    near: NDArray[np.bool_]  # which pairs of them are within reach

    @classmethod
    def of(cls, images: Float, pixel: float, microscope: Microscope, reach: float) -> _Spectra:
        shape = (images.shape[1], images.shape[2])
        ky, kx = (each.ravel() for each in frequencies(shape, pixel))
        rows = np.flatnonzero(np.abs(ky) < _FINEST)
        half = np.flatnonzero((kx > 0) & (kx < _FINEST))  # the others are their conjugates
        box, ky, kx = np.ix_(rows, half), ky[rows], kx[half]
        k = np.hypot(ky[:, None], kx)
        window = np.outer(np.hanning(shape[0]), np.hanning(shape[1]))
        spectra = np.stack([fft2((image / image.mean() - 1) * window)[box] for image in images])
        power = np.square(np.abs(spectra)).sum(axis=0)
        ring = (k > _COARSEST) & (k < _FINEST)
        seen = ring & (power > _STANDS_OUT * np.median(power[ring]))
        shifts = _STEP * np.arange(-int(reach / _STEP), int(reach / _STEP) + 1)
        still = microscope.phase_shift(shape, pixel, 0.0)[box]
        return cls(
            spectra * seen,
            still,
            microscope.phase_shift(shape, pixel, 1.0)[box] - still,
            microscope.envelope(shape, pixel)[box],
            np.exp(2j * np.pi * np.outer(shifts, ky)),
            np.exp(2j * np.pi * np.outer(kx, shifts)),
            np.hypot(*np.meshgrid(shifts, shifts)) <= reach,
        )

    def explained(self, defoci: Sequence[float]) -> float:
        """Return the share of the power that one potential explains at these defoci."""
        transfer = [np.sin(self.still + each * self.slope) * self.envelope for each in defoci]
        weighted = np.stack([t * image for t, image in zip(transfer, self.spectra, strict=True)])
        norm = np.square(transfer).sum(axis=0) + 1e-9
        middle = weighted[len(weighted) // 2]
        total = np.zeros_like(middle)
        for image in weighted:
            total += image * self._onto(middle, image, norm)
        power = np.square(np.abs(self.spectra)).sum()
        return float((np.square(np.abs(total)) / norm).sum() / power)

    def _onto(
        self, middle: NDArray[np.complex128], image: NDArray[np.complex128], norm: Float
    ) -> NDArray[np.complex128]:
        """Return the phases that lay an image where it fits that in the middle best."""
        if image is middle or len(self.near) == 1:
            return np.ones_like(middle)
        fit = (self.along_y @ (middle.conj() * image / norm) @ self.along_x).real
        y, x = np.unravel_index(int(np.where(self.near, fit, -np.inf).argmax()), fit.shape)
        return np.asarray(np.outer(self.along_y[y], self.along_x[:, x]), np.complex128)
