"""How well each plane group, in every setting, describes structure factors.

A group with operations (R, t) asks for an origin u that
``F(R.T h) exp(2 pi i (R.T h - h) . u) = F(h) exp(2 pi i h . t)``. The residual is the weighted
square of what its projector takes away.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.special import logsumexp

from napari_lattice_symmetry.cells.factors import StructureFactors, orbits_of, rotated_nodes
from napari_lattice_symmetry.cells.transform import HALF, NODES, SIDE
from napari_lattice_symmetry.lattice.plane_groups import (
    Setting,
    name_operations,
    settings,
    unneeded_equalities,
)

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
Bool = NDArray[np.bool_]
Index = NDArray[np.intp]

_GRID = 48
_NEWTON_STEPS = 4
# Nodes count as far out as an orbit of them has this many times the power of the noise.
_STANDS_OUT = 4.0
# How strong amplitudes that break a symmetry may be beside the others; how often each is so
# where a group is named, by what shows, and where its probability is told, which also counts
# atoms that lie a little off the symmetry.
_BREAKS = (0.3, 0.1, 0.05)
_NAMED_BY, _PROBABLE_BY = (1.0, 0.0, 0.0), (1.0, 0.03, 0.03)
# One in so many lattices meets an equality that its group does not ask for, within the tolerance.
_COINCIDENCE = 20.0
_POLAR = {"p1": 2, "pm": 1, "pg": 1, "cm": 1}


@dataclass(frozen=True, eq=False)
class GroupFits:
    """How every setting of a family's groups fits n windows; arrays have shape (n, settings).

    Parameters
    ----------
    residual : ndarray
        Weighted sum of squares that breaks the symmetry, over all nodes that are used.
    parameters : ndarray
        Numbers that the group leaves free.
    evidence : ndarray
        Minus twice the logarithm of the marginal likelihood, up to a constant of the window.
    odds : ndarray
        The same where symmetries that are slightly broken are counted, too.
    count : ndarray, shape (n,)
        Number of nodes, which is that of real numbers measured.
    departure : ndarray
        Share of the Bragg amplitude that breaks the symmetry, 0 to 1, noise taken off.
    phase : ndarray
        Mean departure of phases from those of the symmetrized structure, weighted by
        amplitude, in degrees.
    origin : ndarray, shape (n, settings, 2)
        Origin of the group in fractions of the cell, from the window's center.
    significant : ndarray of int, shape (n,)
        Number of nodes above three times the noise.
    noise : ndarray, shape (n,)
        That of the amplitudes, as a share of them.
    """

    residual: Float
    parameters: Float
    evidence: Float
    odds: Float
    count: Float
    departure: Float
    phase: Float
    origin: Float
    significant: Index
    noise: Float


@dataclass(frozen=True, eq=False)
class _Operations:
    """The operations of a list of settings, each once."""

    target: Index  # (ops, nodes + 1): where R.T h lies
    sign: Float  # (ops, nodes): exp(-2 pi i h . t)
    step: Index  # (ops, nodes, 2): R.T h - h
    of_setting: tuple[Index, ...]


@cache
def _operations(family: str) -> _Operations:
    known: dict[tuple[float, ...], int] = {}
    targets, signs, steps, places = [], [], [], []
    for setting in settings(family):
        chosen = []
        for rotation, shift in zip(setting.rotations, setting.translations, strict=True):
            key = (*rotation.ravel().tolist(), *shift.tolist())
            if key not in known:
                known[key] = len(known)
                target, moved = rotated_nodes(rotation)
                targets.append(target)
                signs.append(np.cos(2 * np.pi * (NODES @ shift)))
                steps.append(moved - NODES)
            chosen.append(known[key])
        places.append(np.array(chosen))
    return _Operations(np.array(targets), np.array(signs), np.array(steps), tuple(places))


def _padded(values: NDArray[Any]) -> NDArray[Any]:
    """Append an empty node to arrays (n, nodes): what lies outside."""
    return np.concatenate([values, np.zeros_like(values[:, :1])], axis=1)


def _over_orbits(values: NDArray[Any], family: str) -> Float:
    """Average arrays (n, nodes) over the orbits of the lattice."""
    return np.asarray(_padded(values)[:, orbits_of(family)[:, :-1]].mean(axis=1))


def fit_groups(factors: StructureFactors, family: str, systematic: float) -> GroupFits:
    """Fit every group that a class of lattices allows.

    Parameters
    ----------
    factors : StructureFactors
        Of n windows, on the basis that `family_basis` gives.
    family : str
        Class of the lattice, as which it is to be described.
    systematic : float
        Error of each amplitude that does not come from noise, as a share of it.

    Returns
    -------
    GroupFits
    """
    operations = _operations(family)
    power = np.abs(factors.values) ** 2
    whole = _over_orbits(factors.used, family) == 1
    noise = _over_orbits(factors.variance, family)
    used = whole & _within_range(factors, power, noise, whole, family)
    variance = noise + systematic**2 * _over_orbits(power, family)

    weight = np.where(used, 1 / variance, 0)
    values = np.where(used, factors.values, 0)
    products = _products(values, operations)
    origins = _best_origins(products * weight[:, np.newaxis, HALF], operations)

    signal = _signal(factors, power, noise, used)
    total, strength = (weight * power).sum(axis=1), np.where(used, power, 0).sum(axis=1)
    count = used.sum(axis=1).astype(np.float64)
    columns, explained = [], []
    for k, (setting, chosen) in enumerate(
        zip(settings(family), operations.of_setting, strict=True)
    ):
        origin = origins[:, k]
        own = products[:, chosen] * _waves(operations.step[chosen][:, HALF], origin)
        mates = own.mean(axis=1)  # conj(F) times the symmetrized F
        share = _free_share(family, k)
        free = used @ share
        moves = 2 - _POLAR.get(setting.group, 0)
        explained.append(2 * weight[:, HALF] * mates.real)
        residual = total - 2 * (weight[:, HALF] * mates.real).sum(axis=1)
        broken = strength - 2 * mates.real.sum(axis=1)
        broken -= np.where(used, noise, 0).sum(axis=1) * (1 - free / np.maximum(count, 1))
        columns.append(
            (
                np.maximum(residual, 0),
                free + moves,
                np.sqrt(np.clip(broken / np.maximum(strength, 1e-300), 0, 1)),
                _mean_phase(values[:, HALF], mates),
            )
        )
    fitted, parameters, departure, phase = (
        np.stack(each, axis=1) for each in zip(*columns, strict=True)
    )
    ratio = weight[:, HALF] * signal
    evidence, odds = _evidence(np.stack(explained, axis=1), ratio, total, count, family)
    significant = (used & (power > 9 * noise)).sum(axis=1)
    share = np.sqrt(np.where(used, noise, 0).sum(axis=1) / np.maximum(strength, 1e-300))
    return GroupFits(
        fitted, parameters, evidence, odds, count, departure, phase, origins, significant, share
    )


def _within_range(
    factors: StructureFactors, power: Float, noise: Float, whole: Bool, family: str
) -> Bool:
    """Return which nodes are no farther out than the farthest orbit above the noise."""
    length = np.linalg.norm(factors.frequencies, axis=-1)
    clear = whole & (_over_orbits(power, family) > _STANDS_OUT * noise)
    farthest = np.where(clear, length, 0).max(axis=1, keepdims=True)
    return np.asarray(_over_orbits(length, family) <= 1.001 * farthest)


def _products(values: Complex, operations: _Operations) -> Complex:
    """Multiply conj(F(h)), F(R.T h) and exp(-2 pi i h . t), shape (n, ops, half of the nodes)."""
    moved = _padded(values)[:, operations.target[:, :-1][:, HALF]]
    return np.asarray(values[:, np.newaxis, HALF].conj() * moved * operations.sign[:, HALF])


def _waves(steps: Index, origin: Float) -> Complex:
    """Return ``exp(2 pi i step . u)`` for steps (..., nodes, 2) and origins (n, 2)."""
    return np.asarray(np.exp(2j * np.pi * np.einsum("...i,ni->n...", steps, origin)))


def _best_origins(products: Complex, operations: _Operations) -> Float:
    """Find the origin (n, settings, 2) at which each setting fits best."""
    n, n_operations, _ = products.shape
    place = operations.step[:, HALF] % _GRID
    flat = (place[..., 0] * _GRID + place[..., 1]) + (
        np.arange(n_operations)[:, np.newaxis] * _GRID**2
    )
    index = (flat + np.arange(n)[:, np.newaxis, np.newaxis] * (n_operations * _GRID**2)).ravel()
    size = n * n_operations * _GRID**2
    scattered = np.empty(size, dtype=np.complex64)
    scattered.real = np.bincount(index, products.real.ravel(), size)
    scattered.imag = np.bincount(index, products.imag.ravel(), size)
    maps = scipy.fft.ifft2(scattered.reshape(n, n_operations, _GRID, _GRID), overwrite_x=True).real
    origins = []
    for chosen in operations.of_setting:
        agreement = maps[:, chosen].sum(axis=1).reshape(n, -1)
        best = np.stack(np.unravel_index(agreement.argmax(axis=1), (_GRID, _GRID)), axis=1)
        origins.append(_climb(products[:, chosen], operations.step[chosen][:, HALF], best / _GRID))
    return np.stack(origins, axis=1)


def _climb(products: Complex, steps: Index, origin: Float) -> Float:
    """Take Newton steps from origins (n, 2) to the nearest maximum."""
    n = len(products)
    steps = steps.reshape(-1, 2)
    moving = steps.any(axis=1)
    if not moving.any():
        return origin
    steps, products = steps[moving].astype(np.float64), products.reshape(n, -1)[:, moving]
    outer = np.stack([steps[:, 0] ** 2, steps[:, 0] * steps[:, 1], steps[:, 1] ** 2], axis=1)
    for _ in range(_NEWTON_STEPS):
        waves = products * _waves(steps, origin)
        slope = -2 * np.pi * waves.imag @ steps
        xx, xy, yy = (4 * np.pi**2 * (waves.real @ outer)).T
        curvature = np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)
        # Where a direction is free the curvature is none, and so is the slope.
        curvature += np.eye(2) * (1e-9 + 1e-6 * np.abs(xx + yy))[:, np.newaxis, np.newaxis]
        step = np.linalg.solve(curvature, slope[..., np.newaxis])[..., 0]
        rising = (np.linalg.det(curvature) > 0) & (xx + yy > 0)
        step = np.where(rising[:, np.newaxis], np.clip(step, -0.5 / _GRID, 0.5 / _GRID), 0)
        origin = origin + step
    return origin


@cache
def _free_share(family: str, k: int) -> Float:
    """Share of each node's real numbers that setting k leaves free, averaged over its orbit.

    Their sum is the trace of the projector.
    """
    operations = _operations(family)
    chosen = operations.of_setting[k]
    fixed = ~operations.step[chosen].any(axis=-1)
    signs = np.where(fixed, operations.sign[chosen], 0).mean(axis=0)
    return np.asarray(_over_orbits(signs[np.newaxis], family)[0])


def _signal(factors: StructureFactors, power: Float, noise: Float, used: Bool) -> Float:
    """Expect the power of the structure at half of the nodes: a mean over like frequencies."""
    length = np.linalg.norm(factors.frequencies[:, HALF], axis=-1)
    step = length[:, [0, SIDE - 1]].min(axis=1)  # of the nodes 0, 1 and 1, 0
    scaled = length / (0.7 * step[:, np.newaxis])
    away = scaled[:, :, np.newaxis] - scaled[:, np.newaxis]
    near = np.exp(-0.5 * np.square(away)) * used[:, np.newaxis, HALF]
    total = np.einsum("nij,nj->ni", near, (power - noise)[:, HALF])
    return np.asarray(np.maximum(total / np.maximum(near.sum(axis=2), 1e-300), 0))


def _evidence(
    explained: Float, ratio: Float, total: Float, count: Float, family: str
) -> tuple[Float, Float]:
    """Minus twice the logarithm of the marginal likelihood of each setting, shape (n, settings).

    An amplitude that a group leaves free may be anything up to the usual strength at its
    frequency, which costs the logarithm of that strength over the noise. One that only breaks a
    higher group may also be small beside it: of these priors the weighted mean is taken, with
    `_NAMED_BY` and with `_PROBABLE_BY`. A group that asks for less of the lattice than it has is
    as much rarer as that is a coincidence.
    """
    shares = np.array([_free_share(family, k)[HALF] for k in range(explained.shape[1])])
    own = _gain(explained, ratio[:, np.newaxis], shares)
    gains = [[own[:, k]] for k in range(len(shares))]
    for lower, higher in nested(family):
        broken, share = explained[:, lower] - explained[:, higher], shares[lower] - shares[higher]
        gains[lower] += [
            own[:, higher] + _gain(broken, ratio * scale**2, share) for scale in _BREAKS
        ]
    names = [setting.group for setting in settings(family)]
    moves = np.array([2 - _POLAR.get(name, 0) for name in names])
    choices = np.array([names.count(name) for name in names])
    spare = np.array([unneeded_equalities(family, name) for name in names])
    origins = moves * np.log(np.maximum(count, 2))[:, np.newaxis]
    rarity = 2 * np.log(choices) + 2 * np.log(_COINCIDENCE) * spare
    known = total[:, np.newaxis] + origins + rarity
    by_name, by_odds = (
        known - np.stack([_mean_gain(np.stack(each), weights) for each in gains], axis=1)
        for weights in (_NAMED_BY, _PROBABLE_BY)
    )
    return by_name, by_odds


def _mean_gain(gains: Float, weights: tuple[float, ...]) -> Float:
    """Average likelihoods, own first and then those of every break of every higher group."""
    each = np.array([1.0, *weights * ((len(gains) - 1) // len(weights))])[:, np.newaxis]
    return np.asarray(2 * logsumexp(gains / 2, axis=0, b=each) - 2 * np.log(each.sum()))


def _gain(explained: Float, ratio: Float, share: Float) -> Float:
    """Gain of evidence by free amplitudes with this ratio of signal to noise, against none."""
    free = share > 1e-9
    ratio = ratio / np.where(free, share, np.inf)
    return np.asarray(
        (explained * (ratio / (1 + ratio)) - 2 * share * np.log1p(ratio)).sum(axis=-1)
    )


def highest(those: Bool, family: str) -> Bool:
    """Leave of settings (n, settings) those that none of the others contains."""
    left = those.copy()
    for lower, higher in nested(family):
        left[:, lower] &= ~those[:, higher]
    return left


@cache
def nested(family: str) -> tuple[tuple[int, int], ...]:
    """List the pairs of settings of which the first is contained in the second."""
    kinds = [
        {
            tuple(rotation.ravel()): name_operations(
                np.stack([np.eye(2, dtype=np.int64), rotation]), np.stack([0 * shift, shift])
            )
            if np.linalg.det(rotation) < 0
            else ""
            for rotation, shift in zip(each.rotations, each.translations, strict=True)
        }
        for each in settings(family)
    ]
    return tuple(
        (i, j)
        for i, lower in enumerate(kinds)
        for j, higher in enumerate(kinds)
        if len(lower) < len(higher) and lower.items() <= higher.items()
    )


def _mean_phase(values: Complex, mates: Complex) -> Float:
    amplitude = np.abs(values)
    turned = np.abs(np.angle(mates))
    mean = (amplitude * turned).sum(axis=1) / np.maximum(amplitude.sum(axis=1), 1e-300)
    return np.asarray(np.rad2deg(mean))


def symmetrized(values: Complex, setting: Setting) -> Complex:
    """Average structure factors (nodes,), origin at that of the group, over its operations.

    A node counts as 0 where an operation takes it off the list.
    """
    mates = np.zeros_like(values)
    for rotation, shift in zip(setting.rotations, setting.translations, strict=True):
        target, _ = rotated_nodes(rotation)
        mates += np.append(values, 0)[target[:-1]] * np.exp(-2j * np.pi * NODES @ shift)
    return np.asarray(mates / setting.order)
