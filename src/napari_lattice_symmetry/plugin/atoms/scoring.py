"""Points that were set by hand, looked at by the finder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.analysis.reading import read_frame
from napari_lattice_symmetry.atoms import Atoms
from napari_lattice_symmetry.atoms.score import match
from napari_lattice_symmetry.data.movie import is_blank
from napari_lattice_symmetry.plugin.atoms.layers import FoundAtoms, spacing_of
from napari_lattice_symmetry.plugin.atoms.search import Finder, one_frame

RADIUS = 0.35
"""Spacings within which a point is the atom that the finder sees."""

MIN_CONFIDENCE = 0.02
"""Confidence from which on an atom is held possible."""


@dataclass(frozen=True, eq=False)
class Touched:
    """Points that were added or moved.

    Parameters
    ----------
    found : FoundAtoms
        What their layer was made of.
    atoms : Atoms
        All atoms of the layer.
    rows : ndarray of int, shape (n,)
        Which of them were touched.
    """

    found: FoundAtoms
    atoms: Atoms
    rows: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Rescored:
    """What the finder says of touched points.

    Parameters
    ----------
    touched : Touched
        Of which.
    seen : Atoms
        Atoms at these places, in the order of `rows`; of confidence 0 where it sees none.
    matched : ndarray of bool, shape (n,)
        Where it sees one.
    """

    touched: Touched
    seen: Atoms
    matched: NDArray[np.bool_]


def rescore(touched: Touched, finder: Finder, should_stop: Callable[[], bool]) -> Rescored | None:
    """Ask the finder for all that it holds possible in the frames, and take what lies nearest.

    Each atom that it sees belongs to one point at most, untouched ones included, so that a second
    point on an atom gains nothing.

    Parameters
    ----------
    touched : Touched
        Which points.
    finder : callable
        Finds atoms of a frame.
    should_stop : callable
        Whether nobody waits any more; None is returned then.

    Raises
    ------
    AnalysisError
        If a frame cannot be read.
    """
    atoms, rows, movie = touched.atoms, touched.rows, touched.found.source.movie
    columns = {name: values[rows].copy() for name, values in atoms.columns().items()}
    for name in (*_MEASURED, *(each for each in atoms.more if atoms.more[each].dtype.kind == "f")):
        columns[name] = np.full(len(rows), np.nan)
    columns["confidence"] = np.zeros(len(rows))
    matched = np.zeros(len(rows), bool)
    spacing = spacing_of(touched.found.atoms)
    for number in np.unique(atoms.frame[rows]).tolist():
        if should_stop():
            return None
        if not 0 <= number < len(movie):
            continue
        frame = read_frame(movie, number)
        if is_blank(frame):
            continue
        seen = finder(one_frame(movie, frame), spacing=spacing, confidence=MIN_CONFIDENCE)
        here = np.flatnonzero(atoms.frame == number)
        chosen, others = match(atoms.positions[here], seen.positions, RADIUS * spacing)
        known = seen.columns()
        for row, other in zip(here[chosen].tolist(), others.tolist(), strict=True):
            for k in np.flatnonzero(rows == row).tolist():
                matched[k] = True
                for name in columns.keys() & known.keys() - {"frame"}:
                    columns[name][k] = known[name][other]
    return Rescored(touched, atoms[rows].with_columns(**columns), matched)


_MEASURED = ("intensity", "intensity_error", "sigma", "y_error", "x_error")
