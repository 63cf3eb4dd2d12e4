"""Structure factors of windows: Fourier coefficients on the nodes of a lattice, with their noise.

Positions are counted from the window's center: counted from its corner, an error of 0.1 % in
the lattice turns phases by up to 0.25 rad.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from napari_lattice_symmetry.lattice.motifs import highest_setting

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
Bool = NDArray[np.bool_]
Index = NDArray[np.intp]

MAX_INDEX = 8
"""Greatest h and k of a node."""

SIDE = 2 * MAX_INDEX + 1
NODES = np.stack(
    [each.ravel() for each in np.mgrid[-MAX_INDEX : MAX_INDEX + 1, -MAX_INDEX : MAX_INDEX + 1]],
    axis=-1,
)
"""Indices (h, k) of all nodes, shape (289, 2); the node i from the end is minus the node i."""

HALF = slice(len(NODES) // 2 + 1, None)
"""The nodes of one half plane; the others are their complex conjugates."""

REFINED = 24
"""How many of the strongest nodes say where the lattice lies."""

# Cycles a pixel beyond which a lens or the pixels themselves leave nothing but noise.
_MAX_FREQUENCY = 0.35
# Side lobes of strong spots and rounding, as a share of the greatest amplitude.
_FLOOR = 1e-3
_BLOCK = 16
_CLEAR = 9.0  # times the power of noise


@dataclass(frozen=True, eq=False)
class StructureFactors:
    """Fourier coefficients of n windows on the nodes of their lattices.

    Parameters
    ----------
    basis : ndarray, shape (n, 2, 2)
        Lattice vectors (x, y) in rows, in pixels.
    values : ndarray, shape (n, 289), complex128
        F at `NODES`: the image is the mean plus the sum of ``F exp(2 pi i h . f)``, f the
        position from the window's center in fractions of the cell.
    variance : ndarray, shape (n, 289)
        Expected squared modulus of the noise of each.
    used : ndarray of bool, shape (n, 289)
        Nodes that were measured.
    mean : ndarray, shape (n,)
        F of the node 0, 0, which is not among the used ones.
    """

    basis: Float
    values: Complex
    variance: Float
    used: Bool
    mean: Float

    def __len__(self) -> int:
        return len(self.basis)

    def of(self, windows: Any) -> StructureFactors:
        """Give those of some windows, by an index that keeps the axis."""
        return StructureFactors(
            self.basis[windows],
            self.values[windows],
            self.variance[windows],
            self.used[windows],
            self.mean[windows],
        )

    @property
    def frequencies(self) -> Float:
        """Spatial frequency (x, y) of each node in cycles a pixel, shape (n, 289, 2)."""
        return frequencies(self.basis)


def frequencies(basis: Float) -> Float:
    """Give the spatial frequencies (x, y), shape (n, 289, 2), of the nodes of bases (n, 2, 2)."""
    return np.asarray(NODES @ np.linalg.inv(basis).swapaxes(1, 2))


def structure_factors(
    windows: NDArray[Any], basis: Float, *, refine: bool = True
) -> StructureFactors:
    """Measure the structure factors of windows whose lattices are known.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
        Any real dtype; NaN and infinite pixels count as the window's mean.
    basis : ndarray, shape (n, 2, 2)
        Lattice vectors (x, y) in rows, in pixels.
    refine : bool
        Move the lattice to where the strong nodes are highest, before they are measured.

    Returns
    -------
    StructureFactors
    """
    blocks = [
        _measure(windows[start : start + _BLOCK], basis[start : start + _BLOCK], refine)
        for start in range(0, len(windows), _BLOCK)
    ]
    return StructureFactors(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def _measure(
    windows: NDArray[Any], basis: Float, refine: bool
) -> tuple[Float, Complex, Float, Bool, Float]:
    pixels, mean, deviation = centered(windows)
    size = pixels.shape[-1]
    weighted = pixels * hann_weights(size)
    power = np.abs(scipy.fft.fft2(weighted)) ** 2
    if refine:
        basis = _refined(weighted, basis, power)
    frequency = frequencies(basis)
    length = np.linalg.norm(frequency, axis=-1)
    used = (length < _MAX_FREQUENCY) & (NODES != 0).any(axis=1)
    values = np.zeros(used.shape, dtype=np.complex128)
    half = _transform(weighted, frequency[:, HALF])
    values[:, HALF] = half
    values[:, : len(NODES) // 2] = half[:, ::-1].conj()
    values *= used
    variance = _noise(power, basis, length)
    variance += (_FLOOR * np.abs(values).max(axis=1, keepdims=True)) ** 2
    unit = deviation[:, np.newaxis]
    return basis, np.asarray(values * unit), variance * unit**2, used, mean


def centered(windows: NDArray[Any]) -> tuple[NDArray[np.float32], Float, Float]:
    """Bring windows (n, w, w) to a mean of 0, under the Hann weights, and a deviation of 1.

    Single precision holds them in whatever unit they were. Also gives means and deviations.
    """
    pixels = windows.astype(np.float64)
    finite = np.isfinite(pixels)
    if not finite.all():
        pixels = np.where(finite, pixels, np.nan)
        pixels = np.where(finite, pixels, np.nanmean(pixels, axis=(1, 2), keepdims=True))
    mean = np.einsum("nyx,yx->n", pixels, hann_weights(pixels.shape[-1]))
    pixels = pixels - mean[:, np.newaxis, np.newaxis]
    deviation = np.sqrt(np.square(pixels).mean(axis=(1, 2)))
    deviation[deviation == 0] = 1
    return (pixels / deviation[:, np.newaxis, np.newaxis]).astype(np.float32), mean, deviation


@lru_cache(maxsize=16)
def hann_weights(size: int) -> NDArray[np.float32]:
    """Weigh the pixels of a window, with sum 1, by a Hann window that is even about its center."""
    taper = np.hanning(size)
    weights = (taper[:, np.newaxis] * taper / taper.sum() ** 2).astype(np.float32)
    weights.flags.writeable = False
    return np.asarray(weights)


def _transform(weighted: NDArray[np.float32], frequency: Float) -> Complex:
    """Sum ``image * exp(-2 pi i q . x)`` for frequencies (n, k, 2), x from the center."""
    even_x, odd_x = _folded(weighted)
    (cos_x, sin_x), (cos_y, sin_y) = (_waves(frequency[..., i], weighted.shape[-1]) for i in (0, 1))
    both, one = cos_x @ _columns(even_x), sin_x @ _columns(odd_x)
    (a, b), (c, d) = (np.split(each, 2, axis=-1) for each in (both, one))
    real = np.einsum("nky,nky->nk", cos_y, a) - np.einsum("nky,nky->nk", sin_y, d)
    imaginary = np.einsum("nky,nky->nk", cos_y, c) + np.einsum("nky,nky->nk", sin_y, b)
    return np.asarray(real - 1j * imaginary, dtype=np.complex128)


def _folded(image: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give the even and the odd part along the last axis, of which a half says all."""
    half = (image.shape[-1] + 1) // 2
    right, left = image[..., -half:], image[..., half - 1 :: -1]
    even = right + left
    if image.shape[-1] % 2:  # the middle is its own mirror image
        even[..., 0] /= 2
    return even, right - left


