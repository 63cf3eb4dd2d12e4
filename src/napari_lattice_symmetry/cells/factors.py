"""Structure factors of windows: Fourier coefficients on the nodes of a lattice, with their noise.

Positions are counted from the window's center: counted from its corner, an error of 0.1 % in
the lattice turns phases by up to 0.25 rad.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from napari_lattice_symmetry.cells.transform import (
    HALF,
    MAX_FREQUENCY,
    MAX_INDEX,
    NODES,
    SIDE,
    amplitudes,
    centered,
    hann_weights,
    noise_ratio,
)
from napari_lattice_symmetry.lattice.motifs import highest_setting
from napari_lattice_symmetry.spectrum.waves import transform

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
Bool = NDArray[np.bool_]
Index = NDArray[np.intp]

REFINED = 24
"""How many of the strongest nodes say where the lattice lies."""

# Side lobes of strong spots and rounding, as a share of the greatest amplitude.
_FLOOR = 1e-3
_BLOCK = 16
_CLEAR = 9.0  # times the power of noise
_CELL = 32  # points along a side of a cell, where its lowest one is looked for


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
        """Return those of some windows, by an index that keeps the axis."""
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
    """Return the spatial frequencies (x, y), shape (n, 289, 2), of the nodes of bases (n, 2, 2)."""
    return np.asarray(NODES @ np.linalg.inv(basis).swapaxes(1, 2))


def structure_factors(
    windows: NDArray[Any],
    basis: Float,
    *,
    refine: bool = True,
    progress: Callable[[int], object] | None = None,
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
    progress : callable, optional
        Called with the number of windows that are done.

    Returns
    -------
    StructureFactors
    """
    blocks = []
    for start in range(0, len(windows), _BLOCK):
        here = slice(start, start + _BLOCK)
        blocks.append(_measure(windows[here], basis[here], refine))
        if progress is not None:
            progress(min(here.stop, len(windows)))
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
    values, seen = amplitudes(pixels, basis)
    used = seen & (NODES != 0).any(axis=1)
    values *= used
    variance = _noise(power, basis, length) * noise_ratio(size)
    variance += (_FLOOR * np.abs(values).max(axis=1, keepdims=True)) ** 2
    unit = deviation[:, np.newaxis]
    return basis, np.asarray(values * unit), variance * unit**2, used, mean


def _refined(weighted: NDArray[np.float32], basis: Float, power: NDArray[np.float32]) -> Float:
    """Fit bases to where the strongest nodes are highest, weighed by their power."""
    size = weighted.shape[-1]
    place = (np.arange(size) - (size - 1) / 2).astype(np.float32)
    spread = float((np.hanning(size) * place**2).sum() / np.hanning(size).sum())
    frequency = frequencies(basis)[:, HALF]
    near = np.linalg.norm(frequency, axis=-1) < MAX_FREQUENCY
    strength = np.where(near, read_power(power, frequency), 0)
    strongest = np.argsort(-strength, axis=1)[:, :REFINED]
    nodes = NODES[HALF][strongest].astype(np.float64)
    at = nodes @ np.linalg.inv(basis).swapaxes(1, 2)
    value = transform(weighted, at)
    along = np.stack(
        [transform(weighted * place, at), transform(weighted * place[:, np.newaxis], at)], axis=-1
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


def noise_gathering(values: Complex, variance: Float, nodes: Index = NODES) -> Float:
    """Tell how many times fewer independent spots of noise there are than nodes.

    Counts scatter more where there are more of them, which makes the noise of nodes alike: a sum of
    powers of noise over nodes scatters as that over so many times fewer. It is the mean square
    over the squared mean of the cell, counted from its lowest point.

    Parameters
    ----------
    values, variance : ndarray, shape (n, nodes)
        Structure factors and the expected squared modulus of their noise; 0 where not measured.
    nodes : ndarray of int, shape (nodes, 2)
        Their indices.

    Returns
    -------
    ndarray, shape (n,)
        1 or more.
    """
    power = np.abs(values) ** 2
    above = np.where(nodes.any(axis=1), np.maximum(power - variance, 0), 0)
    scale = np.sqrt(above.sum(axis=1, keepdims=True))
    share = above / np.where(above > 0, power * scale, 1)
    grid = np.zeros((len(values), _CELL, _CELL), dtype=np.complex64)
    h, k = nodes.T % _CELL
    grid[:, h, k] = values * share
    lowest = scipy.fft.fft2(grid, overwrite_x=True).real.min(axis=(1, 2))
    return np.asarray(1 + 1 / np.where(lowest < 0, lowest, np.inf) ** 2)


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
    """Return the places among `NODES` and the indices of the nodes R.T h.

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


def basis_covariance(
    values: NDArray[np.complex128], variance: Float, basis: Float, size: int
) -> Float:
    """Return the covariance by noise of the vectors (ax, ay, bx, by) of a lattice.

    That of a weighted fit to where the strong nodes are highest, as the lattice is found.

    Parameters
    ----------
    values, variance : ndarray, shape (289,)
        Structure factors at `NODES` and the expected squared modulus of their noise.
    basis : ndarray, shape (2, 2)
        Their lattice, vectors (x, y) in rows, in pixels.
    size : int
        Side of the window in pixels.

    Returns
    -------
    ndarray, shape (4, 4)
    """
    taper, square = np.hanning(size), np.square(np.arange(size) - (size - 1) / 2)
    spread = (taper * square).sum() / taper.sum()
    of_noise = (taper**2 * square).sum() / (taper**2).sum()
    power = np.abs(values[HALF]) ** 2
    strong = np.argsort(-power)[:REFINED]
    nodes, power, noise = NODES[HALF][strong], power[strong], variance[HALF][strong]
    normal = np.linalg.pinv(np.einsum("k,ki,kj->ij", power, nodes, nodes))
    reciprocal = normal @ np.einsum("k,ki,kj->ij", power * noise, nodes, nodes) @ normal
    reciprocal *= of_noise / (8 * np.pi**2 * spread**2) / noise_ratio(size)
    of_components = basis.T @ reciprocal @ basis
    paired = np.einsum("ik,xy->ixky", basis @ basis.T, of_components)
    return np.asarray(paired.reshape(4, 4))
