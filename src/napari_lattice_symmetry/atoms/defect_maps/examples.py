"""Crops to learn defects from: each with one label, and no word of where the defect lies.

Nothing here needs Keras, so that the processes that draw start fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms.defect_table import (
    BRIGHTER,
    DIMMER,
    EXTRA,
    MISSING,
    ROTATED,
    Defects,
)
from napari_lattice_symmetry.atoms.finding.scaling import (
    CHANNELS,
    SPACING,
    Resampling,
    normalize,
)
from napari_lattice_symmetry.atoms.simulation import sheet
from napari_lattice_symmetry.atoms.simulation.materials import MATERIALS
from napari_lattice_symmetry.atoms.simulation.pictures import AtomImage, AtomPicture

Float = NDArray[np.float64]
Float16 = NDArray[np.float16]

PERFECT = "perfect"
CLASSES = (PERFECT, MISSING, DIMMER, BRIGHTER, EXTRA, ROTATED)
"""What a crop shows: no defect, or defects of one kind."""

HELD_OUT = ("graphene", "MoSe2", "WSe2", "SrTiO3 [110]", "LaAlO3 (cubic) [110]")
"""Structures that no training sees."""

TRAINED = tuple(name for name in MATERIALS if name not in HELD_OUT)

CROP = 48
"""Side of a crop in pixels, six neighbors."""

CHUNK = 240
# One stream of random numbers for each purpose: what is validated on is never trained on.
TRAINING, VALIDATION, NULL = 0, 1, 2

_BORDER = SPACING / 2  # px about the edge of a crop in which a defect is neither in nor out
_SIDE = 5 * CROP
_TURNED_SIDE = 112
_SHARE, _EXTRA = 0.02, 0.03  # of the columns that are defects: some half of the crops show one
_OFTEN = (0.27, 0.27, 0.1, 0.28, 0.08)  # how often each kind is drawn
_NAMES = {
    sheet.VACANCY: MISSING,
    sheet.PARTIAL: DIMMER,
    sheet.LIGHTER: DIMMER,
    sheet.HEAVIER: BRIGHTER,
    sheet.ADATOM: BRIGHTER,
    sheet.ROTATED_BOND: ROTATED,
}
_SETTINGS = {
    MISSING: ("vacancies",),
    DIMMER: ("lighter", "partial"),
    BRIGHTER: ("heavier",),
    EXTRA: ("adatoms",),
    ROTATED: ("rotated_bond",),
}
_ABLE = {ROTATED: ("graphene", "hBN"), EXTRA: ("graphene", "hBN", "MoS2", "WS2", "MoSe2", "WSe2")}
"""Materials with rings, and with room for an atom between the others."""


@dataclass(frozen=True)
class CropChunk:
    """Orders `CHUNK` crops: a pure function of its fields, whoever computes it.

    Parameters
    ----------
    seed, stream, index : int
        Draw the crops.
    materials : tuple of str
        Of the pictures that are cut.
    augmented : bool
        Pictures in any orientation, of any dose and probe, scaled, sheared, drifted and displaced;
        else all are recorded alike.
    """

    seed: int
    stream: int
    index: int
    materials: tuple[str, ...] = TRAINED
    augmented: bool = True

    def draw(self) -> tuple[Float16, NDArray[np.uint8]]:
        """Draw crops (CHUNK, CROP, CROP, 2) and the number of the class of each."""
        rng = np.random.default_rng((self.seed, self.stream, self.index))
        crops, labels = np.empty((0, CROP, CROP, CHANNELS), np.float16), np.empty(0, np.uint8)
        while len(crops) < CHUNK:
            kind = str(rng.choice(CLASSES[1:], p=_OFTEN))
            able = [each for each in self.materials if each in _ABLE.get(kind, self.materials)]
            if not able:
                kind, able = MISSING, [*self.materials]
            some = draw_crops(rng, str(rng.choice(able)), kind, self.augmented)
            crops = np.concatenate([crops, some.seen])
            labels = np.concatenate([labels, some.labels])
        order = rng.permutation(CHUNK)
        return crops[order], labels[order]


@dataclass(frozen=True)
class Crops:
    """Crops of one picture.

    Parameters
    ----------
    seen : ndarray, shape (n, CROP, CROP, 2)
        What the network sees.
    labels : ndarray of int, shape (n,)
        Number of the class of each.
    places : list of ndarray, shape (m, 2)
        Where each has its defects, y and x in its pixels: for judging, not for training.
    """

    seen: Float16
    labels: NDArray[np.uint8]
    places: list[Float]


def draw_crops(rng: np.random.Generator, material: str, kind: str, augmented: bool = True) -> Crops:
    """Draw a picture with defects of one kind, and cut it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    material, kind : str
        What it shows.
    augmented : bool
        As in `CropChunk`.
    """
    image, seen_spacing = draw_settings(rng, material, kind, augmented)
    picture = image.draw()
    side = round(image.size * seen_spacing / picture.spacing)
    resampling = Resampling((image.size, image.size), (side, side))
    seen = normalize(resampling.resample(picture.image))
    defects = named_defects(picture)
    places = resampling.to_seen(np.stack([defects.y, defects.x], axis=1))
    corners = _corners(rng, side, places if kind == ROTATED else None)
    labels = [_label(corner, places, defects.kind) for corner in corners]
    told = np.array([-1 if name is None else CLASSES.index(name) for name in labels])
    chosen = _balanced(rng, told)
    crops = [seen[row : row + CROP, column : column + CROP] for row, column in corners[chosen]]
    offsets = [places - corner for corner in corners[chosen]]
    return Crops(
        np.array(crops, np.float16).reshape(-1, CROP, CROP, CHANNELS),
        told[chosen].astype(np.uint8),
        [each[((each >= 0) & (each < CROP)).all(axis=1)] for each in offsets],
    )


def named_defects(picture: AtomPicture) -> Defects:
    """Return the defects of a picture under the names by which they are told."""
    defects, atoms = picture.defects, picture.atoms
    is_adatom = atoms.more["defect"] == sheet.ADATOM
    added = is_adatom & (atoms.label == sheet.UNTOLD)  # others lie on a column
    between = {(y, x) for y, x in atoms.positions[added].tolist()}
    kinds = [
        EXTRA if (y, x) in between else _NAMES.get(kind, kind)
        for kind, y, x in zip(defects.kind, defects.y, defects.x, strict=True)
    ]
    return Defects.at(kinds, defects.y, defects.x)


def draw_settings(
    rng: np.random.Generator, material: str, kind: str, augmented: bool = True
) -> tuple[AtomImage, float]:
    """Draw the settings of a picture with defects of one kind.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    material, kind : str
        What it shows; of the kind "perfect", nothing is wrong.
    augmented : bool
        As in `CropChunk`.

    Returns
    -------
    AtomImage
        The settings.
    float
        Distance of neighbors as they are to be seen, in pixels.
    """

    def sometimes(chance: float, low: float, high: float) -> float:
        value = rng.uniform(low, high)
        return float(value) if rng.uniform() < chance else 0.0

    def over(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    seen = over(0.88, 1.14) * SPACING if augmented else SPACING
    recorded = seen if not augmented or rng.uniform() < 0.5 else over(5, 14)
    side = _TURNED_SIDE if kind == ROTATED else _SIDE
    settings: dict[str, Any] = {"orientation": 10.0, "counts": 100.0}
    if augmented:
        settings = {
            "orientation": rng.uniform(0, 360),
            "counts": over(6, 2000),
            "background": over(0.02, 1.5),
            "probe": rng.uniform(0.13, 0.28),
            "tails": rng.uniform(0, 0.3),
            "displacement": rng.uniform(0, 0.045),
            "wedge": sometimes(0.2, 0, 0.4),
            "contamination": sometimes(0.2, 0.1, 0.8),
            "support": sometimes(0.15, 0, 0.1),
            "jitter": sometimes(0.5, 0, 0.05),
            "wander": sometimes(0.5, 0, 0.3),
            "shear": rng.uniform(-0.1, 0.1),
        }
    for name in _SETTINGS.get(kind, ()):
        share = _EXTRA if kind == EXTRA else _SHARE / len(_SETTINGS[kind])
        settings[name] = True if kind == ROTATED else share
    image = AtomImage(
        material=material,
        spacing=recorded,
        size=max(32, round(side * recorded / seen)),
        seed=int(rng.integers(2**31)),
        **settings,
    )
    return image, seen


def _corners(rng: np.random.Generator, side: int, about: Float | None) -> NDArray[np.intp]:
    """Return the corners (n, 2) of crops: side by side, or such that most show a place."""
    if about is None or not len(about):
        grids = []
        for start in rng.integers(CROP, size=(2, 2)):  # each defect is shown twice, at two places
            rows, columns = (np.arange(first, side - CROP + 1, CROP) for first in start)
            grids.append(np.stack(np.meshgrid(rows, columns), axis=-1).reshape(-1, 2))
        return np.asarray(np.concatenate(grids), np.intp)
    inside = rng.uniform(0.15, 0.85, (8, 2)) * CROP
    corners = np.clip(np.rint(about.mean(axis=0) - inside), 0, side - CROP)
    return np.asarray(corners, np.intp)


def _label(corner: NDArray[np.intp], places: Float, kinds: NDArray[np.str_]) -> str | None:
    """Name what a crop shows; None where it is not plain."""
    offset = places - corner
    near = ((offset > -_BORDER) & (offset < CROP + _BORDER)).all(axis=1)
    within = ((offset > _BORDER) & (offset < CROP - _BORDER)).all(axis=1)
    if not near.any():
        return PERFECT
    told = set(kinds[near].tolist())
    return told.pop() if len(told) == 1 and within.any() else None


def _balanced(rng: np.random.Generator, told: NDArray[np.intp]) -> NDArray[np.intp]:
    """Choose crops with a defect, and at most half as many without."""
    with_defect, without = np.flatnonzero(told > 0), np.flatnonzero(told == 0)
    n = max(1, len(with_defect) // 2)
    return np.asarray(np.concatenate([with_defect, rng.permutation(without)[:n]]), np.intp)
