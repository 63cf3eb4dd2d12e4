"""The mean unit cell of windows of one crystal, with its noise, origin and setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from napari_lattice_symmetry.cells.answer import TOLERANCE, PlaneGroup
from napari_lattice_symmetry.cells.factors import StructureFactors, structure_factors
from napari_lattice_symmetry.cells.groups import symmetrized
from napari_lattice_symmetry.cells.lattices import (
    Lattice,
    WindowLattices,
    lattice_class,
    window_lattices,
)
from napari_lattice_symmetry.cells.naming import check_tolerance, groups_of_factors
from napari_lattice_symmetry.cells.transform import HALF, NODES
from napari_lattice_symmetry.cells.unit_cell import UnitCell
from napari_lattice_symmetry.data.movie import NANOMETER, PIXEL
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import cell_area
from napari_lattice_symmetry.lattice.plane_groups import Setting, family_basis, settings
from napari_lattice_symmetry.lattice.strain import written_alike
from napari_lattice_symmetry.spectrum import Flag
from napari_lattice_symmetry.spectrum.checks import as_real, as_windows, pixel_sizes
from napari_lattice_symmetry.spectrum.lattice_fit import SENTENCES
from napari_lattice_symmetry.spectrum.lattice_fit import TOLERANCE as LATTICE_TOLERANCE

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
Index = NDArray[np.intp]
Bool = NDArray[np.bool_]

Progress: TypeAlias = Callable[[int, int], object]

_GRID = 48
_PASSES = 3
# Departure of lattice vectors beyond which a window belongs to another grain.
_SAME_LATTICE = 0.06
_CLEAR = 9.0  # times the power of noise
_BLOCK = 16  # windows between which someone is told
_TRIED = 20  # windows whose lattice may be that of most


def average_cell(
    windows: NDArray[Any],
    lattice: Lattice | None = None,
    pixel_size: float | tuple[float, float] | None = None,
    tolerance: float = TOLERANCE,
    *,
    lattice_tolerance: float = LATTICE_TOLERANCE,
    progress: Progress | None = None,
) -> UnitCell:
    """Average the unit cell over one window or many of the same crystal.

    Windows are brought to one origin by the phases of their structure factors, which are then
    averaged: N windows that do not overlap have an N-th of the noise power of one.

    Parameters
    ----------
    windows : ndarray, shape (w, w) or (..., w, w)
        Of a region, a grain, a frame or a movie; those of another lattice are left out, and
        those in which no two spots stand out of the noise.
    lattice : LatticeFit, str or ndarray of shape (2, 2), optional
        As for `plane_group`.
    pixel_size : float or (float, float), optional
        Size of a pixel, or along y and x, in nm. Lengths are in pixels if not given.
    tolerance, lattice_tolerance : float
        As for `plane_group`.
    progress : callable, optional
        Called as ``progress(done, total)`` after every few windows; what it raises ends this.

    Returns
    -------
    UnitCell

    Raises
    ------
    InputError
        If no window has a lattice, with the reason, or the windows, the lattice, the pixel size
        or the tolerance are none.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> image = nls.LatticeImage(lattice="square", a=12, size=256).draw()
    >>> cell = nls.cells.average_cell(nls.WindowGrid(image.shape, 128, 128).windows(image))
    >>> round(cell.a, 1), cell.unit, cell.group.name
    (12.0, 'pixel', 'p4m')
    """
    check_tolerance(tolerance)
    size_y, size_x = pixel_sizes(pixel_size)
    stack = _stack(windows)
    size = stack.shape[-1]
    n, told = len(stack), progress or _tell_nobody
    lattices = _lattices(stack, lattice, lattice_tolerance, lambda done: told(done, 2 * n))
    places, basis, family, other = _one_crystal(lattices, lattice, lattice_tolerance)
    factors = structure_factors(
        stack[places], basis, progress=lambda done: told(2 * n - len(places) + done, 2 * n)
    )
    seen = _shows_spots(factors)
    if not seen.any():
        raise InputError(f"No window has a lattice to average: {SENTENCES[Flag.NO_SPOTS]}.")
    places, factors, other = places[seen], factors.of(seen), other[seen]
    mean, shifts = merge(factors)
    (group,) = groups_of_factors(mean, family, size, tolerance)
    setting, origin = _setting(group, mean, size)
    values = mean.values[0] * mean.used[0]
    return UnitCell(
        group=group,
        setting=setting,
        primitive=mean.basis[0] * [size_x, size_y],
        other=_usual(other) * [size_x, size_y],
        values=values * _turn(origin),
        symmetric=_symmetric(mean, setting, origin),
        variance=np.where(mean.used[0], mean.variance[0], 0.0),
        mean=float(mean.mean[0]),
        unit=PIXEL if pixel_size is None else NANOMETER,
        pixel_size=(size_y, size_x),
        windows=stack[places],
        places=places,
        # Where the origin of the cell lies in each window, from its center.
        origins=(origin - shifts) @ mean.basis[0] + (size - 1) / 2,
    )


def _stack(windows: Any) -> NDArray[Any]:
    """Return windows (n, w, w) of one window or many."""
    array = as_real(windows)
    if array.ndim < 2 or not array.size:
        raise InputError(f"An array of shape {array.shape} holds no windows (w, w).")
    return as_windows(array.reshape(-1, *array.shape[-2:]))


def _shows_spots(factors: StructureFactors) -> Bool:
    """Tell in which windows two nodes stand out of the noise: by others none is aligned."""
    clear = factors.used & (np.abs(factors.values) ** 2 > _CLEAR * factors.variance)
    return np.asarray(clear[:, HALF].sum(axis=1) >= 2)


def merge(factors: StructureFactors) -> tuple[StructureFactors, Float]:
    """Average the structure factors of windows of one crystal.

    Returns
    -------
    StructureFactors
        Of one window; on the mean basis.
    shifts : ndarray, shape (n, 2)
        By how much of the cell each crystal is displaced, ``mean(f + shift)`` being the window.
    """
    weight = np.where(factors.used, 1 / factors.variance, 0)
    strength = (weight * np.abs(factors.values) ** 2).sum(axis=1)
    reference = factors.values[strength.argmax()]
    shifts = np.zeros((len(factors), 2))
    share = weight / np.maximum(weight.sum(axis=0), 1e-300)
    merged = reference
    for _ in range(_PASSES if len(factors) > 1 else 0):
        shifts = _shifts(factors.values * merged.conj() * weight)
        moved = factors.values * np.exp(-2j * np.pi * shifts @ NODES.T)
        merged = (share * moved).sum(axis=0)
    used = np.asarray(factors.used.any(axis=0))
    variance = np.where(used, 1 / np.maximum(weight.sum(axis=0), 1e-300), 1.0)
    floor = factors.variance.min(axis=0) / len(factors)
    mean = StructureFactors(
        factors.basis.mean(axis=0)[np.newaxis],
        merged[np.newaxis],
        np.where(used, variance, floor)[np.newaxis],
        used[np.newaxis],
        np.array([factors.mean.mean()]),
    )
    return mean, shifts


def _shifts(products: Complex) -> Float:
    """Find the shifts (n, 2) at which ``sum(products * exp(-2 pi i h . u))`` is greatest."""
    n = len(products)
    grid = np.zeros((n, _GRID, _GRID), dtype=np.complex128)
    h, k = (-NODES[HALF].T) % _GRID
    grid[:, h, k] = products[:, HALF]
    likeness = scipy.fft.ifft2(grid).real.reshape(n, -1)
    best = np.stack(np.unravel_index(likeness.argmax(axis=1), (_GRID, _GRID)), axis=1) / _GRID
    nodes = NODES[HALF].astype(np.float64)
    for _ in range(4):
        waves = products[:, HALF] * np.exp(-2j * np.pi * best @ nodes.T)
        slope = 2 * np.pi * waves.imag @ nodes
        curvature = 4 * np.pi**2 * np.einsum("nk,ki,kj->nij", waves.real, nodes, nodes)
        curvature += (
            np.eye(2)
            * 1e-9
            * np.abs(np.trace(curvature, axis1=1, axis2=2) + 1e-300)[:, np.newaxis, np.newaxis]
        )
        step = np.linalg.solve(curvature, slope[..., np.newaxis])[..., 0]
        best = best + np.clip(step, -0.5 / _GRID, 0.5 / _GRID)
    return np.asarray(best)


def _tell_nobody(done: int, total: int) -> None:
    pass


def _lattices(
    stack: NDArray[Any],
    lattice: Lattice | None,
    tolerance: float,
    progress: Callable[[int], object],
) -> WindowLattices:
    """Find the lattices of windows, some at a time where they are to be fitted."""
    n = len(stack)
    step = _BLOCK if lattice is None or isinstance(lattice, str) else n
    parts = []
    for start in range(0, n, step):
        here = stack[start : start + step]
        parts.append(window_lattices(here, lattice, tolerance=tolerance))
        progress(start + len(here))
    return WindowLattices(
        np.concatenate([each.basis for each in parts]),
        [family for each in parts for family in each.families],
        [reason for each in parts for reason in each.reasons],
        np.concatenate([each.other for each in parts]),
    )


def _one_crystal(
    found: WindowLattices, lattice: Lattice | None, tolerance: float
) -> tuple[Index, Float, str, Float]:
    """Choose the windows of one lattice, and write their bases alike; also gives other cells."""
    resolved = np.flatnonzero(~found.unresolved)
    if not len(resolved):
        reasons = sorted(set(found.reasons), key=found.reasons.count)
        raise InputError(f"No window has a lattice to average: {reasons[-1]}.")
    bases = found.basis[resolved]
    tried = bases[:: max(1, len(bases) // _TRIED)]
    # The lattice that most windows have decides of the class, as no single window would.
    median = np.median(max((_near(bases, each) for each in tried), key=len), axis=0)
    family = lattice if isinstance(lattice, str) else lattice_class(median, tolerance)
    reference = family_basis(median, family)
    change, departure = written_alike(bases, reference)
    kept = departure < _SAME_LATTICE
    places = resolved[kept]
    return places, (change @ bases)[kept], family, found.other[places]


def _usual(others: Float) -> Float:
    """Return that of median size of the other cells of windows; NaN if most of them have none."""
    order = np.argsort(cell_area(others))  # NaN comes last
    return np.asarray(others[order[len(order) // 2]])


def _near(bases: Float, reference: Float) -> Float:
    """Return the bases of the same lattice, with vectors next to those of a reference."""
    change, departure = written_alike(bases, reference)
    return np.asarray((change @ bases)[departure < _SAME_LATTICE])


def _setting(group: PlaneGroup, mean: StructureFactors, size: int) -> tuple[Setting, Float]:
    """Return the setting and the origin (fractions of the primitive cell, from the center).

    Of the origins that the Tables allow alike, the brightest point is chosen.
    """
    if group.setting is None:
        return settings("oblique")[0], np.zeros(2)
    basis = mean.basis[0]
    origin = (group.origin - (size - 1) / 2) @ np.linalg.inv(basis)
    if group.name == "p1":
        return group.setting, np.zeros(2)
    candidates = origin + _equal_origins(group.setting)
    waves = np.exp(2j * np.pi * candidates @ NODES.T)
    bright = (waves * mean.values[0] * mean.used[0]).real.sum(axis=1)
    return group.setting, candidates[bright.argmax()]


def _equal_origins(setting: Setting) -> Float:
    """List the shifts of origin that leave every operation as it is."""
    places = np.arange(6) / 6
    shifts = np.stack(np.meshgrid(places, places, indexing="ij"), axis=-1).reshape(-1, 2)
    moved = shifts @ (setting.rotations - np.eye(2)).swapaxes(1, 2)
    alike = (np.abs(moved - np.rint(moved)) < 1e-9).all(axis=(0, 2))
    return np.asarray(shifts[alike])


def _turn(origin: Float) -> Complex:
    return np.asarray(np.exp(2j * np.pi * NODES @ origin))


def _symmetric(mean: StructureFactors, setting: Setting, origin: Float) -> Complex:
    values = mean.values[0] * mean.used[0] * _turn(origin)
    return symmetrized(values, setting)
