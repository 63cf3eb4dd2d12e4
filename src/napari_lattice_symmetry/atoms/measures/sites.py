"""Where atoms are against where others have them: displacements, polarization, and grains."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from napari_lattice_symmetry.atoms.defects import frame_of
from napari_lattice_symmetry.atoms.measures.bonds import find_bonds
from napari_lattice_symmetry.atoms.table import GRAIN, Atoms
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError

Float = NDArray[np.float64]
Integer = NDArray[np.int64]

_SAME = 0.35  # spacings within which an atom is where it is expected
_MIN_ASKED = 4  # atoms that have to tell where another one should be
_FEW = 12  # atoms of which no lattice is told
_EVEN = 0.3  # spread of the distances of neighbors around a center, as a share of their mean
_ORDERED = 0.7  # order of the directions of bonds below which an atom is of no grain
_FOLDS = (4, 6)  # rotations that orders are told of


def displacements(frame: Movie | ArrayLike, atoms: Atoms) -> Atoms:
    """Measure how far each atom lies from its lattice site.

    The site is the median of the places that atoms a lattice vector away expect it at, so that
    strain and drift of the scan over more than two cells count as none.

    Parameters
    ----------
    frame : Movie or array_like, shape (Y, X) or (T, Y, X)
        Where they were found.
    atoms : Atoms
        As `find_atoms` gives them; with the column ``grain``, each grain has its own lattice.

    Returns
    -------
    Atoms
        With the columns ``displacement_y``, ``displacement_x`` and ``displacement``, their length,
        in pixels; NaN where there is no lattice, fewer than four atoms tell the site, or the border
        of the frame cuts an atom off.

    Raises
    ------
    InputError
        If the atoms are not of this movie.

    Notes
    -----
    The error of a displacement is that of the place itself, and about 1.25 / sqrt(n) times it of
    the median of n others.

    Examples
    --------
    >>> picture = nls.atoms.AtomImage(spacing=14, size=160, displacement=0.05).draw()
    >>> away = nls.atoms.displacements(picture.image, picture.atoms).more["displacement"]
    >>> bool(0.04 < np.nanmedian(away) / 14 < 0.09)
    True
    """
    movie = frame if isinstance(frame, Movie) else Movie.from_array(frame, name=atoms.name)
    away = np.full((len(atoms), 2), np.nan)
    grain = np.asarray(atoms.more.get(GRAIN, np.ones(len(atoms))))
    for number in np.unique(atoms.frame).tolist():
        for each in np.unique(grain[(atoms.frame == number) & (grain > 0)]).tolist():
            rows = np.flatnonzero((atoms.frame == number) & (grain == each))
            away[rows] = _from_sites(movie, atoms[rows], number)
    return _with_vectors(atoms, "displacement", away)


def _from_sites(movie: Movie, atoms: Atoms, number: int) -> Float:
    nowhere = np.full((len(atoms), 2), np.nan)
    if len(atoms) < _FEW:
        return nowhere
    seen = frame_of(movie, atoms, number)
    if not len(seen.vectors):
        return nowhere
    distance, index = KDTree(seen.places).query(seen.places[:, np.newaxis] - seen.vectors)
    here = np.asarray(distance) < _SAME * seen.spacing
    sites = seen.places[np.where(here, index, 0)] + seen.vectors
    away = np.where(here[..., np.newaxis], seen.places[:, np.newaxis] - sites, np.nan)
    away[(here.sum(axis=1) < _MIN_ASKED) | ~seen.inside(seen.places)] = np.nan
    return _medians(away)


def _medians(values: Float) -> Float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of rows without a number
        return np.asarray(np.nanmedian(values, axis=1))


def polarization(atoms: Atoms, label: str, count: int) -> Atoms:
    """Measure how far columns of a class lie from the center of their neighbors of other classes.

    In a perovskite along [001] that is the B column against the four A columns around it. The
    dipole is proportional to it only as far as the charges that move are known; it has the unit of
    a length.

    Parameters
    ----------
    atoms : Atoms
        With classes, such as those of `classify`.
    label : str
        The class that is displaced.
    count : int
        How many neighbors of other classes there are around one: 4 in a perovskite along [001], 3
        in a layer MX2.

    Returns
    -------
    Atoms
        With the columns ``polarization_y``, ``polarization_x`` and ``polarization``, their length,
        in pixels; NaN of other classes, and where neighbors are missing or not all around.

    Raises
    ------
    InputError
        If no atom has this class, all have it, or `count` is below 3.

    Examples
    --------
    >>> atoms = nls.atoms.Atoms.at(
    ...     [0, 0, 10, 10, 6], [0, 10, 0, 10, 5], label=["A", "A", "A", "A", "B"]
    ... )
    >>> nls.atoms.polarization(atoms, "B", 4).more["polarization_y"].tolist()
    [nan, nan, nan, nan, 1.0]
    """
    if count < 3:
        raise InputError(f"{count} neighbors have no center among them; give 3 or more.")
    chosen = atoms.label == label
    if not chosen.any() or chosen.all():
        listed = ", ".join(sorted(set(atoms.label.tolist()))) or "none"
        raise InputError(
            f"Atoms of the class {label!r} and of others are needed; there are: {listed}."
        )
    away = np.full((len(atoms), 2), np.nan)
    for number in np.unique(atoms.frame[chosen]):
        rows = np.flatnonzero(chosen & (atoms.frame == number))
        others = np.flatnonzero(~chosen & (atoms.frame == number))
        if len(others) >= count:
            away[rows] = _from_centers(atoms.positions[rows], atoms.positions[others], count)
    return _with_vectors(atoms, "polarization", away)


def _from_centers(places: Float, others: Float, count: int) -> Float:
    """Return how far places lie from the center of the nearest others, if those are all around."""
    distance, index = KDTree(others).query(places, k=count)
    distance, around = np.asarray(distance), others[np.asarray(index)]
    spokes = around - places[:, np.newaxis]
    direction = np.sort(np.arctan2(spokes[..., 0], spokes[..., 1]), axis=1)
    gaps = np.diff(direction, axis=1, append=direction[:, :1] + 2 * np.pi)
    usual = np.median(distance)
    whole = (gaps.max(axis=1) < 1.5 * 2 * np.pi / count) & (
        np.abs(distance - usual).max(axis=1) < _EVEN * usual
    )
    return np.where(whole[:, np.newaxis], -spokes.mean(axis=1), np.nan)


def _with_vectors(atoms: Atoms, name: str, away: Float) -> Atoms:
    vectors = {f"{name}_y": away[:, 0], f"{name}_x": away[:, 1], name: np.hypot(*away.T)}
    return atoms.with_columns(**vectors)


def find_grains(atoms: Atoms, tolerance: float = 2.0, least: int = 12) -> Atoms:
    """Tell grains apart by the direction of their bonds.

    The direction at an atom is the phase of the mean of exp(i m angle) over its bonds and those of
    its neighbors, with m = 4 or 6, whichever the frame has more of (the bond-orientational order
    of Nelson and Halperin, Phys. Rev. B 19, 2457 (1979)). Bonded atoms whose directions agree are
    of one grain.

    Parameters
    ----------
    atoms : Atoms
        Of one frame or more.
    tolerance : float
        Degrees by which directions of bonded atoms differ at most. With 2, grains are told apart
        that are turned against each other by 10 or more: across a boundary it goes step by step.
    least : int
        Atoms of a grain.

    Returns
    -------
    Atoms
        With the columns ``grain``, from 1 for the largest of each frame, 0 of atoms in none, such
        as those of a boundary; and ``orientation``: the direction in degrees from x towards y, from
        0 to below 360 / m, NaN where bonds have no common one.

    Raises
    ------
    InputError
        If there are no two atoms in a frame, or the tolerance is not positive.

    Examples
    --------
    >>> picture = nls.atoms.AtomImage(size=256, second_grain=0.5, misorientation=20).draw()
    >>> sorted(set(nls.atoms.find_grains(picture.atoms).more["grain"].tolist()))
    [0, 1, 2]
    """
    if not tolerance > 0:
        raise InputError(f"A tolerance of {tolerance:g}° parts all atoms; it must be positive.")
    bonds = find_bonds(atoms)
    grain, direction = np.zeros(len(atoms), np.int64), np.full(len(atoms), np.nan)
    y, x = (atoms.positions[bonds.pairs[:, 1]] - atoms.positions[bonds.pairs[:, 0]]).T
    angle = np.arctan2(y, x)
    for number in np.unique(atoms.frame):
        inside = bonds.frame == number
        rows = np.flatnonzero(atoms.frame == number)
        pairs = np.searchsorted(rows, bonds.pairs[inside])
        grain[rows], direction[rows] = _grains_of(len(rows), pairs, angle[inside], tolerance, least)
    return atoms.with_columns(grain=grain, orientation=direction)


def _grains_of(
    n: int, pairs: Integer, angle: Float, tolerance: float, least: int
) -> tuple[Integer, Float]:
    orders = [_smoothed(_order(n, pairs, angle, fold), pairs) for fold in _FOLDS]
    fold, order = max(zip(_FOLDS, orders, strict=True), key=lambda each: np.abs(each[1]).mean())
    i, j = pairs.T
    turn = np.abs(np.angle(order[i] * order[j].conj(), deg=True)) / fold
    ordered = np.abs(order) > _ORDERED
    joined = ordered[i] & ordered[j] & (turn < tolerance)
    graph = coo_matrix((np.ones(joined.sum()), (i[joined], j[joined])), shape=(n, n))
    _, part = connected_components(graph, directed=False)
    counts = np.bincount(part)
    kept = np.argsort(-counts, kind="stable")[: int((counts >= least).sum())]
    number = np.zeros(len(counts), np.int64)
    number[kept] = np.arange(1, len(kept) + 1)
    direction = np.mod(np.angle(order, deg=True) / fold, 360 / fold)
    return number[part], np.where(ordered, direction, np.nan)


def _order(n: int, pairs: Integer, angle: Float, fold: int) -> NDArray[np.complex128]:
    """Return the mean of exp(i fold angle) over the bonds of each atom; 0 of those without."""
    ends = pairs.ravel()
    phase = np.exp(1j * fold * np.repeat(angle, 2))  # even folds see both ends alike
    total = np.bincount(ends, phase.real, n) + 1j * np.bincount(ends, phase.imag, n)
    return np.asarray(total / np.maximum(np.bincount(ends, minlength=n), 1))


def _smoothed(order: NDArray[np.complex128], pairs: Integer) -> NDArray[np.complex128]:
    """Return the mean over each atom and those bonded to it."""
    i, j = np.concatenate([pairs, pairs[:, ::-1]]).T
    n = len(order)
    total = np.bincount(i, order[j].real, n) + 1j * np.bincount(i, order[j].imag, n)
    return np.asarray((order + total) / (1 + np.bincount(i, minlength=n)))
