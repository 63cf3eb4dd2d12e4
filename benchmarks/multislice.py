"""Pictures by multislice, which scatters electrons as the fast generator of pictures does not.

    tools/uv run --no-sync --with abtem python benchmarks/multislice.py --write

computes the cells of six crystals with abTEM (GPL-3, imported here alone; Madsen and Susi, Open
Research Europe 1, 24 (2021)), and with ``--write`` keeps them in ``benchmarks/multislice.npz``, a
few kB. `benchmarks/atoms.py` tiles, turns and doses these cells, and needs no abTEM for it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from metrics import markdown_table
from scipy.ndimage import gaussian_filter, map_coordinates

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import AtomImage, Atoms
from napari_lattice_symmetry.atoms.refine import refine
from napari_lattice_symmetry.atoms.simulation.materials import material
from napari_lattice_symmetry.atoms.simulation.pictures import FAINTEST
from napari_lattice_symmetry.atoms.simulation.sheet import BULK, visible_spacing
from napari_lattice_symmetry.crystals import prototype
from napari_lattice_symmetry.lattice.basis import rotation

if TYPE_CHECKING:
    from ase import Atoms as Structure
    from numpy.typing import NDArray

    Float = NDArray[np.float64]

FILE = Path(__file__).with_suffix(".npz")
CRYSTALS = ("graphene", "hBN", "MoS2", "SrTiO3 [001]", "Si [110]", "Au [001]")
LIGHTER = {"hBN": ("B", "N"), "MoS2": ("S", "Mo"), "SrTiO3 [001]": ("Ti", "Sr")}
ENERGY, CONVERGENCE, DETECTOR = 100e3, 28.0, (80.0, 170.0)  # eV, mrad
SAMPLING, SLICE, WIDTH = 0.07, 1.5, 12.0  # angstrom
SOURCE = 0.35  # angstrom, standard deviation of the blur by the source
HEAT, HEATED = 0.07, 2  # angstrom, and how many displaced crystals are averaged
SPACING, SIZE, BACKGROUND, RADIUS = 16.0, 288, 0.2, 0.35
COUNTS = (100, 10)
NEAR = 0.1  # angstrom


@dataclass(frozen=True)
class Cell:
    """What multislice gives of a rectangular cell, with its columns."""

    name: str
    image: Float
    sides: Float  # along x and y in angstrom
    columns: Float  # x and y in angstrom
    label: NDArray[np.str_]

    @property
    def translations(self) -> Float:
        """Shifts that lay every column on one of its kind, (n, 2) in angstrom; the first is 0."""
        kept = []
        for shift in self.columns - self.columns[0]:
            apart = self.columns[:, np.newaxis] + shift - self.columns
            apart -= np.rint(apart / self.sides) * self.sides
            distance = np.hypot(apart[..., 0], apart[..., 1])
            onto = distance.argmin(axis=1)
            if distance.min(axis=1).max() < NEAR and (self.label[onto] == self.label).all():
                kept.append(shift)
        return np.array(kept)

    @property
    def alike(self) -> Float:
        """The image with the columns alike that a translation lays on each other.

        Heat moved each of them by another way, and the mean of a few moved crystals still has it.
        """
        h, k = (np.fft.fftfreq(n, 1 / n) for n in self.image.shape)
        turns = np.tensordot(self.translations / self.sides, np.meshgrid(k, h), axes=1)
        spectrum = np.fft.fft2(self.image) * np.exp(2j * np.pi * turns).mean(axis=0)
        return np.asarray(np.fft.ifft2(spectrum).real)


def structure(name: str) -> Structure:
    """Build a rectangular cell of a crystal, its axis along z, as thick as the generator has it."""
    from ase.build import bulk, graphene, mx2
    from ase.lattice.cubic import Diamond

    layers = {
        "graphene": lambda: graphene(vacuum=3),
        "hBN": lambda: graphene("BN", a=2.504, vacuum=3),
        "MoS2": lambda: mx2("MoS2", "2H", 3.18, 3.13, vacuum=3),
    }
    if name in layers:
        from abtem import orthogonalize_cell

        return orthogonalize_cell(layers[name]())
    cells = {
        "SrTiO3 [001]": lambda: prototype("SrTiO3").conventional.atoms,
        "Si [110]": lambda: Diamond("Si", directions=[[0, 0, 1], [1, -1, 0], [1, 1, 0]]),
        "Au [001]": lambda: bulk("Au", cubic=True),
    }
    cell = cells[name]()
    return cell * (1, 1, round(10 * BULK / cell.cell.lengths()[2]))


def compute(name: str) -> Cell:
    """Scan a probe over a cell."""
    import abtem

    cell = structure(name)
    width, height, _ = cell.cell.lengths()
    big = cell * (int(np.ceil(WIDTH / width)), int(np.ceil(WIDTH / height)), 1)
    potential = abtem.Potential(
        abtem.FrozenPhonons(big, HEATED, HEAT, seed=1), sampling=SAMPLING, slice_thickness=SLICE
    )
    probe = abtem.Probe(energy=ENERGY, semiangle_cutoff=CONVERGENCE)
    probe.grid.match(potential)
    scan = abtem.GridScan((0, 0), (width, height), sampling=probe.aperture.nyquist_sampling)
    detector = abtem.AnnularDetector(*DETECTOR)
    image = np.asarray(probe.scan(potential, scan=scan, detectors=detector).compute().array)
    image = image.reshape(-1, *image.shape[-2:]).mean(axis=0).T  # x was first
    places, label = _columns(cell)
    return Cell(name, image / image.max(), np.array([width, height]), places, label)


def _columns(cell: Structure) -> tuple[Float, NDArray[np.str_]]:
    """List columns with the heaviest element in each."""
    sides = cell.cell.lengths()[:2]
    places = np.round(cell.positions[:, :2] % sides, 2) % np.round(sides, 2)
    unique, which = np.unique(places, axis=0, return_inverse=True)
    heaviest = [
        cell.symbols[max(np.flatnonzero(which.ravel() == i), key=lambda k: cell.numbers[k])]
        for i in range(len(unique))
    ]
    return unique, np.array(heaviest)


def stored() -> list[Cell]:
    """Read the cells that are kept."""
    with np.load(FILE) as kept:
        return [
            Cell(name, *(kept[f"{name}/{part}"] for part in ("image", "sides", "columns", "label")))
            for name in CRYSTALS
        ]


def keep(cells: list[Cell]) -> None:
    """Write the cells."""
    parts: dict[str, Any] = {}
    for cell in cells:
        parts |= {
            f"{cell.name}/image": cell.image.astype(np.float16),
            f"{cell.name}/sides": cell.sides,
            f"{cell.name}/columns": cell.columns,
            f"{cell.name}/label": cell.label,
        }
    np.savez_compressed(FILE, **parts)


def tiled(cell: Cell, angle: float, seed: int) -> tuple[Float, Atoms, Atoms]:
    """Draw the crystal, its brightest column 1, with columns that can be seen and others."""
    seen, _ = material(cell.name)
    scale = SPACING / (10 * visible_spacing(seen, FAINTEST))  # px an angstrom
    origin = np.random.default_rng(seed).uniform(0, 20, 2)
    pixel = cell.sides / cell.image.shape[::-1]
    sharp = np.asarray(cell.image, dtype=np.float64)
    blurred = gaussian_filter(sharp, SOURCE / pixel[::-1], mode="wrap")
    y, x = np.mgrid[:SIZE, :SIZE]
    turn = rotation(angle)  # x and y of the cell in rows
    places = (np.stack([x, y], axis=-1) - origin) @ turn.T / scale
    image = map_coordinates(
        blurred, (places / pixel)[..., ::-1].transpose(2, 0, 1), order=3, mode="grid-wrap"
    )
    reach = int(np.ceil(1.5 * SIZE / (scale * cell.sides.min()))) + 1
    cells = np.array([(i, j) for i in range(-reach, reach) for j in range(-reach, reach)])
    columns = (cells[:, None] * cell.sides + cell.columns).reshape(-1, 2) @ turn * scale + origin
    label = np.tile(cell.label, len(cells))
    inside = ((columns >= 0) & (columns <= SIZE - 1)).all(axis=1)
    seen = inside & (label != "O")
    image = (image - image.min()) / np.ptp(image)
    told, others = (Atoms.at(columns[k, 1], columns[k, 0], label=label[k]) for k in (seen, ~seen))
    return image, told, others


def _heights(image: Float, atoms: Atoms, name: str) -> tuple[float, float]:
    """Give how bright lighter columns are, the heavier 1, and how wide columns, in spacings."""
    fitted = refine(image, atoms.y, atoms.x, SPACING)
    inner = ((atoms.positions > 24) & (atoms.positions < SIZE - 25)).all(axis=1)
    light, heavy = LIGHTER.get(name, (atoms.label[0],) * 2)
    median = [
        float(np.nanmedian(fitted.intensity[inner & (atoms.label == k)])) for k in (light, heavy)
    ]
    return median[0] / median[1], float(np.nanmedian(fitted.sigma[inner])) / SPACING


def table() -> str:
    """Lay out contrast of columns and F1 in pictures by multislice, beside the fast generator."""
    rows = []
    for seed, cell in enumerate(stored()):
        angle = float(np.random.default_rng(100 + seed).uniform(0, 360))
        image, atoms, faint = tiled(cell, angle, seed)
        ratio, width = _heights(1e5 * (image + BACKGROUND), atoms, cell.name)
        settings: dict[str, Any] = {
            "material": cell.name,
            "spacing": SPACING,
            "size": SIZE,
            "orientation": angle,
            "background": BACKGROUND,
            "probe": float(np.clip(width, 0.08, 0.45)),
            "displacement": 0.0,
            "seed": seed,
        }
        sharp = AtomImage(counts=1e5, **settings).draw()
        told = _heights(sharp.image, sharp.atoms, cell.name)[0]
        scores = []
        for counts in COUNTS:
            noisy = np.random.default_rng(seed).poisson(counts * (image + BACKGROUND))
            fast = AtomImage(counts=counts, **settings).draw()
            for frame, true, ignored in (
                (noisy.astype(np.float64), atoms, faint),
                (fast.image, fast.atoms, fast.faint),
            ):
                found = nls.atoms.find_atoms(frame, spacing=SPACING)
                scores.append(nls.atoms.score(found, true, RADIUS * SPACING, ignore=ignored).f1)
        pair = LIGHTER.get(cell.name)
        contrast = (f"{' / '.join(pair)} {ratio:.2f}", f"{told:.2f}") if pair else ("", "")
        rows.append([cell.name, *contrast, f"{width:.2f}", *(f"{value:.3f}" for value in scores)])
    header = ["crystal", "contrast", "fast", "width"]
    header += [f"{kind} at {counts}" for counts in COUNTS for kind in ("F1", "fast")]
    return markdown_table(header, rows)


def main() -> None:
    """Compute, print how big the cells are, and keep them if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    cells = []
    for name in CRYSTALS:
        cells.append(compute(name))
        print(name, cells[-1].image.shape, *cells[-1].label, flush=True)
    if arguments.write:
        keep(cells)


if __name__ == "__main__":
    main()
