"""Accuracy, honesty and speed of the classical lattice fit, which needs no network.

    python benchmarks/lattice_fit.py --write

prints the tables; with ``--write`` they also go to ``docs/lattice-parameters.md``. Real images
are measured too where LATTICE_SYMMETRY_DATA names their folder.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from metrics import markdown_table
from tqdm import tqdm

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.bravais.training_images import TRACKS, draw_windows
from napari_lattice_symmetry.lattice import CLASSES, LABELS
from napari_lattice_symmetry.lattice.basis import (
    CellRanges,
    cell,
    lattice_parameters,
    lattice_points,
    random_basis,
    rotation,
)
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms
from napari_lattice_symmetry.lattice.metric import metric_class
from napari_lattice_symmetry.spectrum import Flag, LatticeFits, WindowGrid
from napari_lattice_symmetry.spectrum.fitting import TOLERANCE
from napari_lattice_symmetry.spectrum.lattice_fit import SYMMETRIES
from napari_lattice_symmetry.spectrum.period import dominant_period

if TYPE_CHECKING:
    from numpy.typing import NDArray

DOCS = Path(__file__).parents[1] / "docs"
SEED = 2026
SIZE = 128
PERIODS = (6, 8, 10, 15, 20)
COUNTS = (4, 10, 30, 100)
TOLERANCES = (0.01, 0.02, 0.04, 0.06)
SHOWN_TRACKS = ("paper", "instrument", "field")
ANGLES = (5, 10, 15, 20, 30)
DIMMER = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)

# File, what it shows, and the crystal's lattice where the scan has distorted it.
IMAGES: tuple[tuple[str, str, str | None], ...] = (
    ("images/STO_001_haadf_nsid.hf5", "SrTiO3 [001] HAADF", None),
    ("images/Si_110_haadf_5nm.png", "Si [110] HAADF", None),
    ("images/LLTO_90deg_domains.jpg", "(Li,La)TiO3 HAADF, 1 x 2 domains", None),
    ("images/Fe_bcc100_grainboundary.npy", "bcc Fe [100], two grains", None),
    ("simulated/ai4stem_HCP_Ti_0001.npy", "Ti [0001], multislice", None),
    ("simulated/ai4stem_FCC_Cu_110.npy", "Cu [110], multislice", None),
    ("simulated/ai4stem_BCC_Fe_110.npy", "Fe [110], multislice", None),
    ("images/MoS2_stem_Exp-001-5.npy", "MoS2 HAADF", "hexagonal"),
    ("images/stm_graphite_vasudevan2018_MOESM4.tif", "graphite STM", "hexagonal"),
    ("images/Pt_single_atoms_on_amorphous_C.tif", "Pt on amorphous carbon", None),
)


def draw(
    basis: NDArray[np.float64],
    rng: np.random.Generator,
    counts: float,
    within: Callable[[NDArray[np.float64]], NDArray[np.bool_]] | None = None,
    disorder: float | None = None,
) -> NDArray[np.float64]:
    """Draw a window of a known basis: 1 to 3 atoms a cell, disorder, vacancies, background."""
    spacing = float(np.hypot(*basis[0]))
    extra = int(rng.integers(0, 3))
    sites = np.concatenate([np.zeros((1, 2)), rng.uniform(size=(extra, 2))]) @ basis
    weights = np.concatenate([[1.0], rng.uniform(0.15, 1, extra)])
    points = lattice_points(basis, (SIZE, SIZE), tuple(rng.uniform(0, SIZE, 2)), 4 * spacing)
    atoms = (points[:, np.newaxis] + sites).reshape(-1, 2)
    drawn = rng.uniform(0, 0.06)
    share = drawn if disorder is None else disorder
    atoms += share * spacing * rng.standard_normal(atoms.shape)
    present = rng.uniform(size=len(atoms)) >= rng.uniform(0, 0.12)
    if within is not None:
        present &= within(atoms)
    brightness = np.tile(weights, len(points))[present]
    sigma = rng.uniform(0.13, 0.25) * spacing
    image = draw_atoms(atoms[present], brightness, sigma, (SIZE, SIZE))
    return count_electrons(image + rng.uniform(0, 0.5), counts, rng)


def accuracy_rows(n: int) -> tuple[list[list[str]], list[list[str]]]:
    """Measure median errors for periods and counts, and how honest the standard errors are."""
    rng = np.random.default_rng(SEED)
    errors, honesty = [], []
    for periods in tqdm(PERIODS, desc="accuracy", leave=False):
        row, normalized = [str(periods)], []
        ranges = CellRanges(spacing=(SIZE / periods, SIZE / periods), margin=0.05)
        for counts in COUNTS:
            bases = [random_basis(CLASSES[i % 5], rng, ranges) for i in range(n)]
            fits = nls.fit_lattices(np.array([draw(basis, rng, counts) for basis in bases]))
            true = np.array([lattice_parameters(basis) for basis in bases])
            error = np.stack([fits.a, fits.b, fits.gamma], axis=1) - true
            a, b, _ = np.nanmedian(np.abs(error / true), axis=0)
            gamma = np.nanmedian(np.abs(error[:, 2]))
            row.append(f"{a:.2%} / {b:.2%} / {gamma:.2f}° ({fits.resolved.mean():.0%})")
            expected = np.stack([fits.a_error, fits.b_error, fits.gamma_error], axis=1)
            normalized.append((error / expected)[fits.resolved])
        errors.append(row)
        quantiles = np.quantile(np.abs(np.concatenate(normalized)), [0.683, 0.954], axis=0)
        honesty.append([str(periods), *(f"{one:.2f} / {two:.2f}" for one, two in quantiles.T)])
    return errors, honesty


def coverage_rows(n: int) -> list[list[str]]:
    """Measure how often one standard error holds the truth, by disorder and counts."""
    rows = []
    for periods in tqdm((6, 8, 12, 20), desc="coverage", leave=False):
        ranges = CellRanges(spacing=(SIZE / periods, SIZE / periods), margin=0.05)
        for disorder in (0.0, 0.03, 0.1):
            row = [str(periods), f"{disorder:.0%}"]
            for counts in (5, 30, 200):
                rng = np.random.default_rng((SEED, 4))
                bases = [random_basis("oblique", rng, ranges) for _ in range(n)]
                windows = [draw(basis, rng, counts, disorder=disorder) for basis in bases]
                fits = nls.fit_lattices(np.array(windows))
                true = np.array([lattice_parameters(basis) for basis in bases])
                error = np.abs(np.stack([fits.a, fits.b, fits.gamma], axis=1) - true)
                sigma = np.stack([fits.a_error, fits.b_error, fits.gamma_error], axis=1)
                # A lattice that was taken for another one is no error of the fit.
                found = fits.resolved & (error < 0.05 * true).all(axis=1)
                row.append(f"{(error < sigma)[found].mean():.0%} ({found.mean():.0%})")
            rows.append(row)
    return rows


def folding_rows(n: int) -> list[list[str]]:
    """Measure what it does to exact squares and hexagons that a is the shorter one."""
    rows = []
    for name, gamma in (("square", 90), ("hexagonal", 60)):
        for periods in (6, 12, 20):
            side = SIZE / periods
            rng = np.random.default_rng((SEED, 5))
            turned = [
                cell(side, side, gamma) @ rotation(float(rng.uniform(0, 90))) for _ in range(n)
            ]
            fits = nls.fit_lattices(np.array([draw(basis, rng, 10) for basis in turned]))
            near = fits.resolved & (np.abs(fits.a / side - 1) < 0.05)
            a, b = fits.a[near] / side - 1, fits.b[near] / side - 1
            errors = fits.a_error[near] / side, fits.b_error[near] / side
            cells = (
                *(f"{each.mean():+.2%}" for each in (a, b)),
                *(f"{np.median(each):.2%}" for each in errors),
            )
            both = f"{(np.sqrt((1 + a) * (1 + b)) - 1).mean():+.2%}"
            rows.append(
                [name, str(periods), *cells, both, f"{fits.gamma[near].mean() - gamma:+.2f}°"]
            )
    return rows


def named(fits: LatticeFits, tolerance: float) -> NDArray[np.uint8]:
    """Label values of the metrics at another tolerance; 0 where not resolved."""
    labels = np.zeros(len(fits.label), dtype=np.uint8)
    for i in np.flatnonzero(fits.resolved):
        distances = dict(zip(SYMMETRIES, fits.distances[i] / 100, strict=True))
        labels[i] = LABELS[metric_class(distances, tolerance)]
    return labels


def track_rows(n: int) -> tuple[list[list[str]], list[list[str]]]:
    """Measure on the tracks: what is resolved and rightly named, by class and by tolerance."""
    by_class, by_tolerance = [], []
    for name in tqdm(SHOWN_TRACKS, desc="tracks", leave=False):
        windows, labels = draw_windows(n, TRACKS[name], (SEED, 1))
        fits = nls.fit_lattices(windows)
        right = fits.label == labels
        lattice = labels != LABELS["noise"]
        groups = [labels == LABELS[shown] for shown in CLASSES[:5]]
        cells = [f"{fits.resolved[of].mean():.1%} / {right[of].mean():.1%}" for of in groups]
        by_class.append([name, *cells, f"{fits.resolved[~lattice].mean():.1%}"])
        rights = [(named(fits, one) == labels)[lattice].mean() for one in TOLERANCES]
        by_tolerance.append([name, *(f"{share:.1%}" for share in rights)])
    return by_class, by_tolerance


def boundary_rows(n: int) -> list[list[str]]:
    """Measure how often two grains in a window are flagged, by the angle between them."""
    rows = []
    for name, gamma in (("square", 90), ("hexagonal", 60)):
        row = [name]
        for angle in ANGLES:
            windows = []
            for i in range(n):
                # One seed for both grains: the same crystal, turned.
                one, other = (np.random.default_rng((SEED, 2, i)) for _ in range(2))
                basis = cell(10, 10, gamma) @ rotation(7.3 * i)
                left = draw(basis, one, 30, lambda atoms: atoms[:, 0] < SIZE / 2)
                turned = basis @ rotation(angle)
                right = draw(turned, other, 30, lambda atoms: atoms[:, 0] >= SIZE / 2)
                windows.append(left + right)
            flags = nls.fit_lattices(np.array(windows)).flags
            row.append(f"{((flags & Flag.TWO_LATTICES) > 0).mean():.0%}")
        rows.append(row)
    return rows


def superlattice_rows(n: int) -> list[list[str]]:
    """Measure how often both cells are told where every other row of atoms is dimmer."""
    rows = []
    for counts in (5, 30, 200):
        row = [str(counts)]
        for dimmer in DIMMER:
            windows = []
            for i in range(n):
                rng = np.random.default_rng((SEED, 6, i))
                basis = np.diag([24, 12]) @ rotation(float(rng.uniform(0, 90)))
                points = lattice_points(basis, (SIZE, SIZE), tuple(rng.uniform(0, SIZE, 2)), 48)
                atoms = np.concatenate([points, points + basis[0] / 2])
                atoms += 0.24 * rng.standard_normal(atoms.shape)
                brightness = np.repeat([1, 1 - dimmer], len(points))
                image = draw_atoms(atoms, brightness, 2.16, (SIZE, SIZE))
                windows.append(count_electrons(image + 0.1, counts, rng))
            flags = nls.fit_lattices(np.array(windows)).flags
            row.append(f"{((flags & Flag.SUPERLATTICE) > 0).mean():.0%}")
        rows.append(row)
    return rows


def image_row(data: Path, file: str, shows: str, known: str | None) -> list[str]:
    """Fit a real image in windows of ten periods; gives a row of the table."""
    frame = nls.read_movie(data / file).frame(0)
    period = dominant_period(frame)
    side = min(frame.shape)
    window = SIZE if period is None else int(np.clip(round(10 * period), 64, side))
    grid = WindowGrid(frame.shape, window, max(1, window // 6))
    windows = grid.windows(frame)
    fits = nls.fit_lattices(windows)
    row = [shows, str(window), f"{fits.resolved.mean():.0%}"]
    if not fits.resolved.any():
        return [*row, "", "", "", "", ""]
    row += [
        f"{np.nanmedian(fits.a):.2f} ± {np.nanmedian(fits.a_error):.2f}",
        f"{np.nanmedian(fits.b / fits.a):.3f}",
        f"{np.nanmedian(fits.gamma):.1f} ± {np.nanmedian(fits.gamma_error):.1f}",
        CLASSES[int(np.bincount(fits.label.ravel(), minlength=7)[1:].argmax())],
    ]
    if known is None:
        return [*row, ""]
    distortion = nls.solve_distortion(nls.fit_lattice(frame[:side, :side]).basis, known)
    true = nls.fit_lattices(windows, distortion=distortion)
    ratio, gamma = np.nanmedian(true.b / true.a), np.nanmedian(true.gamma)
    share = (true.label == LABELS[known]).mean()
    return [*row, f"{ratio:.3f}, {gamma:.1f}°: {known} in {share:.0%}"]


def speed() -> float:
    """Windows of 128 px fitted in a second of one core's time."""
    windows, _ = draw_windows(192, TRACKS["instrument"], (SEED, 3))
    nls.fit_lattices(windows[:32])
    start = time.process_time()
    nls.fit_lattices(windows)
    return len(windows) / (time.process_time() - start)


