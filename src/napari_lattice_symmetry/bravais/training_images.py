"""Simulated windows of known class, as the networks are trained and measured on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from napari_lattice_symmetry.lattice.basis import CellRanges, lattice_points, random_basis, rotation
from napari_lattice_symmetry.lattice.classes import CLASSES
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms, scan_jitter

Float = NDArray[np.float64]

NOISE = CLASSES.index("noise")


@dataclass(frozen=True)
class ImageDistribution:
    """A world of images to draw from.

    Parameters
    ----------
    cells : CellRanges
        Lattices.
    sigma : (float, float)
        Atom width (standard deviation) as a fraction of the spacing.
    disorder, min_disorder : float
        Greatest and least position disorder (standard deviation) as a fraction of the spacing.
    scatter : (float, float)
        The same for the noise class, where no order is left.
    extra_atoms : float
        Share of windows with more than one atom a cell (two or three).
    vacancies : float
        Greatest share of atoms missing.
    drift : float
        Standard deviation of shear and stretch.
    jitter : float
        Greatest root-mean-square displacement of scan rows in pixels.
    background : float
        Greatest offset and ramp, as fractions of the brightest atom; 0 for none.
    patches : float
        Share of windows under smooth patches (contamination, uneven illumination).
    adsorbates : float
        Share of windows with bright blobs on top.
    streaks : float
        Greatest offset of scan rows, as a fraction of the image's own spread.
    counts : (float, float), optional
        Counts a pixel at full brightness, log-uniform; None for no counting noise.
    second_grain : float
        Share of windows with the edge of a second grain in less than half of their area: the
        same crystal turned, or anything else.
    noise_kinds : tuple of str
        What the noise class is made of: "scattered" lattices, "blobs", "amorphous"
        speckle, "counts" on a background, "blank" frames.
    """

    cells: CellRanges = field(default_factory=CellRanges)
    sigma: tuple[float, float] = (0.13, 0.25)
    disorder: float = 0.06
    min_disorder: float = 0.0
    scatter: tuple[float, float] = (0.4, 0.7)
    extra_atoms: float = 0.0
    vacancies: float = 0.0
    drift: float = 0.0
    jitter: float = 0.0
    background: float = 0.0
    patches: float = 0.0
    adsorbates: float = 0.0
    streaks: float = 0.0
    counts: tuple[float, float] | None = None
    second_grain: float = 0.0
    noise_kinds: tuple[str, ...] = ("scattered",)


PAPER = ImageDistribution()
"""Simulated set of Vasudevan et al. 2018: bare disordered lattices, no margins."""

INSTRUMENT = ImageDistribution(
    cells=CellRanges(margin=0.09, rectangular_ratio=(1.09, 2.2)),
    extra_atoms=0.5,
    vacancies=0.12,
    drift=0.006,
    jitter=0.35,
    background=0.5,
    counts=(4, 200),
    noise_kinds=("scattered", "blobs", "counts"),
)
"""What a microscope records."""

FIELD = replace(
    INSTRUMENT,
    cells=CellRanges(spacing=(4.0, 26.0), margin=0.09, rectangular_ratio=(1.09, 2.2)),
    disorder=0.1,
    patches=0.6,
    noise_kinds=("scattered", "blobs", "amorphous", "amorphous", "counts", "blank"),
)
"""Wider than what is measured, for training: patches, amorphous films, more disorder."""

ROUGH = replace(FIELD, drift=0.02, adsorbates=0.25, streaks=0.6, counts=(4, 1000), second_grain=0.4)
"""Rougher still, for training: drift of some percent, bright adsorbates, streaky scan rows, the
edges of other grains."""

TRACKS = {"paper": PAPER, "instrument": INSTRUMENT, "field": FIELD, "rough": ROUGH}


def draw_window(
    label: int, track: ImageDistribution, rng: np.random.Generator, size: int = 128
) -> Float:
    """Draw one random window of a class.

    Parameters
    ----------
    label : int
        Label value of the class, 1 to 6.
    track : ImageDistribution
        What to draw from.
    rng : numpy.random.Generator
        Source of randomness.
    size : int
        Side of the window in pixels. Spacings do not scale with it.

    Returns
    -------
    ndarray, shape (size, size), float64
        Counts, or brightness where the track has no counting noise.
    """
    if track.second_grain and rng.uniform() < track.second_grain:
        image = _draw_two_grains(label, track, rng, size)
    else:
        image, _ = draw_grain(label, track, rng, size)
    return record(image, track, rng)


def draw_windows(
    n: int, track: ImageDistribution, seed: int | tuple[int, ...], size: int = 128
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Draw `n` windows, classes in turn, all from one seed.

    Returns
    -------
    windows : ndarray, shape (n, size, size), float32
    labels : ndarray, shape (n,), uint8
        Label values 1 to 6.
    """
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % len(CLASSES) + 1).astype(np.uint8)
    windows = np.empty((n, size, size), dtype=np.float32)
    for window, label in zip(windows, labels, strict=True):
        window[:] = draw_window(int(label), track, rng, size)
    return windows, labels


