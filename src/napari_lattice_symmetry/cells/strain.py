"""Strain maps of fitted windows, and the pixel size that a known lattice gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import cell, cell_area, lattice_parameters, reduce_basis
from napari_lattice_symmetry.lattice.strain import (
    StrainMaps,
    known_cell,
    reference_basis,
    strain_maps,
)
from napari_lattice_symmetry.spectrum import LatticeFit, LatticeFits
from napari_lattice_symmetry.spectrum.lattice_fit import SENTENCES, Flag, words_of_cells

Float = NDArray[np.float64]
Cell = tuple[float, float, float]

KNOWN_CELLS: dict[str, Cell] = {
    "graphene": (0.2461, 0.2461, 120.0),
    "graphite": (0.2461, 0.2461, 120.0),
    "hBN": (0.2504, 0.2504, 120.0),
    "MoS2": (0.3161, 0.3161, 120.0),
    "WS2": (0.3153, 0.3153, 120.0),
    "MoSe2": (0.3289, 0.3289, 120.0),
    "WSe2": (0.3282, 0.3282, 120.0),
    "SrTiO3 [001]": (0.3905, 0.3905, 90.0),
    "Si [110]": (0.3840, 0.5431, 90.0),
    "Au [001]": (0.2039, 0.2039, 90.0),
}
"""Lattices by which a pixel size is set: a and b in nm and gamma in degrees, at room temperature.

