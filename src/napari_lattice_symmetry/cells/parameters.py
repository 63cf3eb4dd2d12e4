"""All that averaged cells, strain maps and pixel sizes can be told, once."""

from __future__ import annotations

from typing import Literal

from napari_lattice_symmetry.cells.answer import TOLERANCE
from napari_lattice_symmetry.cells.strain import KNOWN_CELLS, Cell
from napari_lattice_symmetry.settings import ADVANCED, SettingsModel, setting
from napari_lattice_symmetry.spectrum.checks import MIN_WINDOW

AS_MEASURED = "as measured"
TYPED = "typed cell"
MEDIAN, KNOWN = "median lattice", "known lattice"


PERIODS = 10
"""How many cells a window holds where its side is not given."""


class CellParameters(SettingsModel):
    """How a unit cell is averaged and its plane group named."""

    window: int | None = setting(
        None,
        "Window (px)",
        f"Side of the windows in pixels; {PERIODS} cells if not given.",
        none=f"{PERIODS} cells",
        of_one_image=True,
        ge=MIN_WINDOW,
        le=4096,
    )
    lattice: Literal[
        "as measured", "square", "rectangular", "centered rectangular", "hexagonal", "oblique"
    ] = setting(
        AS_MEASURED,
        "Lattice",
        "Class of the lattice where a scan has distorted it; else that which is measured.",
        group=ADVANCED,
        of_one_image=True,
    )
    tolerance: float = setting(
        TOLERANCE,
        "Tolerance R",
        "Share of the amplitudes that lens and scan may break of a symmetry where noise explains "
        "none.",
        group=ADVANCED,
        step=0.01,
        ge=0,
        le=0.5,
    )


class KnownLattice(SettingsModel):
    """A lattice that is known: by its name, or by a cell that is typed."""

    lattice: str = setting(
        "graphene",
        "Lattice",
        "A lattice by its name, or a cell that is typed below.",
        choices=(*KNOWN_CELLS, TYPED),
    )
    a: float = setting(
        0.2461, "a", "First side of the cell.", unit=" nm", step=1e-3, decimals=4, ge=1e-3, le=1e4
    )
    b: float = setting(
        0.2461, "b", "Second side of the cell.", unit=" nm", step=1e-3, decimals=4, ge=1e-3, le=1e4
    )
    gamma: float = setting(
        120.0, "gamma", "Angle between both.", unit="°", step=0.1, decimals=2, ge=1, le=179
    )

    @property
    def known(self) -> str | Cell:
        """The name of a lattice, or a, b and gamma."""
        return (self.a, self.b, self.gamma) if self.lattice == TYPED else self.lattice


class PixelParameters(KnownLattice):
    """How a pixel size is found."""

    square: bool = setting(False, "Square pixels", "Find one size for x and y.")


class StrainParameters(KnownLattice):
    """Against what strain is measured, and how it is shown."""

    reference: str = setting(
        MEDIAN,
        "Reference",
        "What counts as not strained: the median of all windows or of those in the shapes of a "
        "layer, or a lattice that is known.",
        choices=(MEDIAN, KNOWN),
        of_one_image=True,
    )
    axes: Literal["image: x, y", "crystal: along a"] = setting(
        "image: x, y",
        "Axes",
        "Strain along x and y of the image, y down, or along and across the vector a of the "
        "reference.",
    )
    errors: bool = setting(
        False, "Errors too", "Also add the standard error of each map as a layer."
    )
