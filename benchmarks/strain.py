"""How right strain maps are: an edge dislocation, beside geometric phase analysis of its image.

    python benchmarks/strain.py --write

prints the tables; with ``--write`` they also go to ``docs/strain.md``, with their picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from metrics import markdown_table

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms
from napari_lattice_symmetry.results.plots import new_figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]

DOCS = Path(__file__).parents[1] / "docs"
SIDE, WINDOW, STRIDE, A = 400, 72, 16, 10.0
POISSON = 0.3
MASK = 0.012  # standard deviation of the mask of the phase analysis, in cycles a pixel
FAR = 9 * A  # from the core, whose windows show more than one strain
SEED = 70331
REPEATS = 3  # images of a dose, a direction and a sign
CIRCUITS = 4  # one inside the other, all farther than `FAR` from the core
NAMES = ("exx (%)", "eyy (%)", "exy (%)", "rotation (°)")
COUNTS = (np.inf, 100.0, 30.0, 10.0)
TURNS = (0.0, 17.0)
CENTERS = np.arange((SIDE - WINDOW) // STRIDE + 1) * STRIDE + (WINDOW - 1) / 2


def displacement(place: Float, burgers: float) -> Float:
    """Displace places (..., 2) from the core of an edge dislocation, Burgers vector along x.

    J. P. Hirth and J. Lothe, Theory of Dislocations, chapter 3.
    """
    x, y = np.moveaxis(place, -1, 0)
    square = x**2 + y**2
    along = np.arctan2(y, x) + x * y / (2 * (1 - POISSON) * square)
    across = (1 - 2 * POISSON) / (4 * (1 - POISSON)) * np.log(square) + (x**2 - y**2) / (
        4 * (1 - POISSON) * square
    )
    return burgers / (2 * np.pi) * np.stack([along, -across], axis=-1)


@dataclass(frozen=True, eq=False)
class Dislocation:
    """An edge dislocation of a square crystal that is turned by an angle.

    Parameters
    ----------
    burgers : float
        Its Burgers vector along a, in pixels.
    turn : float
        Direction of a in degrees, from x towards y.
    """

    burgers: float
    turn: float
    middle = np.array([SIDE / 2 + 2.3, SIDE / 2 + 3.1])

    @property
    def basis(self) -> Float:
        """Vectors (x, y) in rows far from the core."""
        return cell(A, A, 90) @ rotation(self.turn)

    def draw(self, counts: float, rng: np.random.Generator) -> Float:
        """Draw the image."""
        upright = cell(A, A, 90)
        points = lattice_points(upright, (2 * SIDE, 2 * SIDE), (SIDE + A / 2, SIDE + A / 2), 40)
        points = points - SIDE
        atoms = (points + displacement(points, self.burgers)) @ rotation(self.turn) + self.middle
        image = draw_atoms(atoms, np.ones(len(atoms)), 2.0, (SIDE, SIDE)) + 0.1
        return image if np.isinf(counts) else count_electrons(image, counts, rng)

    def change(self) -> Float:
        """Give the exact gradient (gy, gx, 2, 2) of the displacement, by places of the crystal."""
        turn = rotation(self.turn)
        x, y = np.meshgrid(CENTERS - self.middle[0], CENTERS - self.middle[1])
        place = np.stack([x, y], axis=-1) @ turn.T  # in axes of the crystal
        step = 1e-3
        by = [
            (displacement(place + each, self.burgers) - displacement(place - each, self.burgers))
            / (2 * step)
            for each in step * np.eye(2)
        ]
        found = np.stack(by, axis=-1)
        found[np.abs(found).max(axis=(-2, -1)) > 1] = np.nan  # the branch cut of the angle
        return np.asarray(turn.T @ found @ turn)

    @property
    def far(self) -> NDArray[np.bool_]:
        """Windows that are far from the core, and from the edge, at which masks meet."""
        x, y = np.meshgrid(CENTERS - self.middle[0], CENTERS - self.middle[1])
        far = np.asarray(np.hypot(x, y) > FAR)
        far[[0, -1]] = far[:, [0, -1]] = False
        return far


def of_phases(image: Float, basis: Float) -> Float:
    """Give the gradient of the displacement, by places in the image, at the windows' centers.

    Geometric phase analysis: M. J. Hytch, E. Snoeck and R. Kilaas, Ultramicroscopy 74, 131 (1998).
    """
    frequency = np.fft.fftfreq(SIDE)
    ky, kx = np.meshgrid(frequency, frequency, indexing="ij")
    spectrum = np.fft.fft2(image - image.mean())
    y, x = np.mgrid[:SIDE, :SIDE]
    reciprocal = np.linalg.inv(basis).T
    slopes = []
    for gx, gy in reciprocal:
        mask = np.exp(-((kx - gx) ** 2 + (ky - gy) ** 2) / (2 * MASK**2))
        wave = np.fft.ifft2(spectrum * mask) * np.exp(-2j * np.pi * (gx * x + gy * y))
        by_y, by_x = (np.angle(np.roll(wave, -1, k) / np.roll(wave, 1, k)) / 2 for k in range(2))
        slopes.append(-np.stack([by_x, by_y], axis=-1) / (2 * np.pi))
    change = np.linalg.inv(reciprocal) @ np.stack(slopes, axis=-2)
    at = np.rint(CENTERS).astype(int)
    return np.asarray(change[np.ix_(at, at)])


def of_fits(image: Float, basis: Float) -> tuple[Float, Float]:
    """Give the same of the lattice fit, and the standard errors (4, gy, gx) that it states."""
    grid = nls.WindowGrid((SIDE, SIDE), WINDOW, STRIDE)
    maps = nls.cells.fitted_strain(nls.fit_lattices(grid.windows(image)), basis)
    strain = np.stack([maps.exx, maps.exy, maps.exy, maps.eyy], axis=-1) / 100
    stretch = np.eye(2) + strain.reshape(*maps.exx.shape, 2, 2)
    turns = np.array([rotation(each).T for each in maps.rotation.ravel()])
    seen = stretch @ turns.reshape(stretch.shape)
    assert maps.errors is not None
    return np.eye(2) - np.linalg.inv(seen), maps.errors


def components(change: Float) -> Float:
    """Give strains in percent and the rotation in degrees (4, gy, gx) of gradients in the image."""
    gradient = np.linalg.inv(np.eye(2) - change)
    turn = np.arctan2(
        gradient[..., 1, 0] - gradient[..., 0, 1], gradient[..., 0, 0] + gradient[..., 1, 1]
    )
    c, s = np.cos(turn), np.sin(turn)
    back = np.stack([np.stack([c, s], -1), np.stack([-s, c], -1)], -2)
    stretch = gradient @ back
    return np.stack(
        [
            100 * (stretch[..., 0, 0] - 1),
            100 * (stretch[..., 1, 1] - 1),
            50 * (stretch[..., 0, 1] + stretch[..., 1, 0]),
            np.rad2deg(turn),
        ]
    )


def circuit(change: Float) -> Float:
    """Sum the displacement (x, y) round the core, from x towards y: the mean of `CIRCUITS` ways."""

    def along(values: Float) -> Float:
        return np.asarray(STRIDE * (values[1:] + values[:-1]).sum(axis=0) / 2)

    ways = []
    for k in range(1, 1 + CIRCUITS):
        inner = change[k:-k, k:-k]
        right, down = along(inner[0, :, :, 0]), along(inner[:, -1, :, 1])
        ways.append(right + down - along(inner[-1, :, :, 0]) - along(inner[:, 0, :, 1]))
    return np.asarray(np.mean(ways, axis=0))


def scatter(values: Float) -> float:
    """Give the root mean square over what is finite."""
    return float(np.sqrt(np.nanmean(np.square(values))))


def told(counts: float) -> str:
    """Name a dose."""
    return "no noise" if np.isinf(counts) else f"{counts:g} counts"


def burgers_rows() -> Iterator[list[str]]:
    """Measure Burgers vectors of both signs, in two directions, in several images."""
    for counts in COUNTS:
        for turn in TURNS:
            off, right = [], 0
            for sign in (1, -1):
                rng = np.random.default_rng((SEED, int(min(counts, 1e6)), int(turn), sign + 1))
                drawn = Dislocation(sign * A, turn)
                true = np.array([sign * A, 0]) @ rotation(turn)
                for _ in range(1 if np.isinf(counts) else REPEATS):
                    image = drawn.draw(counts, rng)
                    change, _ = of_fits(image, drawn.basis)
                    found = circuit(change), circuit(of_phases(image, drawn.basis))
                    off.append([100 * np.linalg.norm(each - true) / A for each in found])
                    right += bool(found[0] @ true > 0)
            row = [told(counts), f"{turn:g}°", str(len(off)), str(right)]
            for each in np.transpose(off):
                row += [f"{scatter(each):.2f}%", f"{each.max():.2f}%", str((each <= 1).sum())]
            yield row


def field_rows() -> Iterator[list[str]]:
    """Measure how far both are from the field, and from each other."""
    for counts in COUNTS:
        drawn = Dislocation(A, TURNS[1])
        rng = np.random.default_rng((SEED, int(min(counts, 1e6)), 3))
        image = drawn.draw(counts, rng)
        change, errors = of_fits(image, drawn.basis)
        fitted, phases = components(change), components(of_phases(image, drawn.basis))
        gradient = np.eye(2) + drawn.change()
        true = components(np.eye(2) - np.linalg.inv(gradient))
        for k, name in enumerate(NAMES):
            at = drawn.far
            yield [
                told(counts),
                name,
                f"{scatter((fitted - true)[k][at]):.3f}",
                f"{np.nanmedian(errors[k][at]):.3f}",
                f"{scatter((phases - true)[k][at]):.3f}",
                f"{scatter((fitted - phases)[k][at]):.3f}",
            ]


def draw_maps(path: Path) -> None:
    """Draw the field, the fit and the phase analysis below each other."""
    drawn = Dislocation(A, 0.0)
    image = drawn.draw(30.0, np.random.default_rng(SEED))
    maps = {
        "analytic": components(np.eye(2) - np.linalg.inv(np.eye(2) + drawn.change())),
        "lattice fit": components(of_fits(image, drawn.basis)[0]),
        "phase analysis": components(of_phases(image, drawn.basis)),
    }
    figure = new_figure(9, 6.6)
    grid = figure.subplots(len(maps), len(NAMES), sharex=True, sharey=True)
    for row, (name, found) in zip(grid, maps.items(), strict=True):
        for axes, values, title in zip(row, found, NAMES, strict=True):
            limit = 2.0
            shown = axes.imshow(
                values,
                cmap="RdBu_r",
                vmin=-limit,
                vmax=limit,
                extent=(CENTERS[0], CENTERS[-1], CENTERS[-1], CENTERS[0]),
            )
            if name == "analytic":
                axes.set_title(title)
        row[0].set_ylabel(name)
        figure.colorbar(shown, ax=list(row))
    figure.savefig(path, dpi=110)


def report() -> str:
    """Measure everything; gives the page."""
    burgers = ["image", "a along", "images", "sign right", "fit off by", "at most", "within 1 %"]
    burgers += ["phases off by", "at most", "within 1 %"]
    field = [
        "image",
        "of",
        "fit from the field",
        "error that it states",
        "phases from the field",
        "fit from phases",
    ]
    return f"""# Strain, measured

