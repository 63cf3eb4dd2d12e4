"""Windows that only look like a lattice: fringes, hum, quasicrystals, noise of one band."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais.training_images import (
    INSTRUMENT,
    NOISE,
    ROUGH,
    draw_grain,
    record,
)
from napari_lattice_symmetry.bravais.truth import NO_LATTICE, NO_ONE_LATTICE, ONE_DIRECTION, Truth
from napari_lattice_symmetry.lattice.basis import rotation

Float = NDArray[np.float64]


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is even."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def pick(rng: np.random.Generator, values: Any) -> Any:
    """Choose one of some values, as it is."""
    return values[rng.integers(len(values))]


def detect(image: Float, rng: np.random.Generator) -> Float:
    """Record an image as one of several instruments does."""
    kind = rng.uniform()
    if kind < 0.6:
        return record(image, INSTRUMENT if kind < 0.45 else replace(ROUGH, adsorbates=0), rng)
    noise = log_uniform(rng, 0.005, 1.0) * (rng.uniform() < 0.7)
    return np.asarray(image + noise * image.std() * rng.standard_normal(image.shape))


def _waves(rng: np.random.Generator, size: int, frequencies: Float) -> Float:
    """Sum plane waves of frequencies (n, 2) in cycles per pixel, in random phases."""
    y, x = np.mgrid[:size, :size]
    phases = rng.uniform(0, 2 * np.pi, len(frequencies))
    cycles = frequencies[:, :1, np.newaxis] * x + frequencies[:, 1:, np.newaxis] * y
    return np.asarray(np.cos(2 * np.pi * cycles + phases[:, np.newaxis, np.newaxis]).sum(axis=0))


def hum(rng: np.random.Generator, size: int) -> Float:
    """Draw one or two frequencies and their overtones along nearly one direction."""
    period = log_uniform(rng, 3, size / 4)
    n = int(rng.integers(1, 4))
    slope = rng.normal(0, 0.03)
    along = np.array([slope, 1.0]) @ rotation(pick(rng, (0, 90, rng.uniform(0, 180))))
    return _waves(rng, size, np.arange(1, n + 1)[:, np.newaxis] * along / period)


def fringes(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw fringes: round or sharp, straight or a little bent, all over or in a part."""
    y, x = np.mgrid[:size, :size] - size / 2
    turn = rng.uniform(0, 2 * np.pi)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    bend = rng.uniform(0, 1) * (rng.uniform() < 0.4)
    period = log_uniform(rng, 3.5, size / 4)
    along = along + bend * period * np.sin(2 * np.pi * across / size + rng.uniform(0, 6))
    wave = 2 * np.pi * along / period + rng.uniform(0, 6)
    sharpness = log_uniform(rng, 0.1, 6)
    image = np.exp(sharpness * (np.cos(wave) - 1))
    if rng.uniform() < 0.3:  # of which every second one is another
        image = image * (1 + rng.uniform(0, 0.8) * np.cos(wave / 2))
    if rng.uniform() < 0.3:
        image = image + 0.5 * hum(rng, size)
    if rng.uniform() < 0.2:
        image = image * np.exp(-np.square(across / (size * rng.uniform(0.2, 1))))
    return detect(image, rng), ONE_DIRECTION


def only_hum(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw the hum of the mains and nothing else."""
    image = hum(rng, size)
    return detect(image - image.min(), rng), ONE_DIRECTION


def herringbone(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw zigzag lines: the kinks have no phase of their own."""
    x = np.arange(size)
    knees = np.cumsum(rng.uniform(size / 12, size / 4, 40))
    zigzag = np.interp(np.arange(size), knees - size / 4, np.arange(40) % 2)
    period = log_uniform(rng, 5, size / 6)
    shift = rng.uniform(0.3, 1.5) * period * zigzag
    wave = 2 * np.pi * (x + shift[:, np.newaxis]) / period
    image = np.exp(log_uniform(rng, 0.3, 4) * (np.cos(wave) - 1))
    return detect(image if rng.uniform() < 0.5 else image.T, rng), ONE_DIRECTION


def quasicrystal(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a star of waves of 5, 8, 10 or 12 directions, and of some sums of them."""
    fold = int(pick(rng, (5, 8, 8, 10, 12, 12)))
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
    return detect(image, rng), NO_ONE_LATTICE


def band_passed(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw noise of one band of frequencies, narrow or wide."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, np.newaxis], np.fft.rfftfreq(size))
    middle = log_uniform(rng, 3 / size, 0.4)
    width = middle * log_uniform(rng, 0.03, 0.6)
    band = np.exp(-np.square((frequency - middle) / width) / 2)
    noise = np.fft.irfft2(band * np.fft.rfft2(rng.standard_normal((size, size))), (size, size))
    white = rng.uniform(0, 0.5) * (rng.uniform() < 0.5)
    return noise / noise.std() + white * rng.standard_normal((size, size)), NO_LATTICE


def vacuum(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw a few counts on an uneven background."""
    y, x = (np.mgrid[:size, :size] - rng.uniform(0, size, (2, 1, 1))) / size
    vignette = 1 - rng.uniform(0, 0.6) * (x * x + y * y)
    smooth = rng.uniform(0, 1.5)
    level = log_uniform(rng, 1, 1000)
    counts = rng.poisson(level * np.clip(vignette, 0.05, None)).astype(np.float64)
    if smooth > 0.4:
        counts = scipy.ndimage.gaussian_filter(counts, smooth)
    return counts, NO_LATTICE


def noise(rng: np.random.Generator, size: int) -> tuple[Float, Truth]:
    """Draw what the networks are shown as noise, at its roughest."""
    return record(draw_grain(NOISE + 1, ROUGH, rng, size)[0], ROUGH, rng), NO_LATTICE