def _skewed(greatest: float, rng: np.random.Generator) -> float:
    return greatest * float(rng.uniform())


def _draw_disorder(track: ImageDistribution, rng: np.random.Generator) -> float:
    return float(rng.uniform(track.min_disorder, track.disorder))


def draw_grain(
    label: int, track: ImageDistribution, rng: np.random.Generator, size: int
) -> tuple[Float, Float | None]:
    """Draw one grain of a class before it is recorded.

    Returns
    -------
    image : ndarray, shape (size, size)
    basis : ndarray, shape (2, 2), or None
        Lattice vectors (x, y) as the image shows them, drift included; None for noise.
    """
    if label - 1 == NOISE:
        return _draw_noise(track, rng, size), None
    disorder = _draw_disorder(track, rng)
    crystal = _random_crystal(CLASSES[label - 1], track, rng)
    return draw_crystal(crystal, track, rng, size, disorder), crystal.basis


def _draw_two_grains(
    label: int, track: ImageDistribution, rng: np.random.Generator, size: int
) -> Float:
    """Draw a grain of a class and another one beyond a straight edge: itself turned, or any.

    The class is at times that of the lesser part, as often as that part is large. Of two
    lattices it may be any lattice, most often where both have half of the window: a network
    that has learned this is unsure at a grain boundary, but does not take it for noise.
    """
    angle, share = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.5)
    turned = label - 1 != NOISE and rng.uniform() < 0.5
    other = label if turned else int(rng.integers(1, len(CLASSES) + 1))
    if NOISE not in (label - 1, other - 1) and rng.uniform() < 0.6 * (2 * share) ** 2:
        label = int(rng.integers(1, NOISE + 1))
    if turned:
        crystal = _random_crystal(CLASSES[label - 1], track, rng)
        disorder = _draw_disorder(track, rng)
        grains = [
            draw_crystal(grain, track, rng, size, disorder)
            for grain in (crystal, crystal.turned(rng.uniform(0, 180)))
        ]
    else:
        grains = [draw_grain(grain, track, rng, size)[0] for grain in (label, other)]
    if rng.uniform() < share:
        grains.reverse()
    y, x = np.mgrid[:size, :size]
    across = x * np.cos(angle) + y * np.sin(angle)
    return np.where(across < np.quantile(across, share), grains[1], grains[0])


@dataclass(frozen=True, eq=False)
class Crystal:
    """A crystal to draw, all lengths in pixels.

    `spacing` is its shortest lattice vector before drift, `sigma` the width of its atoms, of
    which a cell has several: `sites`, shape (m, 2), and `brightness`, shape (m,).
    """

    basis: Float
    spacing: float
    sigma: float
    sites: Float
    brightness: Float

    def turned(self, degrees: float) -> Crystal:
        """Return the crystal turned by an angle in degrees."""
        turn = rotation(degrees)
        return replace(self, basis=self.basis @ turn, sites=self.sites @ turn)


def _random_crystal(name: str, track: ImageDistribution, rng: np.random.Generator) -> Crystal:
    basis = random_basis(name, rng, track.cells)
    spacing = float(np.hypot(*basis[0]))
    sigma = spacing * rng.uniform(*track.sigma)
    drift = np.eye(2) + track.drift * rng.standard_normal((2, 2))
    basis = basis @ drift
    return Crystal(basis, spacing, sigma, *_random_motif(basis, track, rng))


def draw_crystal(
    crystal: Crystal,
    track: ImageDistribution,
    rng: np.random.Generator,
    size: int,
    disorder: float,
) -> Float:
    """Draw a crystal whose atoms are displaced by `disorder` spacings."""
    origin = (float(rng.uniform(0, size)), float(rng.uniform(0, size)))
    pad = 4 * crystal.sigma + 2 * float(np.abs(crystal.basis).sum(0).max())
    points = lattice_points(crystal.basis, (size, size), origin, pad)
    atoms = (points[:, None, :] + crystal.sites).reshape(-1, 2)
    brightness = np.tile(crystal.brightness, len(points))
    atoms = atoms + rng.standard_normal(atoms.shape) * (disorder * crystal.spacing)
    present = rng.uniform(size=len(atoms)) >= _skewed(track.vacancies, rng)

    jitter = _skewed(track.jitter, rng)
    shift = scan_jitter(size, jitter, bool(rng.integers(2)), rng) if jitter > 0 else None
    return draw_atoms(atoms[present], brightness[present], crystal.sigma, (size, size), shift)