Made by `python benchmarks/strain.py --write`; how strain is found is told in [cells](cells.md).
An edge dislocation (Hirth and Lothe, *Theory of Dislocations*, chapter 3; Poisson's ratio
{POISSON}) lies in the middle of a square crystal of {A:g} px, {SIDE} x {SIDE} px, drawn with
atoms at the places of its analytic field. Windows of {WINDOW} px, {STRIDE} px apart. Beside the
lattice fit stands geometric phase analysis (Hÿtch, Snoeck and Kilaas, Ultramicroscopy 74, 131,
1998) of the same image, written for this page: two spots, a Gaussian mask of {MASK} cycles/px.

## Burgers vector

The circuit round the core, the mean of {CIRCUITS} ways that lie {STRIDE} px inside each other;
half of the images have either sign. Off by: root mean square of the distance from the true
vector, as a share of its length of {A:g} px; at most: the greatest; within 1 %: in so many images.
Phases close round any circuit to a whole number of lattice vectors, so that noise hardly changes
theirs; each window of the fit errs by itself.

{markdown_table(burgers, list(burgers_rows()))}
## The field

Root mean square over windows farther than {FAR:g} px from the core, in the unit of the row;
crystal turned by {TURNS[1]:g}°. The error that the fit states is that by noise; the rest is
that the field is not even over a window.

{markdown_table(field, list(field_rows()))}
![Strain and rotation around an edge dislocation at 30 counts](images/strain-dislocation.png)
"""


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/strain.md")
    options = parser.parse_args()
    text = report()
    print(text)
    if options.write:
        (DOCS / "strain.md").write_text(text)
        draw_maps(DOCS / "images" / "strain-dislocation.png")


if __name__ == "__main__":
    main()
