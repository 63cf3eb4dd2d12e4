"""Pictures as a scanning transmission electron microscope records them, with their atoms known.

A column is a Gaussian peak whose height goes with about the power 1.7 of the atomic numbers in it
(Krivanek et al., Nature 464, 571 (2010) measured 1.64 for single atoms in a dark-field image).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_lattice_symmetry.atoms.defect_table import Defects
from napari_lattice_symmetry.atoms.simulation import sheet as sheets
from napari_lattice_symmetry.atoms.simulation.materials import SCATTERED, material
from napari_lattice_symmetry.atoms.simulation.sheet import Sheet
from napari_lattice_symmetry.atoms.table import Atoms
from napari_lattice_symmetry.lattice.drawing import draw_atoms, scan_jitter
from napari_lattice_symmetry.settings import SettingsModel, setting

Float = NDArray[np.float64]

FAINTEST = 0.14
"""Share of the brightest column below which one counts as unseen."""

# Streams of random numbers.
_LAYOUT, _DEFECTS, _SHAPE, _HEAT, _SCAN, _GROUND, _COUNTS, _FLICKER = range(8)


@dataclass(frozen=True, eq=False)
class AtomPicture:
    """A picture and what is true of it.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Counts.
    atoms : Atoms
        Every column in the frame that can be seen: place, element as label ("X" of
        lighter and heavier ones and of adatoms, whose element is not told), height as intensity (in
        counts), and the columns ``occupancy`` (share of its atoms that are there) and ``defect``.
    faint : Atoms
        Columns too faint to be found, in clumps, or outside the frame, which count neither way.
    defects : Defects
        What is wrong with columns that could be seen, missing ones among them.
    spacing : float
        Distance of neighbors in pixels.
    sigma : float
        Standard deviation of a column in pixels.
    """

    image: Float
    atoms: Atoms
    faint: Atoms
    defects: Defects
    spacing: float
    sigma: float


class AtomImage(SettingsModel):
    """What a picture of known atoms shows, and how it was recorded.

    Whatever is random is drawn from `seed`, in a stream of its own for each matter.

    Raises
    ------
    pydantic.ValidationError
        If a value is of the wrong type or out of its range.
    """

    material: str = setting(
        "graphene", "Material", "Name of a material, or the path of a file with a structure."
    )
    zone: tuple[int, int, int] | None = setting(
        None, "Zone axis", "Axis along which it is seen, instead of the usual one."
    )
    spacing: float = setting(
        18.2, "Spacing (px)", "Distance of neighbors that can be seen.", ge=3, le=100
    )
    orientation: float = setting(10.0, "Direction (°)", "Of a, from x towards y.", ge=-360, le=360)
    size: int = setting(256, "Size (px)", "Side of the picture.", ge=32, le=2048)
    counts: float = setting(
        100.0, "Dose (counts)", "Mean counts at the peak of the brightest column.", gt=0, le=1e6
    )
    background: float = setting(
        0.2, "Background", "As a multiple of the brightest column.", ge=0, le=10
    )
    probe: float = setting(
        0.2, "Probe", "Standard deviation of a column, in spacings.", ge=0.08, le=0.45
    )
    tails: float = setting(
        0.1, "Tails", "Share of the probe in its tails, 2.5 times as wide.", ge=0, le=0.6
    )
    displacement: float = setting(
        0.02,
        "Displacement",
        "Standard deviation along x and along y of columns about their sites, in spacings.",
        ge=0,
        le=0.2,
    )
    wedge: float = setting(
        0.0, "Wedge", "By how much columns are brighter on one side than in the middle.", ge=0, le=1
    )
    vacancies: float = setting(0.0, "Vacancies", "Share of columns missing.", ge=0, le=0.5)
    partial: float = setting(
        0.0,
        "Partial vacancies",
        "Share of columns that lack an atom of two, or half of many.",
        ge=0,
        le=0.5,
    )
    lighter: float = setting(0.0, "Lighter", "Share of columns of a lighter element.", ge=0, le=0.5)
    heavier: float = setting(0.0, "Heavier", "Share of columns of a heavier element.", ge=0, le=0.5)
    antisites: float = setting(
        0.0, "Antisites", "Share of columns of another sublattice's element.", ge=0, le=0.5
    )
    adatoms: float = setting(0.0, "Adatoms", "Atoms on top, of the columns.", ge=0, le=0.5)
    rotated_bond: bool = setting(
        False, "Rotated bond", "Turn the bond in the middle, which makes 5- and 7-rings (graphene)."
    )
    second_grain: float = setting(
        0.0, "Second grain", "Share of the picture in which the crystal is turned.", ge=0, le=0.7
    )
    misorientation: float = setting(
        22.0, "Turned by (°)", "From the first grain to the second.", ge=-180, le=180
    )
    holes: int = setting(0, "Holes", "Number of holes, 2 to 5 spacings in radius.", ge=0, le=20)
    edge: float = setting(
        0.0, "Edge", "Share of the picture beyond the edge of the crystal.", ge=0, le=0.9
    )
    clumps: int = setting(
        0, "Clumps", "Number of heaps of atoms, 1.5 to 5 spacings in radius.", ge=0, le=10
    )
    density: float = setting(
        0.15, "Density", "Single atoms a square of the spacing.", ge=0.01, le=1
    )
    slope: float = setting(
        0.0,
        "Slope",
        "Rise of the background over the picture, of the brightest column.",
        ge=0,
        le=10,
    )
    contamination: float = setting(
        0.0, "Contamination", "Brightness of patches, of the brightest column.", ge=0, le=3
    )
    support: float = setting(
        0.0, "Support", "Texture of an amorphous support, of the brightest column.", ge=0, le=1
    )
    jitter: float = setting(
        0.0, "Scan jitter", "Sideways error of rows, root mean square, in spacings.", ge=0, le=0.2
    )
    flicker: float = setting(
        0.0, "Flicker", "Deviation of the brightness of rows, as a share.", ge=0, le=0.5
    )
    wander: float = setting(0.0, "Wander", "Slow sideways drift of rows, in spacings.", ge=0, le=2)
    shear: float = setting(0.0, "Shear", "Sideways drift, of the height.", ge=-0.3, le=0.3)
    seed: int = setting(0, "Seed", "Draws all that is random.", ge=0)
    frame: int = setting(
        0, "Frame", "Another of the same atoms: draws counts, scan and heat anew.", ge=0
    )

    def draw(self) -> AtomPicture:
        """Draw the picture."""
        shape = (self.size, self.size)
        sigma = self.probe * self.spacing
        sheet = self._recorded(self._columns(shape))
        rows = self._row_shifts()
        image = draw_atoms(sheet.position, sheet.weight, sigma, shape, rows)
        if self.tails:
            image = (1 - self.tails) * image + self.tails * gaussian_filter(image, 2.3 * sigma)
        expected = np.clip(image + self._ground(shape), 0, None) * self.counts * self._rows_gain()
        counts = self._random(_COUNTS).poisson(expected).astype(np.float64)
        return self._with_truth(counts, sheet, rows, sigma)

    def _random(self, stream: int) -> np.random.Generator:
        frame = self.frame if stream in (_HEAT, _SCAN, _COUNTS, _FLICKER) else 0
        return np.random.default_rng([self.seed, stream, frame])

    def _columns(self, shape: tuple[int, int]) -> Sheet:
        """Lay out what is there, defects included."""
        rng = self._random(_LAYOUT)
        if self.material == SCATTERED:
            sheet = sheets.scattered_sheet(shape, self.spacing, self.density, rng)
        else:
            sheet = self._crystal(shape, rng)
        rng = self._random(_DEFECTS)
        if self.rotated_bond:
            sheet = sheets.with_rotated_bond(sheet, (self.size / 2, self.size / 2))
        shares = {
            sheets.VACANCY: self.vacancies,
            sheets.PARTIAL: self.partial,
            sheets.LIGHTER: self.lighter,
            sheets.HEAVIER: self.heavier,
            sheets.ANTISITE: self.antisites,
        }
        sheet = sheets.with_point_defects(sheet, shares, rng)
        sheet = sheets.with_adatoms(sheet, self.adatoms, rng)
        for _ in range(self.clumps):
            sheet = sheets.with_clump(sheet, shape, rng)
        return sheet

    def _crystal(self, shape: tuple[int, int], rng: np.random.Generator) -> Sheet:
        seen, layer = material(self.material, self.zone)
        scale = self.spacing / sheets.visible_spacing(seen, FAINTEST)
        origin = (float(rng.uniform(0, 20)), float(rng.uniform(0, 20)))

        def grain(angle: float) -> Sheet:
            return sheets.crystal_sheet(
                seen,
                scale,
                shape,
                angle=angle,
                origin=origin,
                spacing=self.spacing,
                layer=layer,
                pad=2 * self.spacing + float(np.abs(seen.basis).sum()) * scale,
            )

        sheet = grain(self.orientation)
        rng = self._random(_SHAPE)
        if self.second_grain:
            across = self._across(rng.uniform(0, 360), self.second_grain)
            other = grain(self.orientation + self.misorientation)
            sheet = sheet[across(sheet.position) < 0].joined(other[across(other.position) >= 0])
            sheet = sheets.without_overlaps(sheet, rng)
        if self.edge:
            sheet = sheet[self._across(rng.uniform(0, 360), self.edge)(sheet.position) < 0]
        for _ in range(self.holes):
            center, radius = rng.uniform(0, self.size, 2), rng.uniform(2, 5) * self.spacing
            sheet = sheet[np.linalg.norm(sheet.position - center, axis=1) > radius]
        if self.wedge:
            direction = np.deg2rad(rng.uniform(0, 360))
            ramp = (sheet.position / self.size - 0.5) @ [np.cos(direction), np.sin(direction)]
            sheet = replace(sheet, weight=sheet.weight * np.clip(1 + 2 * self.wedge * ramp, 0.2, 3))
        return sheet

    def _across(self, direction: float, share: float) -> _HalfPlane:
        """Return how far places are beyond a line, past which lies a share of the picture."""
        normal = np.array([np.cos(np.deg2rad(direction)), np.sin(np.deg2rad(direction))])
        grid = np.stack(np.meshgrid(*(np.linspace(0, self.size, 33),) * 2), axis=-1) @ normal
        return _HalfPlane(normal, float(np.quantile(grid, 1 - share)))

    def _recorded(self, sheet: Sheet) -> Sheet:
        """Move columns by heat, and by the drift of the scan along the picture."""
        moved = self.displacement * self.spacing
        position = sheet.position + moved * self._random(_HEAT).standard_normal((len(sheet), 2))
        position[:, 0] += self.shear * (position[:, 1] - self.size / 2)
        return replace(sheet, position=position)

    def _row_shifts(self) -> Float | None:
        """Draw the sideways shifts of rows: jitter, and a drift that is smooth over a spacing."""
        rng = self._random(_SCAN)
        shifts = np.zeros(self.size)
        if self.jitter:
            shifts += scan_jitter(self.size, self.jitter * self.spacing, False, rng)
        if self.wander:
            slow = scan_jitter(self.size, self.wander * self.spacing, True, rng)
            shifts += gaussian_filter(slow, self.spacing)
        return shifts if shifts.any() else None

    def _rows_gain(self) -> Float:
        """Draw by how much rows are brighter or darker than they should be, (Y, 1)."""
        noise = self._random(_FLICKER).standard_normal((self.size, 1))
        return np.clip(1 + self.flicker * noise, 0.1, None)

    def _ground(self, shape: tuple[int, int]) -> Float:
        """Draw what lies behind the columns and over them."""
        rng = self._random(_GROUND)
        ground = np.full(shape, self.background)
        if self.support:
            ground += self.support * _texture(shape, 0.35 * self.spacing, rng)
        if self.contamination:
            patches = _texture(shape, rng.uniform(2, 5) * self.spacing, rng)
            patches = np.clip(patches - rng.uniform(-0.5, 1), 0, None)
            grain = 1 + 0.3 * _texture(shape, 0.5 * self.spacing, rng)
            ground += self.contamination * patches / max(patches.max(), 1e-9) * grain
        if self.slope:
            direction = rng.uniform(0, 2 * np.pi)
            y, x = (np.linspace(-0.5, 0.5, n) for n in shape)
            rise = np.sin(direction) * y[:, np.newaxis] + np.cos(direction) * x
            ground += self.slope * (rise - rise.min())
        return ground

    def _with_truth(
        self, counts: Float, sheet: Sheet, rows: Float | None, sigma: float
    ) -> AtomPicture:
        x, y = sheet.position.T
        if rows is not None:  # a column is seen where its rows put it on average
            smooth = np.interp(y, np.arange(self.size), gaussian_filter(rows, sigma))
            x = x + smooth
        inside = (x >= 0) & (x <= self.size - 1) & (y >= 0) & (y <= self.size - 1)
        # Under an adatom a column has its own element: it is the adatom that is told.
        unlike = np.isin(sheet.defect, (sheets.LIGHTER, sheets.HEAVIER))
        table = Atoms.at(
            y,
            x,
            label=np.where(unlike, sheets.UNTOLD, sheet.label),
            intensity=sheet.weight * self.counts * (1 - self.tails),
            sigma=np.full(len(sheet), sigma),
            spacing=self.spacing,
            more={"occupancy": np.minimum(sheet.atoms / sheet.full, 1), "defect": sheet.defect},
        )
        alone = sheet.defect != sheets.CLUMP
        wrong = inside & alone & (sheet.defect != sheets.PERFECT) & (sheet.whole >= FAINTEST)
        defects = Defects.at(sheet.defect[wrong], y[wrong], x[wrong])
        seen = alone & (sheet.weight >= FAINTEST)
        there = sheet.weight > 0
        return AtomPicture(
            counts,
            _neighbors_anew(table[inside & seen]),
            table[there & ~(inside & seen)],
            defects,
            self.spacing,
            sigma,
        )


def _neighbors_anew(atoms: Atoms) -> Atoms:
    known = atoms.columns()
    del known["neighbor"]
    more = {title: known.pop(title) for title in atoms.more}
    return Atoms.at(**known, spacing=atoms.spacing, more=more)


@dataclass(frozen=True)
class _HalfPlane:
    normal: Float
    offset: float

    def __call__(self, places: Float) -> Float:
        return np.asarray(places @ self.normal - self.offset)


def _texture(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> Float:
    """Draw noise that is smooth over `scale` pixels, of mean 0 and deviation 1."""
    noise = gaussian_filter(rng.standard_normal(shape), scale, mode="wrap")
    return np.asarray((noise - noise.mean()) / max(noise.std(), 1e-12))
