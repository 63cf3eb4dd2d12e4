"""Class activation maps of the frames of a movie, to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_lattice_symmetry.atoms.defect_maps.examples import CLASSES
from napari_lattice_symmetry.atoms.defect_maps.mapper import FACTOR, load_mapper, sharpened
from napari_lattice_symmetry.atoms.defects import check_frame
from napari_lattice_symmetry.atoms.finding.scaling import Resampling, fill_gaps
from napari_lattice_symmetry.atoms.table import Atoms, spacing_of
from napari_lattice_symmetry.data.movie import Movie

Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DefectMaps:
    """Evidence for defects over the frames of a movie, in logits.

    Parameters
    ----------
    evidence : ndarray, shape (t, kinds, Y, X), float32
        M_c - M_perfect of each kind c; 0 in frames without atoms.
    sharpened : ndarray, shape (t, Y, X), float32
        Where the greatest of it, above 0, comes from.
    threshold : float
        Height of `sharpened` from which on a defect is told: where no pixel exceeds it, there is
        none.
    kinds : tuple of str
        What the evidence is for.
    factors : (float, float)
        Pixels of a frame a pixel of the maps, along y and x; both begin at the same corner.
    """

    evidence: Float32
    sharpened: Float32
    threshold: float
    kinds: tuple[str, ...]
    factors: tuple[float, float]


def map_defects(frame: Movie | ArrayLike, atoms: Atoms) -> DefectMaps:
    """Map what speaks for each kind of defect, as a network sees it that knows labels alone.

    Parameters
    ----------
    frame : Movie or array_like, shape (Y, X) or (T, Y, X)
        Where the atoms were found.
    atoms : Atoms
        Which give the scale, and the frames that are looked at.

    Returns
    -------
    DefectMaps
        What ``find_defects(frame, atoms, method="activation")`` looks for peaks in.

    Raises
    ------
    InputError
        If the movie has not all frames of the atoms, or their spacing is not known.
    """
    movie = frame if isinstance(frame, Movie) else Movie.from_array(frame, name=atoms.name)
    mapper, spacing = load_mapper(), spacing_of(atoms)
    height, width = movie.shape[1:]
    resampling = Resampling.to_spacing((height, width), spacing)
    y, x = (-(-n // FACTOR) for n in resampling.seen)
    kinds = CLASSES[1:]
    evidence = np.zeros((len(movie), len(kinds), y, x), np.float32)
    sharp = np.zeros((len(movie), y, x), np.float32)
    for number in np.unique(atoms.frame).tolist():
        check_frame(movie, atoms, number)
        here, _ = mapper.in_frame(fill_gaps(movie.frame(number)), spacing)
        evidence[number] = here.transpose(2, 0, 1)
        sharp[number] = sharpened(here)
    step_y, step_x = (FACTOR * resampling.factors).tolist()
    return DefectMaps(evidence, sharp, mapper.null.threshold, kinds, (step_y, step_x))
