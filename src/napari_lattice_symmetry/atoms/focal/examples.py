"""Focal series to train on: exit waves that are stored once, and any microscope behind each.

Nothing here needs Keras, so that the processes that draw start fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms.finding.examples import draw_marks
from napari_lattice_symmetry.atoms.finding.scaling import Resampling
from napari_lattice_symmetry.atoms.focal.microscope import Microscope, resample_periodic
from napari_lattice_symmetry.atoms.focal.registration import REACH, measure_shifts, register
from napari_lattice_symmetry.atoms.focal.seeing import CLASSES, MARK, PIXEL, see
from napari_lattice_symmetry.atoms.focal.specimens.layer import random_specimen
from napari_lattice_symmetry.atoms.focal.specimens.multislice import exit_wave
from napari_lattice_symmetry.atoms.focal.specimens.vibration import shake
from napari_lattice_symmetry.files import replacing

Float = NDArray[np.float64]
Float16 = NDArray[np.float16]
Byte = NDArray[np.uint8]

SIDE = 3.2
"""Of a stored wave, in nm."""

WAVE_PIXEL = 0.02
"""Of a stored wave, in nm: finer than any detail of a wave."""

CROP = 80
"""Pixels along a side of an example: 2.56 nm."""

WAVES = 25
"""In a file."""

# One stream of random numbers for each purpose: what is validated on is never trained on.
TRAINING, VALIDATION, BARE, ON_GRAPHENE, OTHER_MICROSCOPES = range(5)

_SUBSTRATE = {BARE: "none", ON_GRAPHENE: "graphene"}
_VOLTAGES = (50.0, 60.0, 80.0, 120.0, 200.0, 300.0)


@dataclass(frozen=True)
class Ranges:
    """Within what microscopes are drawn, in the units of `Microscope`.

    Parameters
    ----------
    spherical, first, step, focal_spread, astigmatism, blur, mtf, dose, pixel, drift : tuple
        Lowest and highest: spherical aberration, first defocus and step from image to image, of
        the lenses, of the detector, electrons a square angstrom, pixel size in nm, and standard
        deviation of the drift of each image in nm.
    """

    spherical: tuple[float, float] = (-20.0, 20.0)
    first: tuple[float, float] = (-6.0, 1.0)
    step: tuple[float, float] = (3.0, 7.0)
    focal_spread: tuple[float, float] = (1.0, 4.0)
    astigmatism: tuple[float, float] = (0.0, 5.0)
    blur: tuple[float, float] = (0.0, 0.04)
    mtf: tuple[float, float] = (0.2, 0.9)
    dose: tuple[float, float] = (1e2, 2e4)
    pixel: tuple[float, float] = (0.007, 0.025)
    drift: tuple[float, float] = (0.0, 0.04)


@dataclass(frozen=True)
class WaveFile:
    """Orders the waves of one file: a pure function of seed, stream and index.

    Parameters
    ----------
    folder : str
        Where the files are.
    seed, stream, index : int
        Draw specimens, voltages and vibrations.
    by_coordination : bool
        Whether atoms with fewer neighbors vibrate more.
    """

    folder: str
    seed: int
    stream: int
    index: int
    by_coordination: bool = True

    @property
    def path(self) -> Path:
        """The file."""
        kind = "" if self.by_coordination else "-uniform"
        return Path(self.folder) / f"waves-{self.seed}-{self.stream}-{self.index:04}{kind}.npz"

    def draw(self) -> Path:
        """Compute what is not there yet, and return the path of the file."""
        if self.path.exists():
            return self.path
        rng = np.random.default_rng((self.seed, self.stream, self.index))
        n = round(SIDE / WAVE_PIXEL)
        waves = np.empty((WAVES, n, n, 2), np.float16)
        columns, voltages = [], rng.choice(_VOLTAGES, WAVES)
        fixed = {"substrate": _SUBSTRATE[self.stream]} if self.stream in _SUBSTRATE else {}
        for i, voltage in enumerate(voltages):
            sheet = random_specimen(rng, **fixed).build(SIDE)
            moving = shake(sheet, rng, rng.uniform(250, 400), self.by_coordination)
            wave = resample_periodic(exit_wave(moving, voltage), n)
            waves[i, ..., 0], waves[i, ..., 1] = wave.real, wave.imag
            number = np.full(len(sheet.kind), i)
            columns.append(np.column_stack([number, sheet.kind, sheet.column_places]))
        with replacing(self.path) as partial:
            np.savez(partial, waves=waves, columns=np.concatenate(columns), voltages=voltages)
        return self.path


@dataclass(frozen=True)
class SeriesChunk:
    """Orders the focal series of one file of waves: a pure function of its fields.

    Parameters
    ----------
    file : WaveFile
        The waves; computed if they are not there.
    images : int
        Number of images of a series.
    turn : int
        Draws other microscopes behind the same waves, in every epoch.
    ranges : Ranges
        Of the microscopes.
    """

    file: WaveFile
    images: int = 3
    turn: int = 0
    ranges: Ranges = Ranges()

    @property
    def path(self) -> Path:
        """Where it is kept."""
        of_wave = self.file.path.stem.removeprefix("waves")
        name = f"series{of_wave}-{self.images}-{self.turn}.npz"
        return self.file.path.with_name(name)

    def draw(self) -> tuple[Float16, Byte]:
        """Draw what is seen, (WAVES, CROP, CROP, images + 1), and marks, (..., 4), of 255.

        What was drawn once lies in a file beside the waves.
        """
        if not self.path.exists():
            seen, marks = self._draw()
            with replacing(self.path) as partial:
                np.savez(partial, seen=seen, marks=marks)
        with np.load(self.path) as stored:
            return stored["seen"], stored["marks"]

    def columns(self) -> list[tuple[Float, NDArray[np.int64]]]:
        """Return places (n, 2) in pixels that are seen, and classes (n,), of each series."""
        with np.load(self.file.draw()) as stored:
            columns = stored["columns"]
        corner = (round(SIDE / PIXEL) - CROP) // 2
        each = [columns[columns[:, 0] == i, 1:] for i in range(WAVES)]
        return [(known[:, 1:] / PIXEL - corner, known[:, 0].astype(np.int64)) for known in each]

    def _draw(self) -> tuple[Float16, Byte]:
        with np.load(self.file.draw()) as stored:
            waves, columns, voltages = (stored[key] for key in ("waves", "columns", "voltages"))
        rng = np.random.default_rng((self.file.seed, self.file.stream, self.file.index, self.turn))
        seen = np.empty((len(waves), CROP, CROP, self.images + 1), np.float16)
        marks = np.empty((len(waves), CROP, CROP, len(CLASSES)), np.uint8)
        for i, pair in enumerate(waves):
            wave = pair.astype(np.float32).view(np.complex64)[..., 0]
            known = columns[columns[:, 0] == i, 1:]
            example = self._example(rng, wave, known, float(voltages[i]))
            seen[i], marks[i] = example[0], np.rint(255 * example[1])
        return seen, marks

    def _example(
        self, rng: np.random.Generator, wave: NDArray[Any], known: Float, voltage: float
    ) -> tuple[NDArray[np.float32], Float]:
        ranges = self.ranges
        microscope = draw_microscope(rng, ranges, voltage)
        first, step = rng.uniform(*ranges.first), rng.uniform(*ranges.step)
        defoci = first + step * np.arange(self.images)
        n = round(SIDE / np.exp(rng.uniform(*np.log(ranges.pixel))))
        drift = rng.normal(0, 1, (self.images, 2)) * rng.uniform(*ranges.drift)
        drift -= drift[self.images // 2]
        drift += (PIXEL - SIDE / n) / 2  # the first pixels share their border, not their middle
        dose = np.exp(rng.uniform(*np.log(ranges.dose)))
        images = microscope.record_series(
            wave, SIDE, rng, size=n, defoci=defoci.tolist(), drift=drift, dose=float(dose)
        )
        told, told_defoci = told_of(microscope, defoci, rng)
        # As in use: what noise and wrong foci do to a registration is to be learned.
        images = register(images, measure_shifts(images, SIDE / n, told_defoci, told, REACH))
        whole = round(SIDE / PIXEL)
        resampling = Resampling((n, n), (whole, whole))
        images = np.stack([resampling.resample(image) for image in images])
        marks = class_marks(known[:, 1:] / PIXEL, known[:, 0].astype(int), (whole, whole))
        corner = (whole - CROP) // 2
        inner = slice(corner, corner + CROP)
        return see(images, told_defoci, told)[inner, inner], marks[inner, inner]


def told_of(
    microscope: Microscope, defoci: NDArray[np.floating[Any]], rng: np.random.Generator
) -> tuple[Microscope, list[float]]:
    """Draw what a user says of a microscope and of defoci, who knows them about.

    Parameters
    ----------
    microscope : Microscope
        As it is.
    defoci : ndarray, shape (n,)
        As they are, in nm.
    rng : numpy.random.Generator
        Source of randomness.
    """
    told = microscope.model_copy(
        update={
            "spherical": microscope.spherical + rng.normal(0, 1),
            "focal_spread": 3.0,
            "astigmatism": max(microscope.astigmatism + rng.normal(0, 0.3), 0.0),
        }
    )
    return told, (defoci + rng.normal(0, 1) + rng.normal(0, 0.3, len(defoci))).tolist()


def draw_microscope(rng: np.random.Generator, ranges: Ranges, voltage: float) -> Microscope:
    """Draw a microscope.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    ranges : Ranges
        Within what.
    voltage : float
        In kV.
    """
    return Microscope(
        voltage=voltage,
        spherical=rng.uniform(*ranges.spherical),
        focal_spread=rng.uniform(*ranges.focal_spread),
        astigmatism=_mostly_low(rng, ranges.astigmatism),
        astigmatism_angle=rng.uniform(0, 180),
        blur=rng.uniform(*ranges.blur),
        mtf=rng.uniform(*ranges.mtf),
    )


def _mostly_low(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """Draw a number that is below a quarter of the range in half of all cases, as if corrected."""
    low, high = limits
    return float(low + (high - low) * rng.uniform() ** 2)


def class_marks(places: Float, kind: NDArray[np.int64], shape: tuple[int, int]) -> Float:
    """Draw what a network is to answer: the share of each of `CLASSES` in every pixel, (Y, X, 4).

    Parameters
    ----------
    places : ndarray, shape (n, 2)
        y and x in pixels that are seen.
    kind : ndarray of int, shape (n,)
        Class of each, from 0 for the first after the background.
    shape : (int, int)
        Of the image.
    """
    marks = [draw_marks(places[kind == k], shape, MARK / PIXEL) for k in range(len(CLASSES) - 1)]
    stacked = np.stack(marks, axis=-1)
    crowded = np.maximum(stacked.sum(axis=-1, keepdims=True), 1)
    stacked = stacked / crowded
    return np.concatenate([1 - stacked.sum(axis=-1, keepdims=True), stacked], axis=-1)