They are those of the columns that are seen along the axis: those of gold along [001] are half a
cube's side apart. That of Si [110] is centered: its primitive cell is half as large.
"""

_CENTERED = ("Si [110]",)
# An image whose cell differs more from the known one does not show it.
_MAX_MISFIT = 0.1
# Steps of a scan differ less between its axes, unless someone chose them to.
_MAX_ASPECT = 1.15


def fitted_strain(
    fits: LatticeFits | LatticeFit,
    reference: LatticeFit | ArrayLike | None = None,
    *,
    lattice_axes: bool = False,
) -> StrainMaps:
    """Return the strain of fitted windows against a reference, with errors.

    Parameters
    ----------
    fits : LatticeFits or LatticeFit
        Of windows of any arrangement.
    reference : LatticeFit, array_like of bool, of shape (2, 2) or of shape (3,), optional
        The lattice that counts as not strained: a fit, the windows whose median it is, a basis in
        the unit of the fits, or a and b in this unit and gamma in degrees of a cell, turned to
        the crystal; the median of all windows if not given. Its own errors are not counted.
    lattice_axes : bool
        Give strains along and across the vector a of the reference instead of x and y.

    Returns
    -------
    StrainMaps
        Arrays of the shape of the fits. Errors are those of the fit with all their correlations.

    Raises
    ------
    InputError
        If the reference has no lattice, or the region does not fit the windows.
    """
    if isinstance(reference, LatticeFit):
        if not reference.resolved or reference.unit != fits.unit:
            raise InputError(f"The reference is no lattice in {fits.unit}, as the windows are.")
        reference = reference.basis
    chosen = reference_basis(fits.basis, reference)
    return strain_maps(fits.basis, chosen, fits.covariance, lattice_axes=lattice_axes)


@dataclass(frozen=True)
class PixelSize:
    """The pixel size at which a lattice that is seen is the known one.

    Parameters
    ----------
    y, x : float
        Size of a pixel along y and x, in nm.
    y_error, x_error : float
        Standard errors.
    misfit : float
        Greatest departure of the lattice vectors that no pixel size takes away, as a share: the
        shear of the scan, or another lattice.
    superlattice : str
        The other cell that spots speak for, and the pixels if that is the known one; empty if
        there is none.
    sampled : str
        Which part of the windows it is the mean of, in words; empty if of all.
    """

    y: float
    x: float
    y_error: float
    x_error: float
    misfit: float
    superlattice: str = ""
    sampled: str = ""

    @property
    def remarks(self) -> str:
        """What speaks against it, in sentences; empty if nothing does."""
        return f"{self._aspect} {self.superlattice}".strip()

    @property
    def _aspect(self) -> str:
        aspect = self.y / self.x
        if max(aspect, 1 / aspect) <= _MAX_ASPECT:
            return ""
        longer = "as high as wide" if aspect > 1 else "as wide as high"
        return (
            f"Pixels {max(aspect, 1 / aspect):.2f} times {longer} speak for another lattice, "
            "unless the scan had such steps."
        )


def pixel_size_of(fit: LatticeFit, known: str | Cell, *, square: bool = False) -> PixelSize:
    """Find the pixel size from a lattice that is known.

    Parameters
    ----------
    fit : LatticeFit
        Of a window, in pixels.
    known : str or (float, float, float)
        One of `KNOWN_CELLS`, or a and b in nm and gamma in degrees.
    square : bool
        Whether pixels are as high as wide.

    Returns
    -------
    PixelSize

    Raises
    ------
    InputError
        If the fit is not resolved or not in pixels, there is no such cell, or the image does
        not show it.
    """
    if not fit.resolved:
        raise InputError(f"The lattice is {fit.remarks}; choose a window that shows the crystal.")
    if fit.unit != "pixel":
        raise InputError("Give a lattice that was fitted in pixels, without a pixel size.")
    true = known_basis(known)
    seen = fit.basis
    start = float(np.sqrt(abs(np.linalg.det(true) / np.linalg.det(seen))))
    solved = [
        (*_solve(change @ seen, true, start, square), change)
        for change in _writings(seen * start, true)
    ]
    misfit, (x, y), slope, change = min(
        solved, key=lambda each: each[0], default=(np.inf, np.ones(2), np.eye(4), np.eye(2))
    )
    if misfit > _MAX_MISFIT:
        name = known if isinstance(known, str) else f"a = {known[0]}, b = {known[1]} nm"
        raise InputError(f"The image does not show the lattice of {name}, whatever the pixel size.")
    # What least squares make of the errors of the four components, in shares of the sizes.
    moved = np.linalg.pinv(slope) @ np.diag([x, y, x, y]) @ np.kron(change, np.eye(2))
    x_share, y_share = np.sqrt(np.diagonal(moved @ fit.covariance @ moved.T))[
        [0, 0 if square else 1]
    ]
    return PixelSize(y, x, float(y * y_share), float(x * x_share), misfit, _other_cell(fit))


def _other_cell(fit: LatticeFit) -> str:
    """Tell the other cell of a superlattice, which the known lattice may be that of as well."""
    if not fit.flags & Flag.SUPERLATTICE:
        return ""
    words = words_of_cells(fit.basis, fit.other_basis, fit.unit, fit.tolerance)
    sentence = SENTENCES[Flag.SUPERLATTICE].format(**words)
    factor = float(np.sqrt(cell_area(fit.basis) / cell_area(fit.other_basis)))
    return (
        f"{sentence[0].upper()}{sentence[1:]}: if that is the known one, pixels are "
        f"{factor:.3g} times as large."
    )


def known_basis(known: str | Cell) -> Float:
    """Make the reduced basis of one of `KNOWN_CELLS`, or of a, b and gamma.

    Raises
    ------
    InputError
        If there is no such cell.
    """
    if isinstance(known, str):
        if known not in KNOWN_CELLS:
            raise InputError(f"{known!r} is not listed; choose one of {', '.join(KNOWN_CELLS)}.")
        basis = cell(*KNOWN_CELLS[known])
        if known in _CENTERED:
            basis = np.array([[1, 0], [0.5, 0.5]]) @ basis
        return reduce_basis(basis)
    return known_cell(known)


def _writings(seen: Float, true: Float) -> list[Float]:
    """List what makes bases of a lattice of one, those whose cell is near to that of another."""
    steps = (-1, 0, 1)
    changes = [
        np.array([[i, j], [k, m]]) for i in steps for j in steps for k in steps for m in steps
    ]
    a, b, gamma = lattice_parameters(true)

    def away(basis: Float) -> float:
        c, d, angle = lattice_parameters(basis)
        return float(max(abs(np.log([c / a, d / b])).max(), abs(np.deg2rad(angle - gamma))))

    bases = [each for each in changes if abs(np.linalg.det(each)) == 1]
    return [each for each in bases if away(each @ seen) < 0.3]


def _solve(seen: Float, true: Float, start: float, square: bool) -> tuple[float, Float, Float]:
    """Fit pixel sizes (x, y) and a turn, either hand.

    Returns
    -------
    misfit : float
    sizes : ndarray, shape (2,)
    slope : ndarray, shape (4, 3)
        Of the components of the vectors, by the logarithms of the sizes and the turn.
    """
    answers: list[tuple[float, Float, Float]] = []
    size = np.sqrt(abs(np.linalg.det(true)))
    for flip in (np.eye(2), np.diag([1.0, -1.0])):

        def off(values: Float, flip: Float = flip) -> Float:
            x, y = np.exp(values[:2]) if not square else np.exp(values[[0, 0]])
            c, s = np.cos(values[2]), np.sin(values[2])
            turned = true @ flip @ np.array([[c, s], [-s, c]])
            return np.asarray((seen * [x, y] - turned).ravel() / size)

        first = (true @ flip)[0]
        angle = np.arctan2(seen[0, 1], seen[0, 0]) - np.arctan2(first[1], first[0])
        found = least_squares(off, [np.log(start), np.log(start), angle])
        sizes = np.exp(found.x[:2]) if not square else np.exp(found.x[[0, 0]])
        answers.append((float(np.abs(found.fun).max()), sizes, size * found.jac))
    return min(answers, key=lambda answer: answer[0])
