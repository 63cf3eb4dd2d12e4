"""The primitive cell of every window: from its lattice fit, with weak superlattices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_lattice_symmetry.cells.superlattice import find_superlattices
from napari_lattice_symmetry.data.movie import PIXEL
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import cell_area, lattice_parameters, symmetry_distances
from napari_lattice_symmetry.lattice.metric import metric_class
from napari_lattice_symmetry.lattice.plane_groups import MIN_CELLS, family_basis, settings
from napari_lattice_symmetry.spectrum import Flag, LatticeFit, LatticeFits, fit_lattices
from napari_lattice_symmetry.spectrum.amplitude import analyzable
from napari_lattice_symmetry.spectrum.checks import as_windows, is_real
from napari_lattice_symmetry.spectrum.lattice_fit import MAX_TOLERANCE, SENTENCES, TOLERANCE
from napari_lattice_symmetry.spectrum.peaks import find_peaks

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Index = NDArray[np.intp]

Lattice: TypeAlias = "LatticeFit | LatticeFits | str | ArrayLike"

_CLEAR = 6.0  # times the noise


@dataclass(frozen=True, eq=False)
class WindowLattices:
    """The lattices of n windows.

    Parameters
    ----------
    basis : ndarray, shape (n, 2, 2)
        As `family_basis` gives it, in pixels.
    families : list of str
        Class of each lattice; empty where there is none.
    reasons : list of str
        Why a window has no cell that can be used; empty if it has.
    other : ndarray, shape (n, 2, 2)
        Reduced cell that speaks against `basis` where there is a superlattice, in pixels: that
        which was fitted, or its `other_basis`; NaN where there is none.
    """

    basis: Float
    families: list[str]
    reasons: list[str]
    other: Float

    @property
    def unresolved(self) -> Bool:
        """Where there is no cell that can be used."""
        return np.array([bool(reason) for reason in self.reasons])

    def by_family(self) -> Iterator[tuple[str, Index]]:
        """Give each class with the windows that have a lattice of it."""
        names = np.array(
            [
                "" if reason else name
                for name, reason in zip(self.families, self.reasons, strict=True)
            ]
        )
        for family in sorted(set(names) - {""}):
            yield str(family), np.flatnonzero(names == family)


def window_lattices(
    windows: NDArray[Any],
    lattice: Lattice | None = None,
    distortion: NDArray[np.float64] | None = None,
    tolerance: float = TOLERANCE,
) -> WindowLattices:
    """Find the primitive cell of every window.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
    lattice : LatticeFit, LatticeFits, str or ndarray of shape (2, 2), optional
        What is known of it, see `plane_group`.
    distortion : ndarray, shape (2, 2), optional
        As for `plane_groups`.
    tolerance : float
        As `lattice_tolerance` of `plane_groups`.

    Raises
    ------
    InputError
        If the lattice or tolerance is none, or the windows cannot be fitted.
    """
    if not (is_real(tolerance) and 0 <= tolerance <= MAX_TOLERANCE):
        raise InputError(f"A lattice tolerance of {tolerance!r} is not from 0 to {MAX_TOLERANCE}.")
    windows = as_windows(windows, "(n, w, w)")
    n, size = len(windows), windows.shape[-1]
    family = lattice if isinstance(lattice, str) else None
    if family is not None:
        settings(family)  # raises if there is no such class
    if lattice is None or family is not None:
        fits = fit_lattices(windows)
        bases = fits.basis.copy()
        sound = np.flatnonzero(fits.resolved)
        bases[sound] = find_superlattices(windows[sound], bases[sound])
        reasons = [_reason(fits[i], windows[i], bases[i]) for i in range(n)]
        other = _other(bases, fits.basis, fits.other_basis)
    else:
        bases, reasons, other = _given(lattice, windows)
    found = [
        (bases[i], "", reasons[i])
        if reasons[i]
        else _described(bases[i], family, size, distortion, tolerance)
        for i in range(n)
    ]
    return WindowLattices(*_columns(found), other)


def _other(bases: Float, fitted: Float, other: Float) -> Float:
    """Return what was fitted where the other cell of a superlattice is used, else that other."""
    is_used = np.isclose(cell_area(bases), cell_area(other), rtol=0.1)
    return np.where(is_used[:, np.newaxis, np.newaxis], fitted, other)


def _given(lattice: Any, windows: NDArray[Any]) -> tuple[Float, list[str], Float]:
    """Return bases of lattices that are given, why windows have none all the same, other cells."""
    n = len(windows)
    if isinstance(lattice, LatticeFit | LatticeFits):
        if lattice.unit != PIXEL:
            raise InputError("Give a lattice that was fitted in pixels, without a pixel size.")
        if isinstance(lattice, LatticeFits) and lattice.a.size != n:
            raise InputError(f"The lattices are those of {lattice.a.size} windows, not of {n}.")
        if isinstance(lattice, LatticeFit):
            fits = [lattice] * n
        else:
            fits = [lattice[each] for each in np.ndindex(lattice.a.shape)]
        bases = np.array([fit.basis for fit in fits])
        reasons = [
            _reason(fit, window, fit.basis) for fit, window in zip(fits, windows, strict=True)
        ]
        other = np.array([fit.other_basis for fit in fits])
    else:
        bases, reasons = np.tile(_as_basis(lattice), (n, 1, 1)), [""] * n
        other = np.full((n, 2, 2), np.nan)
    for i, is_sound in enumerate(analyzable(windows)):
        if not is_sound:
            reasons[i] = SENTENCES[Flag.MISSING_PIXELS]
        elif not np.ptp(windows[i][np.isfinite(windows[i])]):
            reasons[i] = SENTENCES[Flag.NO_SPOTS]
    return bases, reasons, other


def _as_basis(given: Any) -> Float:
    try:
        basis = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        basis = np.empty(0)
    if basis.shape != (2, 2) or not np.isfinite(basis).all():
        what = given.tolist() if isinstance(given, np.ndarray) else given
        raise InputError(
            f"{what!r} is no lattice: give a fit, a class or a basis, two vectors (x, y) in rows."
        )
    return basis


def _reason(fit: LatticeFit, window: NDArray[Any], basis: Float) -> str:
    """Say why a fit has no cell that can be used; empty if it has."""
    if fit.flags & Flag.FEW_PERIODS:  # of which a group takes more than a lattice
        return _few(fit.periods)
    if not fit.resolved:
        return fit.remarks.removeprefix("not resolved: ")
    if fit.flags & Flag.TWO_LATTICES and not _explained(window, basis, fit.basis):
        return SENTENCES[Flag.TWO_LATTICES]
    return ""


def _few(periods: float) -> str:
    """Say that too few periods fit into a window; empty if they are enough."""
    if periods >= MIN_CELLS:
        return ""
    return f"{periods:.1f} periods in the window, fewer than {MIN_CELLS}"


def _explained(window: NDArray[Any], basis: Float, fitted: Float) -> bool:
    """Return whether a superlattice explains what looked like a second lattice."""
    if np.array_equal(basis, fitted):
        return False
    peaks = find_peaks(window[np.newaxis])
    clear = peaks.significance[0] > _CLEAR
    indices = peaks.position[0, clear] @ basis.T / window.shape[-1]
    off = (indices - np.rint(indices)) @ np.linalg.inv(basis).T * window.shape[-1]
    return bool((np.linalg.norm(off, axis=1) < 1).all())


def _columns(found: list[tuple[Float, str, str]]) -> tuple[Float, list[str], list[str]]:
    bases, families, reasons = zip(*found, strict=True) if found else ((), (), ())
    return np.reshape(np.array(bases, dtype=np.float64), (-1, 2, 2)), list(families), list(reasons)


def lattice_class(basis: Float, tolerance: float = TOLERANCE) -> str:
    """Name the class of a lattice by its metric, within a tolerance.

    Raises
    ------
    InputError
        If the vectors span no lattice.
    """
    try:
        return metric_class(symmetry_distances(basis), tolerance)
    except ValueError as error:
        raise InputError(f"{basis.tolist()} spans no lattice.") from error


def _described(
    basis: Float, family: str | None, size: int, distortion: Float | None, tolerance: float
) -> tuple[Float, str, str]:
    """Describe a basis by a class: by its metric, unless the class is given."""
    seen = np.eye(2) if distortion is None else distortion.T
    true = basis @ np.linalg.inv(seen)
    reason = _few(size / lattice_parameters(basis)[0])
    if family is None:
        family = lattice_class(true, tolerance)
    else:
        reason = reason or _unlike(true, family)
    return family_basis(true, family) @ seen, family, reason


def _unlike(basis: Float, family: str) -> str:
    """Say that a lattice is none of the class that is given; empty if a scan can make it so."""
    off = symmetry_distances(basis).get(family, 0.0)
    if off <= MAX_TOLERANCE:
        return ""
    return f"the lattice departs from {family} by {off:.0%}, more than {MAX_TOLERANCE:.0%}"
