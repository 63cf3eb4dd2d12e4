"""Which crystal, seen along which zone axis, a map of lattices shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.comparison import (
    NONE_LIKELIHOOD,
    WRITINGS,
    LatticeMaps,
    Likelihoods,
    Windows,
    compare,
)
from napari_lattice_symmetry.crystals.parameters import MatchParameters
from napari_lattice_symmetry.crystals.phases import Choices, CrystalMatch, Phase, told_apart
from napari_lattice_symmetry.crystals.projection import Projection, project
from napari_lattice_symmetry.crystals.structure import Crystal
from napari_lattice_symmetry.crystals.zones import Zone, once_each, zone_axes
from napari_lattice_symmetry.data.movie import NANOMETER
from napari_lattice_symmetry.errors import AnalysisError, InputError
from napari_lattice_symmetry.lattice.metric import FOLDS
from napari_lattice_symmetry.settings import parse_settings

Float = NDArray[np.float64]
Single = NDArray[np.float32]

_LOOKED_AT = 2000  # windows whose scale is looked at
_GREATEST_SCALE = 2.0  # a pixel size that is off by more is no error of a calibration
_UNITS = np.log([0.001, 0.1, 10.0, 1000.0])  # but may be in another unit: angstrom, pm or µm
_UNIT_ERROR = 0.05  # of a calibration that is right but for the unit
_TOLD_SCALES = 3


def match(
    fitted: LatticeMaps,
    crystals: Sequence[Crystal],
    zones: int | Sequence[Zone] = 2,
    tolerance: float = 0.03,
    groups: NDArray[Any] | None = None,
    *,
    progress: Callable[[int, int], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> CrystalMatch:
    """Return which of some crystals, along which zone axis, each window shows.

    A lattice is compared with that of each candidate by the principal strains that take one to
    the other, whatever their direction and hand. Their greatest, over a standard deviation of half
    the tolerance and the fit's error together, gives a Gaussian likelihood. "None of these" has
    that of two standard deviations. Windows with two lattices, or too few periods of one, are not
    matched.

    Parameters
    ----------
    fitted : MovieResult or LatticeFits
        Maps (T, gy, gx), or fits of any shape. Where lengths are in pixels, lattices are compared
        by their shape alone, at whatever size fits each candidate best.
    crystals : sequence of Crystal
        The candidates. The same one listed again counts once; others of the same name get a number.
    zones : int or sequence of (int, int, int)
        Greatest index of the zone axes, of those that symmetry brings about one each; or the axes,
        of which those that symmetry makes of another count once.
    tolerance : float
        Distortion that is allowed for, as a share: by strain, drift and the error of the pixel
        size.
    groups : ndarray of str, shape (...), optional
        Name of each window's plane group where there is one, else empty; shape of the maps. Those
        of the result if not given. Among candidates whose lattices fit, those of another group
        are less likely by 20.
    progress : callable, optional
        Called as ``progress(done, total)`` after every block of frames.
    should_stop : callable, optional
        Asked before every block of frames.

    Returns
    -------
    CrystalMatch
        The best candidate of each window, its likelihood and probability, how many cannot be told
        apart from it, distortion and direction. Likelihoods of all candidates are not kept.

    Raises
    ------
    InputError
        If there are no lattices, or there is nothing to match.
    AnalysisError
        If `should_stop` says so.
    """
    zones = int(zones) if isinstance(zones, np.integer) else zones
    listed = isinstance(zones, Sequence | np.ndarray)
    parameters = parse_settings(MatchParameters, zones=1 if listed else zones, tolerance=tolerance)
    zones = zones if listed else parameters.zones
    windows = Windows(fitted, groups)
    by_shape = fitted.unit != NANOMETER
    candidates = tuple(list_candidates(crystals, zones))
    likelihoods = Likelihoods(candidates, tolerance, by_shape)
    shape, choices = windows.shape, Choices(len(candidates))
    best = np.full(shape, -1, np.int16)
    likelihood = np.zeros(shape, np.float32)
    probability = np.full(shape, np.nan, np.float32)
    ambiguity = np.zeros(shape, np.uint16)
    chosen = np.full(shape, -1, np.int32)
    done = 0
    for where in windows.blocks():
        _stop_if(should_stop)
        lattices = windows.read(where)
        chance = likelihoods.of(lattices)
        likely, top = told_apart(chance), chance.max(axis=0)
        found = lattices.found
        best[where][found] = np.where(top > NONE_LIKELIHOOD, chance.argmax(axis=0), -1)
        likelihood[where][found] = top
        total = chance.sum(axis=0) + NONE_LIKELIHOOD
        probability[where][found] = np.maximum(top, NONE_LIKELIHOOD) / total
        ambiguity[where][found] = likely.sum(axis=0)
        chosen[where][found] = choices.add(chance, likely)
        done += found.size
        if progress is not None:
            progress(done, chosen.size)
    of_choice, phases = choices.explain(candidates)
    labels = np.append(of_choice, np.uint8(0))[chosen]  # the last one is of no choice
    distortion, orientation = _directions(
        windows, labels, phases, candidates, by_shape=by_shape, should_stop=should_stop
    )
    nowhere = len(phases) == 1 and bool(labels.any()) and not by_shape
    return CrystalMatch(
        candidates,
        best,
        likelihood,
        probability,
        ambiguity,
        distortion,
        labels,
        phases,
        orientation,
        parameters,
        by_shape,
        _fitting_scales(windows.some(_LOOKED_AT), candidates, tolerance) if nowhere else (),
        windows,
        likelihoods,
    )


def list_candidates(
    crystals: Sequence[Crystal], zones: int | Sequence[Zone] = 2
) -> list[Projection]:
    """List what may be seen of some crystals along their zone axes.

    Raises
    ------
    InputError
        If there is no crystal, or one is a cluster.
    """
    if not len(crystals):
        raise InputError("There is no crystal to match; give at least one structure file.")
    if not isinstance(zones, int) and not len(zones):
        raise InputError("There is no zone axis to match along; give one, or a greatest index.")
    return [
        project(crystal, zone)
        for crystal in _named_apart(crystals)
        for zone in (
            zone_axes(crystal, zones) if isinstance(zones, int) else once_each(crystal, zones)
        )
    ]


def _named_apart(crystals: Sequence[Crystal]) -> list[Crystal]:
    """Leave out what is listed twice, and number others that have a name before them."""
    listed: list[Crystal] = []
    for crystal in crystals:
        namesakes = [each for each in listed if each.name == crystal.name]
        if not any(each.is_same(crystal) for each in namesakes):
            listed.append(crystal)
    count: Counter[str] = Counter()
    named = []
    for crystal in listed:
        count[crystal.name] += 1
        number = count[crystal.name]
        named.append(
            crystal if number == 1 else replace(crystal, name=f"{crystal.name} ({number})")
        )
    return named


def _directions(
    windows: Windows,
    labels: NDArray[np.uint8],
    phases: Sequence[Phase],
    candidates: Sequence[Projection],
    *,
    by_shape: bool,
    should_stop: Callable[[], bool] | None,
) -> tuple[Single, Single]:
    """Return distortion and orientation of the crystal in each window, by that of its phase."""
    distortion = np.full(labels.shape, np.nan, np.float32)
    orientation = distortion.copy()
    for where in windows.blocks():
        _stop_if(should_stop)
        lattices = windows.read(where)
        value = labels[where][lattices.found]
        strain, turn = np.full((2, len(value)), np.nan, np.float32)
        for k, phase in enumerate(phases[:-1], 1):
            here, candidate = value == k, candidates[phase.candidate]
            if not here.any():
                continue
            compared = compare(lattices.basis[here], [candidate], by_shape=by_shape)
            strain[here] = compared.strain[0]
            if windows.directed:
                written = WRITINGS[compared.writing[0], 0]
                x, y = np.einsum("nj,njk->kn", written, lattices.basis[here])
                turn[here] = np.rad2deg(np.arctan2(y, x)) % FOLDS.get(candidate.label, 180.0)
        distortion[where][lattices.found] = strain
        orientation[where][lattices.found] = turn
    return distortion, orientation


def _fitting_scales(
    bases: Float, candidates: Sequence[Projection], tolerance: float
) -> tuple[tuple[int, float], ...]:
    """List which candidates most lattices (n, 2, 2) would be, if pixels were how much larger.

    Those that ask for the least change come first.
    """
    compared = compare(bases, candidates, by_shape=True)
    found = []
    for k, (strain, scale) in enumerate(zip(compared.strain, compared.scale, strict=True)):
        fits = strain <= tolerance
        if not fits.any():
            continue
        middle = float(np.median(scale[fits]))
        together = fits & (np.abs(scale - middle) <= tolerance)
        in_another_unit = bool((np.abs(middle - _UNITS) <= _UNIT_ERROR).any())
        near = abs(middle) <= np.log(_GREATEST_SCALE) or in_another_unit
        if together.mean() > 0.5 and near:
            found.append((abs(middle), k, float(np.exp(-middle))))
    return tuple((k, factor) for _, k, factor in sorted(found)[:_TOLD_SCALES])


def _stop_if(should_stop: Callable[[], bool] | None) -> None:
    if should_stop is not None and should_stop():
        raise AnalysisError("The match was cancelled.")
