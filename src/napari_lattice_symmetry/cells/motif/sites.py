"""The atoms of an averaged cell: places, intensities, Wyckoff letters and site symmetries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.cells.motif.maxima import SAME, apart, find_maxima, maxima_errors
from napari_lattice_symmetry.cells.motif.peaks import Peaks, Start, fit_peaks
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.plane_groups import Site, standard_operations, wyckoff_sites
from napari_lattice_symmetry.spectrum.checks import is_real

if TYPE_CHECKING:
    from napari_lattice_symmetry.cells.unit_cell import UnitCell

Float = NDArray[np.float64]

OVERLAP = 0.75
"""Valley between two atoms beyond which each moves the maximum of the other by some percent."""

_ALIKE = 1e-6  # fractions within which two images of a place are one
_HIDDEN = 4  # atoms that are looked for in what peaks leave
_CLEAR = 4.0  # times the standard error
_NARROWEST = 2.0  # times their width, between peaks that are told apart without a valley
_EXPLAINED = 2.0  # sum of squares over the numbers to spare, beyond which noise is not all
_POINTS = np.stack(np.meshgrid(*2 * [np.arange(48) / 48], indexing="ij"), axis=-1).reshape(-1, 2)


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
        Height of its peak, and its standard error.
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
        beyond `OVERLAP` both overlap, and only the fit tells them apart. 1 of an atom that is no
        maximum; NaN if there is no other.
    fitted : bool
        Whether all are peaks that were fitted at once, and not just maxima of the image.
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
    fitted: bool

    def __len__(self) -> int:
        return len(self.fractions)

    @property
    def remarks(self) -> list[str]:
        """What is to be minded of each of the n atoms; empty if nothing."""
        return [self._remark(share) for share in self.valley]

    def _remark(self, share: float) -> str:
        if share >= 1:
            return "is hidden in another: only a fit of round peaks shows it"
        if share > OVERLAP:
            how = "told apart as round peaks" if self.fitted else "both look too near"
            return f"overlaps another, with {share:.0%} of its height between: {how}"
        return "" if self.fitted else "is a maximum of the image: no round peaks fit it"


def find_motif(cell: UnitCell, *, min_height: float) -> CellMotif:
    """Find the atoms of a cell: round peaks, fitted at once, beginning with its maxima.

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
    operations = _Operations.of(cell.group.name or "p1")
    starts, valleys = _starts(cell, operations, *find_maxima(cell, min_height))
    starts, found = _fitted(cell, operations, starts)
    valleys = np.append(valleys, np.ones(len(starts) - len(valleys)))  # none before those hidden
    order = _order(found.places, found.heights)
    sites, site_errors = [np.zeros((0, 2))], [np.zeros((0, 2))]
    for k in order:
        places, rotations = operations.images(found.places[k])
        spread = rotations @ found.covariance[k] @ rotations.swapaxes(1, 2)
        sites.append(places)
        site_errors.append(_errors(spread))
    multiplicity = np.array([len(each) for each in sites[1:]], dtype=np.intp)
    return CellMotif(
        found.places[order],
        _errors(found.covariance[order]),
        found.heights[order],
        found.height_errors[order],
        [starts[k].site.letter for k in order],
        [starts[k].site.symmetry for k in order],
        multiplicity,
        np.concatenate(sites),
        np.concatenate(site_errors),
        np.repeat(np.arange(len(order)), multiplicity),
        valleys[order],
        bool(np.isfinite(found.chi_square)),
    )


