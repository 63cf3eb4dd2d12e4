"""Windows to learn verdicts from: the tracks, and whatever else is put before a microscopist.

Beside lattices of all kinds there is much that only looks like one. What is right to say of a
window is a `Truth`, which knows the class for any tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

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
from napari_lattice_symmetry.lattice.basis import (
    CellRanges,
    random_basis,
    reduce_basis,
    rotation,
    symmetry_distances,
)
from napari_lattice_symmetry.lattice.classes import CLASSES, LABELS
from napari_lattice_symmetry.lattice.drawing import draw_atoms
from napari_lattice_symmetry.lattice.metric import metric_class

Float = NDArray[np.float64]

_EXACT = 1e-6
_VISIBLE = 3.5  # height of the clearest spot over the median around it
_LATTICES = NOISE  # classes 0 to 4 are lattices, the last is none
_TRACK_SIZE = 128  # px, of the windows that the tracks are made for


@dataclass(frozen=True, eq=False)
class Truth:
    """What may be said of a window.

    Parameters
    ----------
    bases : tuple of ndarray, shape (2, 2)
        Lattices that it shows, with drift.
    shares : tuple of float
        How much each of them deserves to be named.
    noise : float
        How much "noise" does. What is left is nobody's, and goes to all lattices alike.
    exact : bool
        Whether the lattices are as drawn, so that a class can be told at a tolerance of 0.
    """

    bases: tuple[Float, ...] = ()
    shares: tuple[float, ...] = ()
    noise: float = 0.0
    exact: bool = True

    def target(self, tolerance: float) -> Float:
        """Give the probabilities (6,) that are right within a tolerance."""
        target = np.full(len(CLASSES), (1 - sum(self.shares) - self.noise) / _LATTICES)
        target[NOISE] = self.noise
        for basis, share in zip(self.bases, self.shares, strict=True):
            name = metric_class(symmetry_distances(basis), max(tolerance, _EXACT))
            target[LABELS[name] - 1] += share
        return target


def lattice(basis: Float, exact: bool = True) -> Truth:
    """Return the truth of a window on one lattice."""
    return Truth((basis,), (1.0,), exact=exact)


NO_LATTICE = Truth(noise=1.0)
ONE_DIRECTION = Truth(noise=0.5)
"""Fringes are no lattice, but a lattice may look like them."""
NO_ONE_LATTICE = Truth()

Drawing = Callable[[np.random.Generator, int], tuple[Float, Truth]]


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _pick(rng: np.random.Generator, values: Any) -> Any:
    return values[rng.integers(len(values))]


# ------------------------------------------------------------------------------- lattices


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
    drift = _pick(rng, (0.0, 0.0, 0.004, 0.015, 0.05))
    if basis is None:
        margin = _pick(rng, (0.0, 0.06, 0.09))
        ranges = CellRanges((1, 1), (1 + margin, 2.2), margin=margin)
        basis = random_basis(CLASSES[rng.integers(_LATTICES)], rng, ranges)
    spacing = float(np.linalg.norm(reduce_basis(basis)[0]))
    wanted = max(3.0, size / _log_uniform(rng, *periods))
    basis = basis * (wanted / spacing) @ (np.eye(2) + drift * rng.standard_normal((2, 2)))
    basis = np.asarray(basis @ rotation(rng.uniform(0, 360)))
    if sites is None:
        extra = int(rng.integers(*atoms, endpoint=True)) - 1
        sites = np.concatenate([np.zeros((1, 2)), rng.uniform(size=(extra, 2))])
        brightness = np.concatenate([[1.0], rng.uniform(0.15, 1, extra)])
    assert brightness is not None
    crystal = Crystal(basis, wanted, wanted * _log_uniform(rng, *sigma), sites @ basis, brightness)
    return crystal, lattice(reduce_basis(basis), exact=drift == 0)


def _draw(crystal: Crystal, rng: np.random.Generator, size: int) -> Float:
    track = _pick(rng, (PAPER, INSTRUMENT))
    disorder = rng.uniform(0, 0.06) * (rng.uniform() < 0.7)
    return draw_crystal(crystal, track, rng, size, disorder)


def _detect(image: Float, rng: np.random.Generator) -> Float:
    """Record an image as one of several instruments does."""
    kind = rng.uniform()
    if kind < 0.6:
        return record(image, INSTRUMENT if kind < 0.45 else replace(ROUGH, adsorbates=0), rng)
    noise = _log_uniform(rng, 0.005, 1.0) * (rng.uniform() < 0.7)
    return np.asarray(image + noise * image.std() * rng.standard_normal(image.shape))


def _seen(crystal: Float, image: Float, truth: Truth) -> tuple[Float, Truth]:
    """Give an image with its truth, which is noise if not even the clearest spot stands out."""
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
        shown = _detect(image, rng)
        # Of too few periods no spot need stand out, and yet a window does not show noise.
        return (
            _seen(image, shown, truth) if known == 1 else (shown, replace(truth, shares=(known,)))
        )

    return draw


def _centered(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw rectangles that are all but centered, centered ones, and dumbbells in either."""
    sides = np.diag([1.0, rng.uniform(1.05, 2.2)])
    middle = float(_pick(rng, (1.0, rng.uniform(0.35, 0.85))))
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
    return _seen(image, _detect(image, rng), truth)