def _columns(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lay the even and the odd part along y side by side, x going down."""
    return np.concatenate(_folded(image.swapaxes(-1, -2)), axis=-1)


def _waves(frequency: Float, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give cosine and sine of frequencies (n, k) at the pixels of half a window."""
    place = np.arange((size + 1) // 2) + (0.5 if size % 2 == 0 else 0.0)
    turns = frequency[..., np.newaxis] * place
    angle = (2 * np.pi * (turns - np.rint(turns))).astype(np.float32)
    return np.cos(angle), np.sin(angle)


def _refined(weighted: NDArray[np.float32], basis: Float, power: NDArray[np.float32]) -> Float:
    """Fit bases to where the strongest nodes are highest, weighed by their power."""
    size = weighted.shape[-1]
    place = (np.arange(size) - (size - 1) / 2).astype(np.float32)
    spread = float((np.hanning(size) * place**2).sum() / np.hanning(size).sum())
    frequency = frequencies(basis)[:, HALF]
    near = np.linalg.norm(frequency, axis=-1) < _MAX_FREQUENCY
    strength = np.where(near, read_power(power, frequency), 0)
    strongest = np.argsort(-strength, axis=1)[:, :REFINED]
    nodes = NODES[HALF][strongest].astype(np.float64)
    at = nodes @ np.linalg.inv(basis).swapaxes(1, 2)
    value = _transform(weighted, at)
    along = np.stack(
        [_transform(weighted * place, at), _transform(weighted * place[:, np.newaxis], at)], axis=-1
    )
    strength = np.abs(value) ** 2
    offset = (along * value.conj()[..., np.newaxis]).imag / (2 * np.pi * spread)
    # Sum of power * (q + offset / power - h @ inverse.T)^2 is least.
    normal = np.einsum("nk,nki,nkj->nij", strength, nodes, nodes)
    shift = np.einsum("nki,nkj->nij", nodes, offset)
    change = np.linalg.solve(normal, shift).swapaxes(1, 2)
    return np.asarray(np.linalg.inv(np.linalg.inv(basis) + change))


def read_power(power: NDArray[Any], frequency: Float) -> NDArray[Any]:
    """Read spectra (n, w, w) at the bins nearest to frequencies (n, k, 2)."""
    size = power.shape[-1]
    bins = np.rint(frequency * size).astype(np.intp) % size
    return np.asarray(power[np.arange(len(power))[:, np.newaxis], bins[..., 1], bins[..., 0]])


def _noise(power: NDArray[np.float32], basis: Float, length: Float) -> Float:
    """Estimate the power of noise at the nodes from what lies between them.

    The mean of the eight half-way points around a node, smoothed over nodes of like frequency.
    It holds shot noise and what disorder and vacancies scatter.
    """
    n, size = len(power), power.shape[-1]
    steps = np.array([(i, j) for i in (-0.5, 0, 0.5) for j in (-0.5, 0, 0.5) if i or j])
    between = (NODES[:, np.newaxis] + steps).reshape(-1, 2)
    bins = np.rint(between @ np.linalg.inv(basis).swapaxes(1, 2) * size).astype(np.intp)
    inside = (np.abs(bins) < size / 2).all(axis=-1) & (np.abs(bins) > 2).any(axis=-1)
    window = np.arange(n)[:, np.newaxis]
    found = np.where(inside, power[window, bins[..., 1] % size, bins[..., 0] % size], 0)
    shape = (n, len(NODES), len(steps))
    count = inside.reshape(shape).sum(axis=-1)
    local = found.reshape(shape).sum(axis=-1)

    step = length[:, [len(NODES) // 2 + 1, len(NODES) // 2 + SIDE]].min(axis=1)
    ring = np.minimum((2 * length / step[:, np.newaxis]).astype(np.intp), 4 * SIDE)
    rings = 4 * SIDE + 1
    index = (ring + rings * window).ravel()
    sums = np.bincount(index, local.ravel(), n * rings).reshape(n, rings)
    counts = np.bincount(index, count.ravel(), n * rings).reshape(n, rings)
    level = _smoothed(sums) / np.maximum(_smoothed(counts), 1)
    return np.asarray(np.take_along_axis(level, ring, axis=1))


def _smoothed(values: NDArray[Any]) -> Float:
    padded = np.pad(values, ((0, 0), (1, 1)))
    return np.asarray(0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:])


def without_envelope(factors: StructureFactors, family: str) -> StructureFactors:
    """Undo an even blur of the image that is not the same in all directions.

    A lens or a scan that blurs one direction more multiplies F by ``exp(q.T S q)``. The
    traceless matrix S is fitted to what breaks the lattice's own symmetry in the logarithms of
    the powers, and bounded.
    """
    frequency = factors.frequencies
    orbits = orbits_of(family)[:, :-1]
    power = np.abs(factors.values) ** 2
    x, y = frequency[..., 0], frequency[..., 1]
    terms = np.stack([x**2 - y**2, 2 * x * y], axis=-1)
    clear = factors.used & (power > _CLEAR * factors.variance)
    padded = np.append(clear, np.zeros((len(clear), 1), bool), axis=1)
    clear = np.asarray(padded[:, orbits].all(axis=1))
    logarithm = np.where(clear, np.log(np.maximum(power, 1e-300)), 0)
    unlike = _off_orbit(logarithm, orbits) / 2
    uneven = np.stack([_off_orbit(terms[..., k], orbits) for k in range(2)], axis=-1)
    weight = np.where(clear, power / (factors.variance + 0.01 * power), 0)
    normal = np.einsum("nk,nki,nkj->nij", weight, uneven, uneven)
    normal += np.eye(2) * 1e-9 * np.trace(normal, axis1=1, axis2=2)[:, None, None] + 1e-12 * np.eye(
        2
    )
    right = np.einsum("nk,nki,nk->ni", weight, uneven, unlike)
    envelope = np.linalg.solve(normal, right[..., np.newaxis])[..., 0]
    farthest = np.where(clear, x**2 + y**2, 0).max(axis=1)
    strength = np.linalg.norm(envelope, axis=1) * farthest
    envelope /= np.maximum(strength, 1)[:, np.newaxis]
    # Only as far out as it was fitted.
    exponent = np.clip(np.einsum("nki,ni->nk", terms, envelope), -1, 1)
    undone = np.exp(-exponent)
    return StructureFactors(
        factors.basis,
        factors.values * undone,
        factors.variance * undone**2,
        factors.used,
        factors.mean,
    )


def _off_orbit(values: Float, orbits: Index) -> Float:
    """Take from values (n, nodes) their mean over the orbit."""
    padded = np.append(values, np.zeros((len(values), 1)), axis=1)
    return np.asarray(values - padded[:, orbits].mean(axis=1))


def rotated_nodes(rotation: NDArray[np.int64]) -> tuple[Index, NDArray[np.int64]]:
    """Give the places among `NODES` and the indices of the nodes R.T h.

    The place is the number of nodes, one more than the last, where R.T h is not listed; that
    is also the target of a node that is appended to them.
    """
    moved = NODES @ rotation
    inside = (np.abs(moved) <= MAX_INDEX).all(axis=1)
    place = (moved[:, 0] + MAX_INDEX) * SIDE + moved[:, 1] + MAX_INDEX
    return np.append(np.where(inside, place, len(NODES)), len(NODES)), moved


@cache
def orbits_of(family: str) -> Index:
    """Nodes to which the lattice's own symmetry takes each node, shape (order, nodes + 1)."""
    return np.array([rotated_nodes(rotation)[0] for rotation in highest_setting(family).rotations])
