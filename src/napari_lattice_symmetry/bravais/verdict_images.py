"""Windows to learn verdicts from: the tracks, and whatever else is put before a microscopist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais import lookalikes
from napari_lattice_symmetry.bravais.lookalikes import detect, log_uniform, pick
from napari_lattice_symmetry.bravais.training_images import (
    FIELD,
    INSTRUMENT,
    NOISE,
    PAPER,
    ROUGH,
    Crystal,
    ImageDistribution,
    draw_crystal,
    draw_grain,
    record,
)
from napari_lattice_symmetry.bravais.truth import NO_LATTICE, Drawing, Truth, lattice
from napari_lattice_symmetry.lattice.basis import CellRanges, random_basis, reduce_basis, rotation
from napari_lattice_symmetry.lattice.classes import CLASSES
from napari_lattice_symmetry.lattice.drawing import draw_atoms
from napari_lattice_symmetry.spectrum.fitting import fit_lattices
from napari_lattice_symmetry.spectrum.lattice_fit import LatticeFits

Float = NDArray[np.float64]
Examples = tuple[NDArray[np.float32], list[Truth], LatticeFits, NDArray[np.intp]]

_VISIBLE = 3.5  # height of the clearest spot over the median around it
_TRACK_SIZE = 128  # px, of the windows that the tracks are made for
SIZES = (128, 128, 64, 128, 96, 40, 128, 192, 128, 48)
"""In px, of the windows of one chunk after the other."""


def _of_track(track: ImageDistribution) -> Drawing:
    track = replace(track, second_grain=0.0)

    def draw(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
        scaled = track
        if size != _TRACK_SIZE:
            spacing = (max(4.0, size / 25), size / 5)
            scaled = replace(track, cells=replace(track.cells, spacing=spacing))
        label = int(rng.integers(1, len(CLASSES) + 1))
        image, basis = draw_grain(label, scaled, rng, size)
        truth = NO_LATTICE if basis is None else lattice(basis, exact=not track.drift)
        return record(image, scaled, rng), truth

    return draw


def random_crystal(
    rng: np.random.Generator,
    size: int,
    *,
    periods: tuple[float, float] = (5, 25),
    sigma: tuple[float, float] = (0.06, 0.25),
    atoms: tuple[int, int] = (1, 8),
    basis: Float | None = None,
    sites: Float | None = None,
    brightness: Float | None = None,
) -> tuple[Crystal, Truth]:
    """Draw a crystal of any class, with up to eight atoms a cell, at times under drift."""
    drift = pick(rng, (0.0, 0.0, 0.004, 0.015, 0.05))
    if basis is None:
        margin = pick(rng, (0.0, 0.06, 0.09))
        ranges = CellRanges((1, 1), (1 + margin, 2.2), margin=margin)
        basis = random_basis(CLASSES[rng.integers(NOISE)], rng, ranges)
    spacing = float(np.linalg.norm(reduce_basis(basis)[0]))
    wanted = max(3.0, size / log_uniform(rng, *periods))
    basis = basis * (wanted / spacing) @ (np.eye(2) + drift * rng.standard_normal((2, 2)))
    basis = np.asarray(basis @ rotation(rng.uniform(0, 360)))
    if sites is None:
        extra = int(rng.integers(*atoms, endpoint=True)) - 1
        sites = np.concatenate([np.zeros((1, 2)), rng.uniform(size=(extra, 2))])
        brightness = np.concatenate([[1.0], rng.uniform(0.15, 1, extra)])
    assert brightness is not None
    crystal = Crystal(basis, wanted, wanted * log_uniform(rng, *sigma), sites @ basis, brightness)
    return crystal, lattice(reduce_basis(basis), exact=drift == 0)


def _draw(crystal: Crystal, rng: np.random.Generator, size: int) -> Float:
    track = pick(rng, (PAPER, INSTRUMENT))
    disorder = rng.uniform(0, 0.06) * (rng.uniform() < 0.7)
    return draw_crystal(crystal, track, rng, size, disorder)


def _seen(crystal: Float, image: Float, truth: Truth) -> tuple[Float, Truth]:
    """Return an image with its truth, which is noise if not even the clearest spot stands out."""
    taper = np.hanning(len(image))
    spectra = np.fft.rfft2(np.stack([crystal, image]) * taper[:, np.newaxis] * taper)
    y, x = np.fft.fftfreq(len(image), 1 / len(image)), np.arange(spectra.shape[2])
    frequency = np.hypot(y[:, np.newaxis], x)
    strength, seen = np.abs(spectra)
    place = np.unravel_index(np.where(frequency > 2.5, strength, 0).argmax(), strength.shape)
    ring = np.abs(frequency - frequency[place]) < max(2.0, 0.15 * frequency[place])
    return image, truth if seen[place] > _VISIBLE * np.median(seen[ring]) else NO_LATTICE


def _crystals(known: float = 1.0, **ranges: Any) -> Drawing:
    """Return a kind: crystals whose class deserves a share `known`, the rest being nobody's."""

    def draw(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
        crystal, truth = random_crystal(rng, size, **ranges)
        image = _draw(crystal, rng, size)
        shown = detect(image, rng)
        # Of too few periods no spot need stand out, and yet a window does not show noise.
        return (
            _seen(image, shown, truth) if known == 1 else (shown, replace(truth, shares=(known,)))
        )

    return draw


def _perfect(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a noise-free crystal without a fault: what pixels alias is as clear as its spots."""
    name = CLASSES[rng.integers(NOISE)] if rng.uniform() < 0.5 else "hexagonal"
    ranges = CellRanges((1, 1), (1.06, 2.2), margin=0.06)
    crystal, truth = random_crystal(
        rng,
        size,
        basis=random_basis(name, rng, ranges),
        periods=(8, 35),
        sigma=(0.12, 0.25),
        atoms=(1, 1),
    )
    image = draw_crystal(crystal, PAPER, rng, size, rng.uniform(0, 0.003) * rng.integers(2))
    return image, truth


def _centered(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw rectangles that are all but centered, centered ones, and dumbbells in either."""
    sides = np.diag([1.0, rng.uniform(1.05, 2.2)])
    middle = float(pick(rng, (1.0, rng.uniform(0.35, 0.85))))
    sites, brightness = np.array([[0, 0], [0.5, 0.5]]), np.array([1.0, middle])
    if rng.uniform() < 0.5:  # dumbbells along a side
        apart = rng.uniform(0.15, 0.35) * np.eye(2)[rng.integers(2)]
        sites = np.concatenate([sites, sites + apart])
        brightness = np.concatenate([brightness, brightness * rng.uniform(0.5, 1)])
    kind: dict[str, Any] = {"basis": sides, "sites": sites, "brightness": brightness}
    crystal, truth = random_crystal(rng, size, sigma=(0.06, 0.2), periods=(5, 18), **kind)
    if middle == 1:
        truth = replace(
            truth, bases=(reduce_basis(np.array([[0.5, 0.5], [1, 0]]) @ crystal.basis),)
        )
    image = _draw(crystal, rng, size)
    return _seen(image, detect(image, rng), truth)


def _particle(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a lattice with bright particles on it."""
    crystal, truth = random_crystal(rng, size, atoms=(1, 3))
    image = _draw(crystal, rng, size)
    n = int(rng.integers(1, 4))
    blobs = draw_atoms(
        rng.uniform(0, size, (n, 2)), np.ones(n), log_uniform(rng, 1.5, size / 8), image.shape
    )
    shown = detect(image + np.ptp(image) * log_uniform(rng, 3, 50) * blobs, rng)
    return _seen(image, shown, truth)


def _covered(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a lattice that shows through an amorphous film."""
    crystal, truth = random_crystal(rng, size, atoms=(1, 3))
    image = _draw(crystal, rng, size)
    fine = log_uniform(rng, 0.7, 0.6 * crystal.spacing)
    film = scipy.ndimage.gaussian_filter(rng.standard_normal(image.shape), fine, mode="wrap")
    film *= image.std() / film.std() * log_uniform(rng, 0.3, 2.5)
    return _seen(image, detect(image + film - film.min(), rng), truth)


def _humming(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a lattice under the hum of the mains."""
    crystal, truth = random_crystal(rng, size, atoms=(1, 3))
    image = _draw(crystal, rng, size)
    hum = lookalikes.hum(rng, size)
    hum *= image.std() / hum.std() * rng.uniform(0.1, 1.2)
    return _seen(image, detect(image + hum - hum.min(), rng), truth)


def _interpolated(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a lattice, or noise, that was magnified after it was recorded."""
    factor = int(rng.integers(2, 6))
    small = -(-size // factor)
    kind = _crystals(atoms=(1, 3), periods=(4, 12))
    image, truth = (kind if rng.uniform() < 0.7 else lookalikes.band_passed)(rng, small)
    truth = replace(truth, bases=tuple(factor * basis for basis in truth.bases))
    order = pick(rng, (0, 0, 1, 3))
    large = scipy.ndimage.zoom(image, factor, order=order, grid_mode=True, mode="nearest")
    return large[:size, :size], truth


def _compressed(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a lattice, or vacuum, that was saved as JPEG."""
    draw = _crystals(atoms=(1, 3)) if rng.uniform() < 0.4 else lookalikes.vacuum
    image, truth = draw(rng, size)
    return as_jpeg(image, int(rng.integers(25, 96))), truth


def as_jpeg(image: Float, quality: int) -> Float:
    """Return an image as it is after compression, scaled to 8 bits."""
    import imageio.v3 as iio

    low, high = image.min(), image.max()
    gray = np.uint8(np.rint(255 * (image - low) / max(high - low, 1e-6)))
    packed = iio.imwrite("<bytes>", gray, extension=".jpg", quality=quality)
    return np.asarray(iio.imread(packed, extension=".jpg"), np.float64)


def _two_lattices(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw two lattices over each other: a crystal and its turned copy, or another."""
    crystal, first = random_crystal(rng, size, atoms=(1, 2), periods=(5, 20))
    if rng.uniform() < 0.6:
        turn = rng.uniform(5, 55) if rng.uniform() < 0.7 else float(pick(rng, (30.0, 45.0)))
        other, second = crystal.turned(turn), first
    else:
        other, second = random_crystal(rng, size, atoms=(1, 2), periods=(5, 20))
    images = [_draw(each, rng, size) for each in (crystal, other)]
    relative = log_uniform(rng, pick(rng, (0.05, 0.5)), 1)
    image = images[0] + relative * images[0].std() / images[1].std() * images[1]
    return detect(image - image.min(), rng), _shared(first, second, relative / (1 + relative))


def _two_grains(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw two grains beside each other, or a grain and none."""
    crystal, first = random_crystal(rng, size, atoms=(1, 3))
    kind = rng.uniform()
    if kind < 0.5:
        image, second = _draw(crystal.turned(rng.uniform(5, 175)), rng, size), first
    elif kind < 0.75:
        other, second = random_crystal(rng, size, atoms=(1, 3))
        image = _draw(other, rng, size)
    else:
        image, _ = draw_grain(NOISE + 1, FIELD, rng, size)
        second = NO_LATTICE
    angle, share = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.5)
    y, x = np.mgrid[:size, :size]
    across = x * np.cos(angle) + y * np.sin(angle)
    both = np.where(across < np.quantile(across, share), image, _draw(crystal, rng, size))
    if second is NO_LATTICE:
        truth = replace(first, shares=(1 - share,), noise=share)
    else:
        truth = _shared(first, second, share)
    return detect(both, rng), truth


def _shared(first: Truth, second: Truth, share: float) -> Truth:
    """Share the truth between two lattices; where they are equals, nobody has it."""
    nobodys = 0.9 * (2 * share) ** 2
    return Truth(
        (*first.bases, *second.bases),
        ((1 - share) * (1 - nobodys), share * (1 - nobodys)),
        exact=first.exact and second.exact,
    )


KINDS: dict[str, tuple[Drawing, int]] = {
    "paper": (_of_track(PAPER), 60),
    "instrument": (_of_track(INSTRUMENT), 80),
    "rough": (_of_track(ROUGH), 6),
    "crystals": (_crystals(), 4),
    "many atoms": (_crystals(atoms=(3, 8), sigma=(0.05, 0.11)), 6),
    "few periods": (_crystals(known=0.5, periods=(2, 5), atoms=(1, 3)), 7),
    "many periods": (_crystals(periods=(22, 60), atoms=(1, 3)), 8),
    "perfect": (_perfect, 6),
    "centered": (_centered, 8),
    "particle": (_particle, 3),
    "covered": (_covered, 3),
    "humming": (_humming, 2),
    "interpolated": (_interpolated, 5),
    "compressed": (_compressed, 4),
    "fringes": (lookalikes.fringes, 5),
    "hum": (lookalikes.only_hum, 2),
    "herringbone": (lookalikes.herringbone, 2),
    "quasicrystal": (lookalikes.quasicrystal, 4),
    "two lattices": (_two_lattices, 6),
    "two grains": (_two_grains, 3),
    "band": (lookalikes.band_passed, 3),
    "noise": (lookalikes.noise, 5),
}
"""What is drawn, and how often."""


UNUSUAL = tuple(KINDS)[tuple(KINDS).index("crystals") :]
"""Those that no track holds."""


def draw_examples(
    n: int, seed: tuple[int, ...], size: int, among: Sequence[str] = tuple(KINDS)
) -> tuple[NDArray[np.float32], list[Truth], NDArray[np.intp]]:
    """Draw `n` windows (n, size, size), what is true of each, and its place `among` some kinds."""
    rng = np.random.default_rng(seed)
    drawings, often = zip(*(KINDS[name] for name in among), strict=True)
    weights = np.array(often, np.float64)
    windows = np.empty((n, size, size), np.float32)
    kinds = rng.choice(len(drawings), n, p=weights / weights.sum())
    truths = []
    for window, kind in zip(windows, kinds, strict=True):
        window[:], truth = drawings[kind](rng, size)
        truths.append(truth)
    return windows, truths, kinds


@dataclass(frozen=True)
class ExampleChunk:
    """Orders `n` windows: a pure function of its fields, whoever computes it."""

    seed: int
    stream: int
    index: int
    n: int

    def draw(self) -> Examples:
        """Draw windows, what is true of them, what the fit says, and their places in `KINDS`."""
        size = SIZES[self.index % len(SIZES)]
        windows, truths, kinds = draw_examples(self.n, (self.seed, self.stream, self.index), size)
        return windows, truths, fit_lattices(windows), kinds