def _particle(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a lattice with bright particles on it."""
    crystal, truth = random_crystal(rng, size, atoms=(1, 3))
    image = _draw(crystal, rng, size)
    n = int(rng.integers(1, 4))
    blobs = draw_atoms(
        rng.uniform(0, size, (n, 2)), np.ones(n), _log_uniform(rng, 1.5, size / 8), image.shape
    )
    shown = _detect(image + np.ptp(image) * _log_uniform(rng, 3, 50) * blobs, rng)
    return _seen(image, shown, truth)


def _covered(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a lattice that shows through an amorphous film."""
    crystal, truth = random_crystal(rng, size, atoms=(1, 3))
    image = _draw(crystal, rng, size)
    fine = _log_uniform(rng, 0.7, 0.6 * crystal.spacing)
    film = scipy.ndimage.gaussian_filter(rng.standard_normal(image.shape), fine, mode="wrap")
    film *= image.std() / film.std() * _log_uniform(rng, 0.3, 2.5)
    return _seen(image, _detect(image + film - film.min(), rng), truth)


def _humming(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a lattice under the hum of the mains."""
    crystal, truth = random_crystal(rng, size, atoms=(1, 3))
    image = _draw(crystal, rng, size)
    hum = _hum(rng, size)
    hum *= image.std() / hum.std() * rng.uniform(0.1, 1.2)
    return _seen(image, _detect(image + hum - hum.min(), rng), truth)


def _interpolated(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a lattice, or noise, that was magnified after it was recorded."""
    factor = int(rng.integers(2, 6))
    small = -(-size // factor)
    image, truth = (_crystals(atoms=(1, 3), periods=(4, 12)) if rng.uniform() < 0.7 else _band)(
        rng, small
    )
    truth = replace(truth, bases=tuple(factor * basis for basis in truth.bases))
    order = _pick(rng, (0, 0, 1, 3))
    large = scipy.ndimage.zoom(image, factor, order=order, grid_mode=True, mode="nearest")
    return large[:size, :size], truth


def _compressed(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a lattice, or vacuum, that was saved as JPEG."""
    draw = _crystals(atoms=(1, 3)) if rng.uniform() < 0.4 else _vacuum
    image, truth = draw(rng, size)
    return as_jpeg(image, int(rng.integers(25, 96))), truth


def as_jpeg(image: Float, quality: int) -> Float:
    """Return an image as it is after compression, scaled to 8 bits."""
    import imageio.v3 as iio

    low, high = image.min(), image.max()
    gray = np.uint8(np.rint(255 * (image - low) / max(high - low, _EXACT)))
    packed = iio.imwrite("<bytes>", gray, extension=".jpg", quality=quality)
    return np.asarray(iio.imread(packed, extension=".jpg"), np.float64)


# ------------------------------------------------------------------------ no lattice, or two


def _waves(rng: np.random.Generator, size: int, frequencies: Float) -> Float:
    """Sum plane waves of frequencies (n, 2) in cycles per pixel, in random phases."""
    y, x = np.mgrid[:size, :size]
    phases = rng.uniform(0, 2 * np.pi, len(frequencies))
    cycles = frequencies[:, :1, np.newaxis] * x + frequencies[:, 1:, np.newaxis] * y
    return np.asarray(np.cos(2 * np.pi * cycles + phases[:, np.newaxis, np.newaxis]).sum(axis=0))


def _hum(rng: np.random.Generator, size: int) -> Float:
    """Draw one or two frequencies and their overtones along nearly one direction."""
    period = _log_uniform(rng, 3, size / 4)
    n = int(rng.integers(1, 4))
    slope = rng.normal(0, 0.03)
    along = np.array([slope, 1.0]) @ rotation(_pick(rng, (0, 90, rng.uniform(0, 180))))
    return _waves(rng, size, np.arange(1, n + 1)[:, np.newaxis] * along / period)


def _fringes(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw fringes: round or sharp, straight or a little bent, all over or in a part."""
    y, x = np.mgrid[:size, :size] - size / 2
    turn = rng.uniform(0, 2 * np.pi)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    bend = rng.uniform(0, 1) * (rng.uniform() < 0.4)
    period = _log_uniform(rng, 3.5, size / 4)
    along = along + bend * period * np.sin(2 * np.pi * across / size + rng.uniform(0, 6))
    wave = 2 * np.pi * along / period + rng.uniform(0, 6)
    sharpness = _log_uniform(rng, 0.1, 6)
    image = np.exp(sharpness * (np.cos(wave) - 1))
    if rng.uniform() < 0.3:  # of which every second one is another
        image = image * (1 + rng.uniform(0, 0.8) * np.cos(wave / 2))
    if rng.uniform() < 0.3:
        image = image + 0.5 * _hum(rng, size)
    if rng.uniform() < 0.2:
        image = image * np.exp(-np.square(across / (size * rng.uniform(0.2, 1))))
    return _detect(image, rng), ONE_DIRECTION


def _only_hum(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    hum = _hum(rng, size)
    return _detect(hum - hum.min(), rng), ONE_DIRECTION


def _herringbone(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw zigzag lines: the kinks have no phase of their own."""
    x = np.arange(size)
    knees = np.cumsum(rng.uniform(size / 12, size / 4, 40))
    zigzag = np.interp(np.arange(size), knees - size / 4, np.arange(40) % 2)
    period = _log_uniform(rng, 5, size / 6)
    shift = rng.uniform(0.3, 1.5) * period * zigzag
    wave = 2 * np.pi * (x + shift[:, np.newaxis]) / period
    image = np.exp(_log_uniform(rng, 0.3, 4) * (np.cos(wave) - 1))
    return _detect(image if rng.uniform() < 0.5 else image.T, rng), ONE_DIRECTION


def _quasicrystal(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a star of waves of 5, 8, 10 or 12 directions, and of some sums of them."""
    fold = int(_pick(rng, (5, 8, 8, 10, 12, 12)))
    star = np.array([[1.0, 0.0]]) @ rotation(rng.uniform(0, 360))
    step = np.pi / fold if fold == 5 else 2 * np.pi / fold
    turns = np.rad2deg(step) * np.arange(fold if fold == 5 else fold // 2)
    star = np.concatenate([star @ rotation(turn) for turn in turns]) * rng.uniform(4, 18) / size
    waves = [_waves(rng, size, star)]
    if rng.uniform() < 0.6:
        sums = star + np.roll(star, int(rng.integers(1, len(star))), axis=0)
        waves.append(rng.uniform(0.2, 1) * _waves(rng, size, sums))
    density = np.sum(waves, axis=0)
    image = np.exp(rng.uniform(0.2, 1.2) * density / density.std())
    return _detect(image, rng), NO_ONE_LATTICE


def _two_lattices(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw two lattices over each other: a crystal and its turned copy, or another."""
    crystal, first = random_crystal(rng, size, atoms=(1, 2), periods=(5, 20))
    if rng.uniform() < 0.6:
        turn = rng.uniform(5, 55) if rng.uniform() < 0.7 else float(_pick(rng, (30.0, 45.0)))
        other, second = crystal.turned(turn), first
    else:
        other, second = random_crystal(rng, size, atoms=(1, 2), periods=(5, 20))
    images = [_draw(each, rng, size) for each in (crystal, other)]
    relative = _log_uniform(rng, _pick(rng, (0.05, 0.5)), 1)
    image = images[0] + relative * images[0].std() / images[1].std() * images[1]
    return _detect(image - image.min(), rng), _shared(first, second, relative / (1 + relative))


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
    return _detect(both, rng), truth


def _shared(first: Truth, second: Truth, share: float) -> Truth:
    """Share the truth between two lattices; where they are equals, nobody has it."""
    nobodys = 0.9 * (2 * share) ** 2
    return Truth(
        (*first.bases, *second.bases),
        ((1 - share) * (1 - nobodys), share * (1 - nobodys)),
        exact=first.exact and second.exact,
    )


def _band(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw noise of one band of frequencies, narrow or wide."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, np.newaxis], np.fft.rfftfreq(size))
    middle = _log_uniform(rng, 3 / size, 0.4)
    width = middle * _log_uniform(rng, 0.03, 0.6)
    band = np.exp(-np.square((frequency - middle) / width) / 2)
    noise = np.fft.irfft2(band * np.fft.rfft2(rng.standard_normal((size, size))), (size, size))
    white = rng.uniform(0, 0.5) * (rng.uniform() < 0.5)
    return noise / noise.std() + white * rng.standard_normal((size, size)), NO_LATTICE


def _vacuum(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a few counts on an uneven background."""
    y, x = (np.mgrid[:size, :size] - rng.uniform(0, size, (2, 1, 1))) / size
    vignette = 1 - rng.uniform(0, 0.6) * (x * x + y * y)
    smooth = rng.uniform(0, 1.5)
    level = _log_uniform(rng, 1, 1000)
    counts = rng.poisson(level * np.clip(vignette, 0.05, None)).astype(np.float64)
    if smooth > 0.4:
        counts = scipy.ndimage.gaussian_filter(counts, smooth)
    return counts, NO_LATTICE


def _noise(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    return record(draw_grain(NOISE + 1, ROUGH, rng, size)[0], ROUGH, rng), NO_LATTICE


KINDS: dict[str, tuple[Drawing, int]] = {
    "paper": (_of_track(PAPER), 40),
    "instrument": (_of_track(INSTRUMENT), 48),
    "rough": (_of_track(ROUGH), 6),
    "crystals": (_crystals(), 4),
    "many atoms": (_crystals(atoms=(3, 8), sigma=(0.05, 0.11)), 6),
    "few periods": (_crystals(known=0.5, periods=(2, 5), atoms=(1, 3)), 7),
    "many periods": (_crystals(periods=(22, 60), atoms=(1, 3)), 8),
    "centered": (_centered, 8),
    "particle": (_particle, 3),
    "covered": (_covered, 3),
    "humming": (_humming, 2),
    "interpolated": (_interpolated, 5),
    "compressed": (_compressed, 4),
    "fringes": (_fringes, 5),
    "hum": (_only_hum, 2),
    "herringbone": (_herringbone, 2),
    "quasicrystal": (_quasicrystal, 4),
    "two lattices": (_two_lattices, 6),
    "two grains": (_two_grains, 3),
    "band": (_band, 3),
    "noise": (_noise, 5),
}
"""What is drawn, and how often."""


def draw_examples(
    n: int, seed: tuple[int, ...], size: int
) -> tuple[NDArray[np.float32], list[Truth]]:
    """Draw `n` windows of a size, and what is true of each."""
    rng = np.random.default_rng(seed)
    drawings, often = zip(*KINDS.values(), strict=True)
    weights = np.array(often, np.float64)
    windows = np.empty((n, size, size), np.float32)
    kinds = rng.choice(len(drawings), n, p=weights / weights.sum())
    truths = []
    for window, kind in zip(windows, kinds, strict=True):
        window[:], truth = drawings[kind](rng, size)
        truths.append(truth)
    return windows, truths