def report(n: int, data: Path | None) -> str:
    """Measure everything; gives the page."""
    errors, honesty = accuracy_rows(n)
    by_class, by_tolerance = track_rows(12 * n)
    flagged = boundary_rows(n)

    def at(angle: int) -> str:
        """Say how often two grains are flagged that are turned by this angle."""
        return " and ".join(row[1 + ANGLES.index(angle)] for row in flagged)

    dimmer = (f"{share:.0%} dimmer" for share in DIMMER)
    folded = ["a", "b", "error of a", "error of b", "sqrt(a b)", "gamma"]
    text = f"""# Lattice parameters without a network

Made by `python benchmarks/lattice_fit.py --write`.

`fit_lattice(window)` reads the lattice off the peaks of a window's spectrum. It shares nothing
with the networks but the spectrum, so that the two check each other.

1. **Peaks.** Local maxima of the FFT amplitude under a Hann window, over a noise floor that is
   read off low quantiles of rings of one frequency and of columns, where noise from scan row to
   scan row gathers. Where they lie between the bins, the phase of the whole window tells: a wave
   that is off by d turns by 2 pi d x across it, which its first moments show. They are taken under
   weights that fall off as a cosine, with what the other peaks leak taken off. In white noise this
   comes within 1.4 times of the bound of Cramér and Rao, where a maximum among the bins of a Hann
   window, which sees little of the edges, has 2.5 times.
2. **Choice.** Every pair of the eight clearest peaks spans a candidate, with the lattices up to
   four times as dense that contain it, since first orders may be weaker than their harmonics.
   A peak on a candidate counts by the logarithm of how unlikely that is by chance, which is less
   the denser the candidate: the sparsest lattice that explains the peaks wins. A few extra
   reflections do not make it denser, and a pair such as {{110}} and {{100}} no oblique cell.
3. **Fit.** Weighted least squares of all peaks on the lattice, then reduction (a <= b, gamma of
   60 to 90 degrees). Standard errors hold the noise, what the peaks scatter beyond it (by the
   estimator of Paule and Mandel, J. Res. Natl. Bur. Stand. 87, 377, 1982, to which clear peaks
   say most), and the strain that disordered atoms feign, which the diffuse intensity around the
   spots tells.
4. **Symmetry.** The highest one within a tolerance ({TOLERANCE:.0%} unless told otherwise; the
   measure is the greatest departure of log(b / a) and cos(gamma)), and the distance to the next.
5. **No answer** is one: no spots, spots on one line (fringes), no common lattice, fewer than 5
   periods, fewer than 3 pixels a period. Flags without refusal: more than 25 periods; a second
   lattice, which explains clear spots that the first does not (a grain boundary); a superlattice.
6. **Both cells** of a superlattice. A denser cell makes all strong spots less surprising, which one
   or two weak ones do not outweigh, so that the small cell may be chosen. Where weak spots lie
   halfway or at thirds between those of the chosen cell, or the chosen cell needs spots that hold
   little of the power, the flag `SUPERLATTICE` says so, `other_basis` is the other cell, and
   `remarks` describes it, as does the inspector. The map of superlattices shows where. (Li,La)TiO3
   and DyScO3 have a sublattice that is square, perovskite along [110] one of 29 x 42 px.

A distortion (drift, skewed scan, pixels that are not square) is a matrix that `solve_distortion`
finds from a region whose lattice is known. A turn of the image cannot be told from it, so it is
the symmetric matrix; areas are kept unless a and b are given. Fits and spectra take it as
`distortion` and answer for the undistorted crystal. `measure_distortion` finds it for a frame or
a region: each window gives one, whatever grain it lies on, and those that agree are averaged.

`dominant_period` fits windows all over a frame, from small ones to large; the first size at which
most of them are resolved, hold 6 periods and agree decides, or the one at which most do. Where
none does, the shortest shift that repeats the image counts, if the image repeats in two
directions and at farther lattice points, too. Fringes, mains hum with its harmonic (two spots of no
symmetry), liquids and quasicrystals have no period. The window that is suggested holds 10 periods,
and is 64 px at least where that is no more than 25 of them. `analyze` warns of a window that holds
fewer than 5 periods or more than 25.

Known limits: a superlattice is missed where its spots are under some 6 times the noise; two grains
pass for one where they are turned by little or one of them has less than a third of the window, and
at times where they are turned by much: of windows that are half one grain and half another,
{at(10)} are flagged at 10 degrees, {at(20)} at 20 and {at(30)} at 30
(square and hexagonal); a scan that warps within the window blurs the spots of high order.

## Accuracy

Median error of a / b / gamma (share of windows resolved). {SIZE} px windows, {n} each: all five
lattice classes, any rotation, 1 to 3 atoms a cell, disorder up to 6 %, vacancies up to 12 %,
background.

{markdown_table(["periods", *(f"{counts} counts a pixel" for counts in COUNTS)], errors)}
How honest the standard errors are: the error in units of its standard error that 68.3 % and
95.4 % of the windows above keep below; ideal are 1 and 2.

{markdown_table(["periods", "a", "b", "gamma"], honesty)}
How often one standard error holds the truth of a, b and gamma (and in how many windows the lattice
was found), by disorder and counts a pixel; 68 % is ideal. Oblique lattices, {n} windows a cell.

{markdown_table(["periods", "disorder", "5", "30", "200"], coverage_rows(n))}
Of an exact square or hexagon a is low and b is high, since the shorter vector is called a, and
gamma is drawn towards the inside of its range: by half a standard error, as the smaller of two
numbers is. sqrt(a b) has less of it. Mean departures, and the median standard errors of a and b, at
10 counts a pixel:

{markdown_table(["lattice", "periods", *folded], folding_rows(n))}
## What is resolved and what is named right

Share of windows resolved / resolved and named right at a tolerance of {TOLERANCE:.0%}, and share
of noise windows in which a lattice is seen; {12 * n} windows a track.

{markdown_table(["track", *CLASSES[:5], "noise"], by_class)}
Share of lattice windows that are named right, by the tolerance. On the paper track cells lie
arbitrarily near to higher symmetries.

{markdown_table(["track", *(f"{one:.0%}" for one in TOLERANCES)], by_tolerance)}
## Two grains in a window

Share of windows flagged, half one grain and half another, a = 10 px, by the angle between them.
First spots lie 12.8 bins out; 10 degrees are two bins there, half the width that a Hann window
gives a spot.

{markdown_table(["lattice", *(f"{angle}°" for angle in ANGLES)], flagged)}
## Two cells in a window

Share of windows in which both cells of a superlattice are told, by how much dimmer every other row
of a square lattice of 12 px is, and by counts a pixel; disorder of 2 %.

{markdown_table(["counts", *dimmer], superlattice_rows(n // 3))}
## Speed

{speed():.0f} windows of 128 px in a second of one core.
"""
    if data is not None:
        header = ["image", "window (px)", "resolved", "a (px)", "b / a", "gamma (°)", "class"]
        rows = [image_row(data, *image) for image in tqdm(IMAGES, desc="images", leave=False)]
        text += f"""
## Real images

Medians over windows of 10 periods. Errors are standard errors of one window. For the two scans
of hexagonal crystals, the last column is after correction with the whole image marked as
hexagonal.

{markdown_table([*header, "b / a, gamma after correction"], rows)}"""
    return text


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=90, help="windows for one table cell")
    parser.add_argument("--write", action="store_true", help="write docs/lattice-parameters.md")
    options = parser.parse_args()
    folder = os.environ.get("LATTICE_SYMMETRY_DATA")
    text = report(options.windows, Path(folder) if folder else None)
    print(text)
    if options.write:
        (DOCS / "lattice-parameters.md").write_text(text)


if __name__ == "__main__":
    main()