def _random_motif(
    basis: Float, track: ImageDistribution, rng: np.random.Generator
) -> tuple[Float, Float]:
    """Draw the atoms of a cell: sites (m, 2) in pixels and brightness (m,), the first at 0, 1."""
    extra = int(rng.integers(1, 3)) if rng.uniform() < track.extra_atoms else 0
    sites = np.concatenate([np.zeros((1, 2)), rng.uniform(size=(extra, 2))]) @ basis
    return sites, np.concatenate([[1.0], rng.uniform(0.15, 1.0, extra)])


def _draw_noise(track: ImageDistribution, rng: np.random.Generator, size: int) -> Float:
    kind = track.noise_kinds[rng.integers(len(track.noise_kinds))]
    if kind == "scattered":
        scatter = rng.uniform(*track.scatter)
        return draw_crystal(_random_crystal("oblique", track, rng), track, rng, size, scatter)
    if kind == "blobs":
        n = int(np.exp(rng.uniform(np.log(3), np.log(300))))
        sigma = np.exp(rng.uniform(np.log(0.8), np.log(8)))
        return draw_atoms(
            rng.uniform(-10, size + 10, (n, 2)), rng.uniform(0.2, 1, n), sigma, (size, size)
        )
    if kind == "amorphous":
        return _amorphous(rng, size)
    if kind == "blank":
        return np.zeros((size, size))
    return np.full((size, size), 0.2)


def _amorphous(rng: np.random.Generator, size: int) -> Float:
    """Speckle with a broad ring in its spectrum, as of an amorphous film."""
    fine = np.exp(rng.uniform(np.log(0.7), np.log(5)))
    speckle = scipy.ndimage.gaussian_filter(rng.standard_normal((size, size)), fine, mode="wrap")
    if rng.uniform() < 0.7:
        wide = fine * rng.uniform(1.1, 3)
        speckle -= scipy.ndimage.gaussian_filter(speckle, wide, mode="wrap")
    speckle = speckle / np.abs(speckle).max()
    return np.asarray(1 + rng.uniform(0.1, 1) * speckle)


def record(image: Float, track: ImageDistribution, rng: np.random.Generator) -> Float:
    """Add what lies over the crystal and what the detector does."""
    if track.patches and rng.uniform() < track.patches:
        image = _add_patches(image, rng)
    if track.adsorbates and rng.uniform() < track.adsorbates:
        image = image + _adsorbates(image, rng)
    if track.streaks:
        offset = _skewed(track.streaks, rng) * image.std()
        image = image + offset * rng.standard_normal((len(image), 1))
    if track.background:
        image = image + _background(image.shape[0], track.background, rng)
    if track.counts is not None:
        image = count_electrons(image, np.exp(rng.uniform(*np.log(track.counts))), rng)
    return image


def _add_patches(image: Float, rng: np.random.Generator) -> Float:
    size = image.shape[0]
    width = size * rng.uniform(0.08, 0.4)
    smooth = scipy.ndimage.gaussian_filter(rng.standard_normal(image.shape), width, mode="wrap")
    smooth = (smooth - smooth.min()) / max(np.ptp(smooth), 1e-12)
    shaded: Float = image * (1 - rng.uniform(0, 0.5) * smooth)
    shaded += image.max() * rng.uniform(0, 2) * smooth
    return shaded


def _adsorbates(image: Float, rng: np.random.Generator) -> Float:
    size = image.shape[0]
    n = int(rng.integers(1, 13))
    blobs = draw_atoms(
        rng.uniform(0, size, (n, 2)), rng.uniform(0.3, 1, n), rng.uniform(1, 6), image.shape
    )
    blobs *= float(image.max()) * np.exp(rng.uniform(0, np.log(8)))
    return blobs


def _background(size: int, greatest: float, rng: np.random.Generator) -> Float:
    """Offset and linear ramp, never below zero."""
    ramp = np.linspace(-0.5, 0.5, size)
    direction = np.array([[1.0, 0.0]]) @ rotation(rng.uniform(0, 360)) * _skewed(greatest, rng)
    tilt = ramp[:, None] * direction[0, 1] + ramp * direction[0, 0]
    return np.asarray(tilt - tilt.min() + _skewed(greatest, rng))
