"""The atoms of an averaged cell: places, intensities, Wyckoff letters and site symmetries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from napari_lattice_symmetry.cells.transform import NODES
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.plane_groups import Site, standard_operations, wyckoff_sites
from napari_lattice_symmetry.spectrum.checks import is_real

if TYPE_CHECKING:
    from napari_lattice_symmetry.cells.unit_cell import UnitCell

Float = NDArray[np.float64]

OVERLAP = 0.75
"""Valley between two atoms beyond which each moves the maximum of the other by some percent."""

_STEPS = 8
_BETWEEN = np.linspace(0, 1, 17)[1:-1, np.newaxis]  # where valleys are looked for
_SAME = 0.01  # fractions of the cell within which two places are one
_CLEAR = 4.0  # times the standard error
_EQUAL = 1e-3  # share by which heights of one orbit differ by rounding


@dataclass(frozen=True, eq=False)
class CellMotif:
    """Atoms that symmetry does not bring about, and all atoms of the conventional cell.

    Parameters
    ----------
    fractions : ndarray, shape (n, 2)
        Places in the conventional cell, one of each orbit.
    errors : ndarray, shape (n, 2)
        Standard errors of these, along a and b.
    intensity, intensity_error : ndarray, shape (n,)
        Height over the lowest point of the cell.
    letters, symmetries : list of str
        Wyckoff letter and site symmetry in the notation of the International Tables.
    multiplicity : ndarray of int, shape (n,)
        Number of atoms in the conventional cell.
    sites : ndarray, shape (m, 2)
        Every atom, fractions from 0 to 1.
    site_errors : ndarray, shape (m, 2)
        Standard errors of these, along a and b.
    orbit : ndarray of int, shape (m,)
        Which of the n each belongs to.
    valley : ndarray, shape (n,)
        Highest valley between the atom and another, as a share of the height of the lower one:
        beyond `OVERLAP` both overlap, which draws them together. NaN if there is no other.
    """

    fractions: Float
    errors: Float
    intensity: Float
    intensity_error: Float
    letters: list[str]
    symmetries: list[str]
    multiplicity: NDArray[np.intp]
    sites: Float
    site_errors: Float
    orbit: NDArray[np.intp]
    valley: Float

    def __len__(self) -> int:
        return len(self.fractions)

    @property
    def remarks(self) -> list[str]:
        """What is to be minded of each of the n atoms; empty if nothing."""
        return [
            f"overlaps another, with {share:.0%} of its height between: both look too near"
            if share > OVERLAP
            else ""
            for share in self.valley
        ]


def find_motif(cell: UnitCell, *, min_height: float = 0.08) -> CellMotif:
    """Find the atoms of a cell: the maxima of its symmetrized image.

    Parameters
    ----------
    cell : UnitCell
        An averaged cell.
    min_height : float
        Least height of an atom over the lowest point, as a share of that of the highest.

    Returns
    -------
    CellMotif
        The brightest atom first; of equivalent places that with the least x, then y.

    Raises
    ------
    InputError
        If the least height is no share.
    """
    if not (is_real(min_height) and 0 <= min_height < 1):
        raise InputError(
            f"A least height of {min_height!r} is no share of the highest; give 0 or more, below 1."
        )
    group = cell.group.name or "p1"
    sites, valleys = _distinct(cell, _maxima(cell, min_height))
    rotations, translations = standard_operations(group)
    centers = np.array([[0.0, 0.0], [0.5, 0.5]] if group.startswith("c") else [[0.0, 0.0]])
    lowest = float(cell.symmetrized.min())
    heights = cell.at(sites, cell.symmetric) - lowest
    left = list(_order(sites, heights))
    chosen, members, described = [], [], []
    while left:
        first = left[0]
        images = (sites[first] @ rotations.swapaxes(1, 2) + translations)[:, np.newaxis] + centers
        images = images.reshape(-1, 2)
        same = [i for i in left if (_apart(sites[i], images) < _SAME).any() or i == first]
        site, place = _site(group, sites[first], rotations, translations, centers)
        chosen.append(place)
        described.append(site)
        members.append(same)
        left = [i for i in left if i not in same]
    every = np.concatenate([np.asarray(each) for each in members]) if members else np.zeros(0, int)
    firsts = [each[0] for each in members]
    multiplicity = np.array([len(each) for each in members], dtype=np.intp)
    orbit = np.repeat(np.arange(len(members)), multiplicity)
    fractions = np.reshape(chosen, (-1, 2))
    errors, height_errors = _errors(cell, fractions, multiplicity / len(centers))
    site_errors, _ = _errors(cell, sites[every], multiplicity[orbit] / len(centers))
    return CellMotif(
        fractions,
        errors,
        heights[firsts],
        height_errors,
        [site.letter for site in described],
        [site.symmetry for site in described],
        multiplicity,
        sites[every],
        site_errors,
        orbit,
        valleys[firsts],
    )


def _order(sites: Float, heights: Float) -> NDArray[np.intp]:
    """Sort places by height, then x, then y; what differs by rounding counts as equal."""
    x, y = np.round((sites.T + _SAME / 2) % 1, 3)
    order: NDArray[np.intp] = np.lexsort(
        (y, x, -np.round(heights / heights.max(initial=1e-300), 6))
    )
    return order


def _maxima(cell: UnitCell, min_height: float) -> Float:
    image = cell.symmetrized
    highest = image == scipy.ndimage.maximum_filter(image, 3, mode="wrap")
    low, high = float(image.min()), float(image.max())
    error = float(cell.error.flat[0])
    highest &= image - low > max(min_height * (high - low), _CLEAR * error)
    rows, columns = np.nonzero(highest)
    places = np.stack([columns / image.shape[1], rows / image.shape[0]], axis=1)
    for _ in range(_STEPS):
        slope, curvature = _derivatives(cell, places)
        down = np.linalg.eigvalsh(curvature)[:, -1] < 0
        places, slope, curvature = places[down], slope[down], curvature[down]
        step = -np.linalg.solve(curvature, slope[..., np.newaxis])[..., 0]
        places = (places + np.clip(step, -0.01, 0.01)) % 1
    kept: list[Float] = []
    for place in places:
        if not kept or _apart(place, np.array(kept)).min() > _SAME:
            kept.append(place)
    return np.reshape(kept, (-1, 2))


def _distinct(cell: UnitCell, places: Float) -> tuple[Float, Float]:
    """Join the maxima that noise alone may have split; also gives the highest valley of each.

    Those of a height become one in their middle; a lower one is left out.
    """
    lowest = float(cell.symmetrized.min())
    heights = cell.at(places, cell.symmetric) - lowest
    apart = places - places[:, np.newaxis]
    apart -= np.rint(apart)  # from the first to the second
    way = places[:, np.newaxis, np.newaxis] + _BETWEEN * apart[:, :, np.newaxis]
    valley = (cell.at(way, cell.symmetric) - lowest).min(axis=2)
    lower = np.minimum(heights, heights[:, np.newaxis])
    error = np.sqrt(cell.variance[cell.significant].sum() * cell.noise_at(places))
    split = lower - valley < _CLEAR * np.maximum(error, error[:, np.newaxis])
    equal = split & (np.abs(heights - heights[:, np.newaxis]) < _EQUAL * heights)
    hidden = (split & ~equal & (heights < heights[:, np.newaxis]).T).any(axis=1)
    middle = (
        places + (apart * equal[..., np.newaxis]).sum(axis=1) / equal.sum(axis=1)[:, np.newaxis]
    )
    first = equal.argmax(axis=1) == np.arange(len(places))
    kept = first & ~hidden
    share = np.where(split | np.eye(len(places), dtype=bool), np.nan, valley / lower)
    return middle[kept] % 1, _greatest(share[np.ix_(kept, kept)])


def _greatest(shares: Float) -> Float:
    """Return the greatest of every row; NaN of an empty one."""
    greatest = np.where(np.isnan(shares), -np.inf, shares).max(axis=1, initial=-np.inf)
    return np.where(np.isfinite(greatest), greatest, np.nan)


def _derivatives(cell: UnitCell, places: Float) -> tuple[Float, Float]:
    chosen = cell.significant
    nodes = (NODES[chosen] @ cell.setting.conventional.T).astype(np.float64)
    waves = np.exp(2j * np.pi * places @ nodes.T) * cell.symmetric[chosen]
    slope = -2 * np.pi * waves.imag @ nodes
    curvature = -4 * np.pi**2 * np.einsum("nk,ki,kj->nij", waves.real, nodes, nodes)
    return slope, curvature


def _errors(cell: UnitCell, places: Float, copies: Float) -> tuple[Float, Float]:
    """Return standard errors of places, and of heights: noise of the slope over the curvature.

    `copies` is the number of places in a primitive cell over which symmetry has averaged.
    """
    if not len(places):
        return np.zeros((0, 2)), np.zeros(0)
    chosen = cell.significant
    nodes = (NODES[chosen] @ cell.setting.conventional.T).astype(np.float64)
    local = cell.noise_at(places) / copies
    noise = 4 * np.pi**2 * np.einsum("k,ki,kj->ij", cell.variance[chosen], nodes, nodes)
    inverse = np.linalg.inv(_derivatives(cell, places)[1])
    covariance = inverse @ noise @ inverse.swapaxes(1, 2) * local[:, np.newaxis, np.newaxis]
    heights = np.sqrt(cell.variance[chosen].sum() * local)
    return np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)), heights


def _site(
    group: str, place: Float, rotations: Float, translations: Float, centers: Float
) -> tuple[Site, Float]:
    """Find the Wyckoff position of a place, and the place itself on it, in its first copy."""
    copies = (place @ rotations.swapaxes(1, 2) + translations)[:, np.newaxis] + centers
    for site in wyckoff_sites(group):
        free = np.linalg.pinv(site.matrix)
        for copy in copies.reshape(-1, 2):
            for cell_shift in ((i, j) for i in (0, -1, 1) for j in (0, -1, 1)):
                target = copy % 1 + cell_shift
                on = site.matrix @ (free @ (target - site.offset)) + site.offset
                if np.abs(on - target).max() < _SAME:
                    return site, on % 1
    raise AssertionError("Every place lies on the general position.")


def _apart(place: Float, others: Float) -> Float:
    away = others - place
    return np.asarray(np.abs(away - np.rint(away)).max(axis=1))
