"""Which lattice do these peaks belong to? Candidates, the choice among them, least squares.

All arrays hold n windows with k peaks each. A reciprocal basis has its two vectors (kx, ky) in
rows, in cycles per window; peaks lie at ``indices @ basis``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.lattice.basis import cell_parameters, inverse, reduce_basis
from napari_lattice_symmetry.spectrum.peaks import Peaks

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

CLEAR = 0.35
"""Weight of a clear peak, 4.4 times as high as the noise."""

# Candidates are spanned by pairs of the clearest peaks ...
_CLEAREST = 8
_FIRST, _SECOND = np.triu_indices(_CLEAREST, 1)
# ... or are up to four times as dense, as first orders may be weak: ``pair = FINER @ basis``.
_FINER = np.array(
    [
        [[p, q], [0, density // p]]
        for density in (1, 2, 3, 4)
        for p in range(1, density + 1)
        if density % p == 0
        for q in range(density // p)
    ],
    dtype=np.float32,
)
# Standard deviation of a peak from its place in a candidate lattice: cycles per window, and
# as a share of its frequency, for candidates extrapolate from two peaks.
_SCATTER, _SCATTER_SHARE = 0.2, 0.015
# A peak further than this from its place, likewise, is not on the lattice; nor is an outlier
# among those that are, if further than the last.
_REACH, _REACH_SHARE, _MIN_REACH = 0.4, 0.015, 0.25
# What such a peak costs a lattice as a logarithm of odds, and what density beyond that of a pair
# does, times its own logarithm: a few odd spots must not make a superlattice.
_OUTLIER, _DENSER = 1.2, 8.0
# From this many typical frequencies on, peaks count less.
_FAR = 2.0
# The spots of a second lattice lie this far off the first one (cycles per window) and are as
# high as this share of the first one's; the cell of a turned copy differs by less than this.
_APART, _MIN_SECOND, _SAME_CELL = 1.0, 0.1, 0.1
_ALMOST_ALL = 0.9
# Several atoms a cell mix odd and even: missing ones look displaced by so much (and then move each
# spot in its own way, which residuals show), and displaced ones strain by so much per more of it.
_INCOHERENT, _COHERENT, _COHERENT_RANGE = 0.6, 1.8, (0.1, 2.4)
# Positions are never better than this, in cycles per window.
_MIN_SCATTER = 0.002
# How often the variance of residuals is improved each time, and how many residuals beyond the
# lattice's own are needed to say how exactly it is known; fewer count as so many.
_STEPS, _MIN_FREEDOM = 4, 2.0
# Below this area of the reciprocal cell lobes overlap, and any peak lies near a lattice point.
_MIN_AREA = 8.0


@dataclass(frozen=True, eq=False)
class Indexing:
    """The lattice chosen for each window and what speaks for it.

    Parameters
    ----------
    basis : ndarray, shape (n, 2, 2)
        Reciprocal basis; NaN where no peaks span a lattice.
    covariance : ndarray, shape (n, 2, 2)
        Covariance of its two vectors; the same for kx and for ky, which are independent.
    score : ndarray, shape (n,)
        Logarithm of the odds of lattice against chance, see `choose_lattice`.
    dense : ndarray of bool, shape (n,)
        Whether the lattice is denser than any that two clear peaks span.
    clearest : ndarray, shape (n,)
        Weight of the clearest peak.
    off_line : ndarray, shape (n,)
        Weight of all peaks on the lattice that are not on a line with the clearest of them.
    count : ndarray of int, shape (n,)
        Number of peaks on the lattice.
    quality : ndarray, shape (n,)
        Share of the strength of all peaks that it explains, with a second lattice if any.
    second_lattice : ndarray of bool, shape (n,)
        Whether another lattice explains peaks that the chosen one does not.
    """

    basis: Float
    covariance: Float
    score: Float
    dense: Bool
    clearest: Float
    off_line: Float
    count: NDArray[np.intp]
    quality: Float
    second_lattice: Bool


def index_lattices(peaks: Peaks) -> Indexing:
    """Choose the lattice of each window, fit it and look for a second one."""
    weights = peak_weights(peaks)
    used = max(_CLEAREST, int((weights > 0).sum(axis=1).max(initial=0)))
    peaks, weights = peaks.first(used), weights[:, :used]
    found = _index(peaks, weights, _FINER)
    # Two grains may pass for one dense lattice. They are two where a lattice and its turned copy
    # explain as much.
    several = (weights >= CLEAR).sum(axis=1) >= 4
    doubtful = several & ~found.second_lattice & (found.dense | (found.quality < _ALMOST_ALL))
    places = np.flatnonzero(doubtful)
    plain = _index(peaks.of(places), weights[places], _FINER[:1], turned_only=True)
    better = plain.second_lattice & (plain.quality >= found.quality[places])
    for field in fields(found):
        getattr(found, field.name)[places[better]] = getattr(plain, field.name)[better]
    return found


def _index(peaks: Peaks, weights: Float, finer: Float32, turned_only: bool = False) -> Indexing:
    guess, score, dense = choose_lattice(peaks, weights, finer)
    basis, covariance, indices = refine_lattice(peaks, weights, guess)
    on = indices.any(axis=-1)
    clearest = (weights * on).argmax(axis=1)
    first = indices[np.arange(len(basis)), clearest][:, np.newaxis]
    across = indices[..., 0] * first[..., 1] != indices[..., 1] * first[..., 0]
    second = _second_lattice(peaks, weights, basis, turned_only)
    strength = peaks.height * weights
    explained = (strength * (on | second)).sum(axis=1)
    total = strength.sum(axis=1)
    return Indexing(
        basis=basis,
        covariance=covariance,
        score=score,
        dense=dense,
        clearest=weights.max(axis=1),
        off_line=(weights * across).sum(axis=1),
        count=on.sum(axis=1),
        quality=explained / np.where(total > 0, total, 1),
        second_lattice=np.asarray(second.any(axis=1)),
    )


def peak_weights(peaks: Peaks) -> Float:
    """Weigh peaks (n, k): nothing for what may be noise, 1 at 9 and at most 2 from 27 times it.

    Far out, where a lattice has no spots of note but flaws of the scan have, less.
    """
    clear = np.log(np.clip(peaks.significance / 3, 1, 9)) / np.log(3)
    frequency = np.linalg.norm(peaks.position, axis=-1)
    total = np.maximum(peaks.height.sum(axis=1, keepdims=True), 1e-12)
    typical = (peaks.height * frequency).sum(axis=1, keepdims=True) / total
    near = _FAR * typical / np.maximum(frequency, 1)
    return np.asarray(clear * np.minimum(1, np.square(near)))


def choose_lattice(peaks: Peaks, weights: Float, finer: Float32) -> tuple[Float, Float, Bool]:
    """Choose the reciprocal basis (n, 2, 2) that explains the peaks best.

    The score of a lattice is a logarithm of odds. A peak on it counts by how unlikely such a
    coincidence is, which is less for a denser lattice: so the sparsest one that explains the
    peaks wins, a few extra peaks do not make it denser, and many do.
    """
    position, weights32 = peaks.position.astype(np.float32), weights.astype(np.float32)
    order = np.argsort(-weights, axis=1, kind="stable")[:, :_CLEAREST]
    clear = np.take_along_axis(position, order[..., np.newaxis], axis=1)
    pairs = np.stack([clear[:, _FIRST], clear[:, _SECOND]], axis=2)
    area = np.abs(pairs[..., 0, 0] * pairs[..., 1, 1] - pairs[..., 0, 1] * pairs[..., 1, 0])
    real = np.take_along_axis(weights, order, axis=1) > 0
    area[~(real[:, _FIRST] & real[:, _SECOND])] = 0
    cell = area[..., np.newaxis] / np.linalg.det(finer)
    dense_cost = _DENSER * np.log(np.linalg.det(finer))
    scatter = _SCATTER**2 + (_SCATTER_SHARE**2) * np.square(position).sum(axis=-1)
    chance = np.log(2 * np.pi * scatter)

    scores = np.full(cell.shape, -np.inf, dtype=np.float32)
    # No lattice scores more than if every peak lay on it: few denser ones need a look.
    least = np.minimum(chance, np.log(_MIN_AREA) + _OUTLIER)
    log_cell = np.log(np.maximum(cell, _MIN_AREA))
    total = weights32.sum(axis=1)[:, np.newaxis, np.newaxis]
    at_most = total * log_cell - (weights32 * least).sum(axis=1)[:, np.newaxis, np.newaxis]
    at_most -= dense_cost
    at_most[cell < _MIN_AREA] = -np.inf
    for these in (slice(0, 1), slice(1, None)):
        best = scores[..., 0].max(axis=1)[:, np.newaxis, np.newaxis]
        window, pair, density = np.nonzero(at_most[..., these] > best)
        density += these.start
        basis = np.linalg.inv(finer)[density] @ pairs[window, pair]
        distance = _squared_distance(position[window], basis)
        surprise = log_cell[window, pair, density, np.newaxis] - chance[window]
        surprise -= distance / (2 * scatter[window])
        np.maximum(surprise, -_OUTLIER, out=surprise)
        explained = np.einsum("ck,ck->c", surprise, weights32[window])
        scores[window, pair, density] = explained - dense_cost[density]

    n = len(scores)
    pair, density = np.divmod(
        scores.reshape(n, len(_FIRST) * len(finer)).argmax(axis=1), len(finer)
    )
    window = np.arange(n)
    score = scores[window, pair, density]
    basis = np.linalg.inv(finer[density].astype(np.float64)) @ pairs[window, pair]
    basis[~np.isfinite(score)] = np.nan
    return np.asarray(basis, dtype=np.float64), score, density > 0


def _squared_distance(position: Float32, basis: NDArray[np.floating[Any]]) -> Float32:
    """Squared distance of peaks (c, k, 2) from the points of their lattice (c, 2, 2)."""
    offset = position @ inverse(basis)
    offset -= np.rint(offset)
    offset = offset @ basis
    return np.asarray(np.einsum("ckx,ckx->ck", offset, offset))


def refine_lattice(
    peaks: Peaks, weights: Float, basis: Float, iterations: int = 3
) -> tuple[Float, Float, Float]:
    """Fit reciprocal bases to all peaks near them, by weighted least squares.

    What the peaks scatter beyond their noise (a strained crystal, an uneven scan) is estimated
    from the residuals and enters weights and errors.

    Parameters
    ----------
    peaks : Peaks
        Peaks of n windows.
    weights : ndarray, shape (n, k)
        Peaks of weight 0 are left out, those below 1 count less.
    basis : ndarray, shape (n, 2, 2)
        First guess; NaN stays NaN.
    iterations : int
        How often peaks are indexed anew.

    Returns
    -------
    basis : ndarray, shape (n, 2, 2)
        NaN where the peaks on the lattice lie on one line.
    covariance : ndarray, shape (n, 2, 2)
        Covariance of the two vectors; the same for kx and for ky, which are independent.
    indices : ndarray, shape (n, k, 2)
        Indices of the peaks; 0, 0 for a peak that is not on the lattice.
    """
    white = peaks.variance * (1 - peaks.diffuse)
    reach = _REACH + _REACH_SHARE * np.linalg.norm(peaks.position, axis=-1)
    extra = np.full(len(basis), _REACH**2 / 16)
    for _ in range(iterations):
        indices, distance = _nearest(peaks, basis)
        indices[(distance >= reach) | (weights == 0) | np.isnan(distance)] = 0
        on = np.asarray(indices.any(axis=-1))
        # A peak that may be noise says less.
        trust = np.where(on, np.minimum(weights, 1), 0)
        variance = white + extra[:, np.newaxis]
        weighted = (indices * (trust / variance)[..., np.newaxis]).swapaxes(1, 2)
        inverted = _inverse(weighted @ indices)
        basis = inverted @ (weighted @ peaks.position)
        covariance = inverted @ (weighted @ (indices * trust[..., np.newaxis])) @ inverted
        residual = np.square(peaks.position - indices @ basis).sum(axis=-1) / 2
        extra = _excess_variance(trust, residual, white, extra)
        outlying = 4 * np.sqrt(variance)
        reach = np.minimum(reach, np.maximum(outlying, _MIN_REACH))
    # A variance that few residuals tell makes a t distribution, whose own variance is larger.
    freedom = trust.sum(axis=1) - 2
    covariance *= (1 + 1 / np.maximum(freedom - 1, _MIN_FREEDOM))[:, np.newaxis, np.newaxis]
    covariance += _strain_variance(peaks, on) * (basis @ basis.swapaxes(1, 2))
    return basis, covariance, indices


def _excess_variance(trust: Float, residual: Float, white: Float, guess: Float) -> Float:
    """Find the variance (n,) beside noise at which residuals (n, k) are as large as they should.

    The estimator of R. C. Paule and J. Mandel, J. Res. Natl. Bur. Stand. 87, 377 (1982): clear
    peaks say most of it. A plain mean of what residuals have beside their noise is mostly that of
    the faintest peaks, and would make the clear ones count as little as those.
    """
    freedom = np.maximum(trust.sum(axis=1) - 2, 0)
    extra = np.maximum(guess, _MIN_SCATTER**2)
    for _ in range(_STEPS):
        share = trust / (white + extra[:, np.newaxis])
        chi2 = (share * residual).sum(axis=1)
        slope = (np.square(share) * residual / np.where(trust > 0, trust, 1)).sum(axis=1)
        # A step of Newton's in the inverse of the sum, which is nearly straight.
        step = chi2 * (chi2 / np.maximum(freedom, 0.5) - 1) / np.maximum(slope, 1e-30)
        extra = np.maximum(extra + step, _MIN_SCATTER**2)
    return extra


def _strain_variance(peaks: Peaks, on: Bool) -> Float:
    """Variance (n, 1, 1) of each component of the strain that disordered atoms feign.

    Random displacements of the atoms in a window do not average to zero strain, and as all
    spots move with it, their residuals do not show it; the diffuse intensity around them does.
    What displacements scatter is odd about a spot and moves it twice as much (in variance) as
    white noise of the same power; what missing atoms scatter is even and moves nothing.
    """
    clear = np.where(on, np.square(peaks.significance), 0)
    frequency = np.maximum(np.square(peaks.position).sum(axis=-1), 1)
    total = (clear * peaks.variance * peaks.diffuse / frequency).sum(axis=1)
    total *= np.clip(_COHERENT * (peaks.displaced - _INCOHERENT), *_COHERENT_RANGE)
    return np.asarray(total / np.maximum(clear.sum(axis=1), 1))[:, np.newaxis, np.newaxis]


def _nearest(peaks: Peaks, basis: Float) -> tuple[Float, Float]:
    """Return the indices (n, k, 2) of the lattice points nearest to peaks, and the distances."""
    indices = np.rint(peaks.position @ inverse(basis))
    return indices, np.asarray(np.linalg.norm(peaks.position - indices @ basis, axis=-1))


def _inverse(matrix: Float) -> Float:
    """Invert normal matrices (n, 2, 2); NaN for singular ones, and for those that are NaN."""
    (a, b), (c, d) = np.moveaxis(matrix, 0, -1)
    regular = (a * d - b * c > 1e-9 * np.square(a + d))[:, np.newaxis, np.newaxis]
    return np.where(regular, inverse(np.where(regular, matrix, np.eye(2))), np.nan)


def _second_lattice(peaks: Peaks, weights: Float, basis: Float, turned_only: bool) -> Bool:
    """Find the peaks (n, k) that the lattices `basis` do not explain but another one does.

    It has to take in two clear spots if its cell is that of the first one, turned, and else
    three, unless `turned_only`; and they have to be of some strength beside the first ones.
    """
    second = np.zeros(weights.shape, dtype=bool)
    clear = weights >= CLEAR
    left = np.where(_nearest(peaks, basis)[1] > _APART, weights, 0)
    places = np.flatnonzero((clear & (left > 0)).sum(axis=1) >= 2)
    peaks, left, clear, basis = peaks.of(places), left[places], clear[places], basis[places]
    other, _, _ = choose_lattice(peaks, left, _FINER[:1])
    other, _, indices = refine_lattice(peaks, left, other)
    taken = clear & indices.any(axis=-1)
    height = peaks.height * clear
    first_height = (height * (left == 0)).sum(axis=1)
    strong = (height * taken).sum(axis=1) >= _MIN_SECOND * first_height
    turned = _same_cells(np.stack([basis, other], axis=1))
    enough = taken.sum(axis=1) >= np.where(turned, 2, np.inf if turned_only else 3)
    second[places] = taken & (strong & enough)[:, np.newaxis]
    return second


def _same_cells(pairs: Float) -> Bool:
    """Return whether two reciprocal bases each (n, 2, 2, 2) have nearly equal cells, if turned."""
    same = np.asarray(np.isfinite(pairs).all(axis=(1, 2, 3)))
    a, b, gamma = np.moveaxis(cell_parameters(reduce_basis(pairs[same])), -1, 0)
    unequal = np.diff([np.log(a), np.log(b), np.deg2rad(gamma)], axis=-1)[..., 0]
    same[same] = np.abs(unequal).max(axis=0) < _SAME_CELL
    return same
