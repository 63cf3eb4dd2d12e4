"""Simulated focal series: images of one field at several defoci, with every column known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_lattice_symmetry.atoms.focal.microscope import Microscope
from napari_lattice_symmetry.atoms.focal.specimens.layer import Sheet, Specimen
from napari_lattice_symmetry.atoms.focal.specimens.multislice import exit_wave
from napari_lattice_symmetry.atoms.focal.specimens.vibration import shake
from napari_lattice_symmetry.atoms.table import Atoms
from napari_lattice_symmetry.settings import SettingsModel, setting

Float = NDArray[np.float64]
Complex = NDArray[np.complex64]

MARGIN = 0.4
"""nm of the wave on each side that no image shows, since the calculation takes it as periodic."""


@dataclass(frozen=True, eq=False)
class FocalPicture:
    """A focal series and what is true of it.

    Parameters
    ----------
    images : ndarray, shape (n, Y, X)
        Counts.
    atoms : Atoms
        Columns in the field, in pixels of the image in the middle, with labels such as Mo, 2S, S.
    defoci : tuple of float
        Of each image in nm; positive is underfocus.
    drift : ndarray, shape (n, 2)
        How far each image is from that in the middle, y and x in pixels.
    pixel_size : float
        In nm.
    """

    images: Float
    atoms: Atoms
    defoci: tuple[float, ...]
    drift: Float
    pixel_size: float


class FocalSeries(SettingsModel):
    """What a focal series shows, and how it was recorded."""

    specimen: Specimen = Field(
        default_factory=Specimen, title="Specimen", description="What is seen."
    )
    microscope: Microscope = Field(
        default_factory=Microscope, title="Microscope", description="What it is seen by."
    )
    defoci: tuple[float, ...] = setting(
        (-3.0, 2.0, 7.0), "Defoci (nm)", "Of each image; positive is underfocus."
    )
    pixel_size: float = setting(0.01, "Pixel size (nm)", "Side of a pixel.", ge=0.004, le=0.04)
    size: int = setting(256, "Size (px)", "Side of the images.", ge=32, le=2048)
    dose: float = setting(
        1e4, "Dose (e/Å²)", "Electrons a square angstrom and image.", gt=0, le=1e8
    )
    drift: float = setting(
        0.0, "Drift (nm)", "Standard deviation along y and x of each image.", ge=0, le=1
    )
    temperature: float = setting(300.0, "Temperature (K)", "Of the specimen.", ge=1, le=2000)
    by_coordination: bool = setting(
        True, "By coordination", "Atoms with fewer neighbors vibrate more."
    )
    seed: int = setting(0, "Seed", "Draws vibration, drift and noise.", ge=0)

    def draw(self) -> FocalPicture:
        """Simulate the series.

        Returns
        -------
        FocalPicture

        Raises
        ------
        InputError
            If abTEM is not installed, or there is no such material.
        """
        rng = np.random.default_rng((self.seed, 42))
        border = int(np.ceil(MARGIN / self.pixel_size))
        side = (self.size + 2 * border) * self.pixel_size
        sheet = self.specimen.build(side)
        moving = shake(sheet, rng, self.temperature, self.by_coordination)
        drift = rng.normal(0, self.drift, (len(self.defoci), 2))
        drift -= drift[len(drift) // 2]
        images = self.microscope.record_series(
            exit_wave(moving, self.microscope.voltage),
            side,
            rng,
            size=self.size + 2 * border,
            defoci=self.defoci,
            drift=drift,
            dose=self.dose,
        )
        inner = slice(border, border + self.size)
        return FocalPicture(
            images[:, inner, inner],
            columns_in_view(sheet, self.pixel_size, border, self.size),
            self.defoci,
            drift / self.pixel_size,
            self.pixel_size,
        )


def columns_in_view(sheet: Sheet, pixel: float, border: int, size: int) -> Atoms:
    """Return the columns of a field in pixels of the images, without those beyond their border.

    Parameters
    ----------
    sheet : Sheet
        Atoms at rest.
    pixel : float
        In nm.
    border, size : int
        Pixels of the field before the images begin, and of an image.
    """
    y, x = (sheet.column_places / pixel - border).T
    label = np.array(sheet.names)[sheet.kind]
    seen = (y >= 0) & (y <= size - 1) & (x >= 0) & (x <= size - 1)
    return Atoms.at(
        y[seen], x[seen], label=label[seen], pixel_size=(pixel, pixel), name="simulated"
    )
