"""Pictures to train the finder on: of every material, with all that goes wrong in a recording.

Nothing here needs Keras, so that the processes that draw start fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_lattice_symmetry.atoms.finding.scaling import (
    CHANNELS,
    SPACING,
    SPACINGS,
    Resampling,
    normalize,
)
from napari_lattice_symmetry.atoms.simulation.materials import MATERIALS, SCATTERED
from napari_lattice_symmetry.atoms.simulation.pictures import AtomImage

Float = NDArray[np.float64]
Float16 = NDArray[np.float16]

CHUNK = 40
# One stream of random numbers for each purpose: what is validated on is never trained on.
TRAINING, VALIDATION, BENCHMARK = 0, 1, 2
BLOB = 1.0
"""Standard deviation in pixels of the mark that the network is to give of an atom."""

_MARGIN = 8
_UNSEEN = 2.5  # px around columns too faint to be found, where any answer is right
_RINGS = ("graphene", "hBN")  # honeycombs, whose holes outshine their atoms in a Laplacian
_SCATTERED, _RING = 0.08, 0.15  # shares of pictures
_NOISY = 0.75  # share of pictures in which a column stands out by `_NOISE`, else by `_CLEAR`
_NOISE, _CLEAR = (3.0, 40.0), (40.0, 400.0)


@dataclass(frozen=True)
class ExampleChunk:
    """Orders `CHUNK` examples: a pure function of its fields, whoever computes it.

    Parameters
    ----------
    seed, stream, index : int
        Draw the examples.
    crop : int
        Side in pixels.
    """

    seed: int
    stream: int
    index: int
    crop: int

    def draw(self) -> tuple[Float16, Float16]:
        """Draw what is seen (CHUNK, crop, crop, 2), and mark and weight of every pixel."""
        rng = np.random.default_rng((self.seed, self.stream, self.index))
        seen = np.empty((CHUNK, self.crop, self.crop, CHANNELS), np.float16)
        marks = np.empty((CHUNK, self.crop, self.crop, 2), np.float16)
        for i in range(CHUNK):
            seen[i], marks[i] = draw_example(rng, self.crop)
        return seen, marks


def draw_example(rng: np.random.Generator, crop: int) -> tuple[NDArray[np.float32], Float]:
    """Draw an example.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    crop : int
        Side in pixels.

    Returns
    -------
    seen : ndarray, shape (crop, crop, 2)
        What the network sees.
    marks : ndarray, shape (crop, crop, 2)
        A round mark of height 1 at each atom, and how much the pixel counts.
    """
    spacing = SPACING * np.exp(rng.uniform(*np.log(SPACINGS)))
    recorded = spacing if rng.uniform() < 0.5 else np.exp(rng.uniform(*np.log((4.0, 14.0))))
    side = crop + 2 * _MARGIN
    size = max(32, round(side * recorded / spacing))
    recorded = size * spacing / side
    picture = random_image(rng, recorded, size).draw()
    image = picture.image
    if rng.uniform() < 0.2:  # a detector that is slower than the scan
        image = gaussian_filter(image, rng.uniform(0.4, 0.8))
    resampling = Resampling((size, size), (side, side))
    inner = slice(_MARGIN, _MARGIN + crop)
    seen = normalize(resampling.resample(image))[inner, inner]
    shape = (side, side)
    mark = draw_marks(resampling.to_seen(picture.atoms.positions), shape, BLOB)
    faint = draw_marks(resampling.to_seen(picture.faint.positions), shape, _UNSEEN / 2)
    weight = (1 - np.minimum(2 * faint, 1)) * (1 - mark) + mark
    return seen, np.stack([mark, weight], axis=-1)[inner, inner]


def draw_marks(places: Float, shape: tuple[int, int], sigma: float) -> Float:
    """Draw round marks of height 1, where they overlap the higher one, at places (n, 2) y, x."""
    image = np.zeros(shape)
    reach = int(np.ceil(4 * sigma))
    offsets = np.arange(-reach, reach + 1)
    corner = np.rint(places).astype(np.intp)
    rows, columns = (corner[:, axis, None] + offsets for axis in (0, 1))
    profiles = [
        np.exp(-0.5 * np.square((each - places[:, axis, None]) / sigma))
        for axis, each in enumerate((rows, columns))
    ]
    values = profiles[0][:, :, None] * profiles[1][:, None, :]
    index = np.broadcast_arrays(rows[:, :, None], columns[:, None, :])
    inside = np.logical_and.reduce(
        [(each >= 0) & (each < n) for each, n in zip(index, shape, strict=True)]
    )
    np.maximum.at(image, (index[0][inside], index[1][inside]), values[inside])
    return image


def random_image(rng: np.random.Generator, spacing: float, size: int) -> AtomImage:
    """Draw the settings of a picture.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    spacing : float
        Pixels between neighbors.
    size : int
        Side in pixels.
    """
    material = _random_material(rng)
    scattered = material == SCATTERED

    def sometimes(chance: float, low: float, high: float) -> float:
        value = rng.uniform(low, high)
        return float(value) if rng.uniform() < chance else 0.0

    def over(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    background, probe = over(0.02, 6), rng.uniform(0.12, 0.4)
    told = over(*(_NOISE if rng.uniform() < _NOISY else _CLEAR))
    settings: dict[str, Any] = {
        "material": material,
        "spacing": spacing,
        "size": size,
        "orientation": rng.uniform(0, 360),
        "counts": _counts(told, probe * spacing, background),
        "background": background,
        "probe": probe,
        "tails": rng.uniform(0, 0.4),
        "displacement": rng.uniform(0, 0.05),
        "wedge": sometimes(0.3, 0, 0.8),
        "vacancies": sometimes(0.6, 0, 0.1),
        "partial": sometimes(0.4, 0, 0.15),
        "lighter": sometimes(0.3, 0, 0.08),
        "heavier": sometimes(0.3, 0, 0.04),
        "antisites": sometimes(0.3, 0, 0.04),
        "adatoms": sometimes(0.3, 0, 0.04),
        "rotated_bond": material in _RINGS and rng.uniform() < 0.3,
        "second_grain": sometimes(0.3, 0.2, 0.6),
        "misorientation": rng.uniform(5, 60),
        "holes": int(rng.integers(1, 3)) if rng.uniform() < 0.15 else 0,
        "edge": sometimes(0.2, 0.1, 0.8),
        "clumps": int(rng.integers(1, 3)) if rng.uniform() < 0.15 else 0,
        "slope": sometimes(0.25, 0.1, 3),
        "density": over(0.03, 0.6),
        "contamination": sometimes(0.35, 0.1, 2.5),
        "support": rng.uniform(0.02, 0.3) if scattered else sometimes(0.15, 0, 0.15),
        "jitter": sometimes(0.5, 0, 0.07),
        "flicker": sometimes(0.2, 0, 0.08),
        "wander": sometimes(0.5, 0, 0.6),
        "shear": rng.uniform(-0.15, 0.15),
        "seed": int(rng.integers(2**31)),
    }
    return AtomImage(**settings)


def _random_material(rng: np.random.Generator) -> str:
    chance = rng.uniform()
    if chance < _SCATTERED:
        return SCATTERED
    names = _RINGS if chance < _SCATTERED + _RING else tuple(MATERIALS)
    return names[rng.integers(len(names))]


def _counts(told: float, sigma: float, background: float) -> float:
    """Return the dose at which a matched filter tells a column with `told` times its noise.

    Of a peak of A counts over B A, that is A sigma (pi / (B A + A / 2))^(1/2), about.
    """
    return (told / sigma) ** 2 * (background + 0.5) / np.pi