@dataclass(frozen=True, eq=False)
class _Operations:
    """What a plane group does to places, fractions of the conventional cell."""

    group: str
    rotations: Float
    translations: Float
    centers: Float

    @classmethod
    def of(cls, group: str) -> _Operations:
        centers = [[0.0, 0.0], [0.5, 0.5]] if group.startswith("c") else [[0.0, 0.0]]
        return cls(group, *standard_operations(group), np.array(centers))

    def all_images(self, place: Float) -> Float:
        """Return where all operations take a place, in no order, some of them more than once."""
        moved = place @ self.rotations.swapaxes(1, 2) + self.translations
        return np.asarray((moved[:, np.newaxis] + self.centers).reshape(-1, 2))

    def images(self, place: Float) -> tuple[Float, Float]:
        """Return equivalent places (m, 2) of a cell, and the rotations (m, 2, 2) to these."""
        every = self.all_images(place)
        same = np.array([apart(each, every) < _ALIKE for each in every])
        first = np.flatnonzero(same.argmax(axis=1) == np.arange(len(every)))
        first = first[_order(every[first], np.ones(len(first)))]
        return every[first] % 1, self.rotations[first // len(self.centers)]


def _starts(
    cell: UnitCell, operations: _Operations, places: Float, valleys: Float
) -> tuple[list[Start], Float]:
    """Join maxima that symmetry makes alike, and put those near to a special position on it."""
    heights = cell.at(places, cell.symmetric) - float(cell.symmetrized.min())
    left = list(_order(places, heights))
    starts, kept = [], []
    while left:
        first = left[0]
        images = operations.all_images(places[first])
        site, place = _site(operations, places[first])
        number = len(operations.images(place)[0]) / len(operations.centers)
        starts.append(Start(site, place, float(heights[first]), number))
        kept.append(valleys[first])
        left = [i for i in left[1:] if (apart(places[i], images) >= SAME).all()]
    return starts, np.array(kept)


def _fitted(
    cell: UnitCell, operations: _Operations, starts: list[Start]
) -> tuple[list[Start], Peaks]:
    """Fit peaks, and more of them if with these noise is all that is left.

    Where round peaks of one width explain no image, and that is so of most real ones, none is
    added.
    """
    more, peaks = list(starts), fit_peaks(cell, starts)
    while peaks is not None and peaks.chi_square > _EXPLAINED:
        left = cell.at(_POINTS, peaks.left)
        site, place = _site(operations, _POINTS[left.argmax()])
        near = _distance(cell, operations, place, peaks.places) < peaks.widths.min()
        if near or len(more) == len(starts) + _HIDDEN:
            peaks = None
        else:
            number = len(operations.images(place)[0]) / len(operations.centers)
            more.append(Start(site, place, float(left.max()) - cell.mean, number))
            peaks = fit_peaks(cell, more)
    if peaks is not None and _are_seen(cell, operations, peaks, len(starts)):
        return more, peaks
    peaks = fit_peaks(cell, starts, own_widths=True)
    return starts, _as_maxima(cell, starts) if peaks is None else _doubted(peaks, starts)


def _distance(cell: UnitCell, operations: _Operations, place: Float, others: Float) -> float:
    """Return how far a place is from the nearest of others, and of its own images."""
    own, *_ = operations.images(place)
    sites = np.concatenate([own[apart(place, own) > _ALIKE], *map(operations.all_images, others)])
    off = sites - place
    return float(np.linalg.norm((off - np.rint(off)) @ cell.basis, axis=1).min(initial=np.inf))


def _are_seen(cell: UnitCell, operations: _Operations, peaks: Peaks, first: int) -> bool:
    """Return whether peaks from `first` on are high enough, and lie in no other one.

    Two that are nearer than twice their width look much like one that a lens has drawn out.
    """
    for k in range(first, len(peaks.places)):
        others = np.delete(peaks.places, k, axis=0)
        near = _distance(cell, operations, peaks.places[k], others) < _NARROWEST * peaks.widths[k]
        if near or peaks.heights[k] < _CLEAR * peaks.height_errors[k]:
            return False
    return True


def _doubted(peaks: Peaks, starts: list[Start]) -> Peaks:
    """Widen errors by how far peaks that do not explain the image lie from its maxima."""
    off = peaks.places - [each.place for each in starts]
    off -= np.rint(off)
    spread = off[:, :, np.newaxis] * off[:, np.newaxis]
    doubt = max(0.0, 1 - _EXPLAINED / peaks.chi_square)
    return replace(peaks, covariance=peaks.covariance + doubt * spread)


def _as_maxima(cell: UnitCell, starts: list[Start]) -> Peaks:
    """Take maxima for atoms where no peaks could be fitted."""
    places = np.reshape([each.place for each in starts], (-1, 2))
    covariance, errors = maxima_errors(cell, places, np.array([each.number for each in starts]))
    on = np.reshape([each.free @ np.linalg.pinv(each.free) for each in starts], (-1, 2, 2))
    heights = np.array([each.height for each in starts])
    spread = on @ covariance @ on.swapaxes(1, 2)
    return Peaks(
        places,
        spread,
        heights,
        errors,
        np.full_like(heights, np.nan),
        np.inf,
        np.zeros_like(cell.values),
    )


def _errors(covariance: Float) -> Float:
    return np.asarray(np.sqrt(np.maximum(np.diagonal(covariance, axis1=-2, axis2=-1), 0)))


def _order(sites: Float, heights: Float) -> NDArray[np.intp]:
    """Sort places by height, then x, then y; what differs by rounding counts as equal."""
    x, y = np.round((sites.T + SAME / 2) % 1, 3)
    order: NDArray[np.intp] = np.lexsort(
        (y, x, -np.round(heights / heights.max(initial=1e-300), 6))
    )
    return order


def _site(operations: _Operations, place: Float) -> tuple[Site, Float]:
    """Find the Wyckoff position of a place, and the place itself on it, in its first copy."""
    copies = operations.all_images(place)
    for site in wyckoff_sites(operations.group):
        free = np.linalg.pinv(site.matrix)
        for copy in copies:
            for cell_shift in ((i, j) for i in (0, -1, 1) for j in (0, -1, 1)):
                target = copy % 1 + cell_shift
                on = site.matrix @ (free @ (target - site.offset)) + site.offset
                if np.abs(on - target).max() < SAME:
                    return site, on % 1
    raise AssertionError("Every place lies on the general position.")
