"""How far apart neighboring atoms are, which settles the scale of the search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms.finding.finder import Finder
from napari_lattice_symmetry.atoms.finding.parameters import MIN_SPACING
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.spectrum.period import dominant_period

Float = NDArray[np.float64]

USUAL = 0.2
"""Distance in nm of projected neighbors, about, where there is no lattice to measure it by."""

# A lattice vector is so many times as long as the distance of neighbors: one atom a cell, a square
# with its center, a honeycomb, a doubled cell, dumbbells.
_RATIOS = (1.0, 2**0.5, 3**0.5, 2.0, 2.5)
_PERIODS = 16  # a side of the part that is looked at
_AGREEMENT = 0.2  # how much the distance that is found may differ, as a logarithm
_TURNS = 2


def measure_spacing(
    frame: Float, finder: Finder, pixel_size: float | None = None, name: str = "the image"
) -> float:
    """Measure the distance of neighboring atoms in pixels.

    The lattice period says it but for a factor that the motif decides: of all that may be, that
    one is taken at which the network finds the most atoms that are as far apart as it says.

    Parameters
    ----------
    frame : ndarray, shape (Y, X)
        Gray values without gaps.
    finder : Finder
        The network.
    pixel_size : float, optional
        In nm; where no lattice is found, neighbors are taken to be about 0.2 nm apart.
    name : str
        Of the image, for messages.

    Raises
    ------
    InputError
        If there is no lattice and no pixel size.
    """
    period = dominant_period(frame)
    if period is None and pixel_size is None:
        raise InputError(
            f"{name}: no lattice was found that could tell the scale; give the pixel size in nm, "
            "or the distance of neighboring atoms in pixels as spacing."
        )
    if period is None:
        assert pixel_size is not None, "it was asked for"
        candidates = [USUAL / pixel_size]
        part = frame
    else:
        candidates = [period / ratio for ratio in _RATIOS]
        part = _middle(frame, round(_PERIODS * period))
    candidates = [each for each in candidates if each >= MIN_SPACING] or candidates[:1]
    tried = [_try(part, finder, each) for each in candidates]
    best = int(np.argmax([worth for worth, _ in tried]))
    spacing = candidates[best] if np.isnan(tried[best][1]) else tried[best][1]
    for _ in range(_TURNS):
        _, found = _try(part, finder, spacing)
        if np.isnan(found) or abs(np.log(found / spacing)) < 0.05:
            break
        spacing = found
    return spacing


def _middle(frame: Float, side: int) -> Float:
    corner = [max(0, (n - side) // 2) for n in frame.shape]
    return frame[corner[0] : corner[0] + side, corner[1] : corner[1] + side]


def _try(frame: Float, finder: Finder, spacing: float) -> tuple[float, float]:
    """Return what speaks for a spacing, and the median distance of neighbors that is found."""
    from scipy.spatial import KDTree

    if spacing < MIN_SPACING / 2:
        return 0.0, np.nan
    peaks = finder.peaks(frame, spacing, samples=0)
    confidence = finder.confidence(peaks)
    sure = confidence > 0.5
    if sure.sum() < 4:
        return 0.0, np.nan
    distance, _ = KDTree(peaks.place[sure]).query(peaks.place[sure], k=2)
    found = float(np.median(np.asarray(distance)[:, 1]))
    agreement = np.exp(-0.5 * (np.log(found / spacing) / _AGREEMENT) ** 2)
    return float(agreement * (confidence[sure] - 0.5).sum()), found


def check_spacing(spacing: float, name: str) -> float:
    """Return a spacing that the network can work with.

    Raises
    ------
    InputError
        If neighbors are less than 4 pixels apart.
    """
    if not spacing >= MIN_SPACING:
        raise InputError(
            f"{name}: neighboring atoms are {spacing:.1f} px apart, and at least {MIN_SPACING:g} "
            "px are needed to tell them apart; record with smaller pixels."
        )
    return spacing
