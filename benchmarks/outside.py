"""What is said of images that are not quite lattices: by the network, by the fit, by the verdict.

    python benchmarks/outside.py --write

prints the tables; with ``--write`` they also go to ``docs/outside.md``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.ndimage
from accuracy import figures
from metrics import markdown_table
from tqdm import tqdm

from napari_lattice_symmetry.bravais.dataset import BENCHMARK
from napari_lattice_symmetry.bravais.parameters import suggest_window
from napari_lattice_symmetry.bravais.training_images import TRACKS, draw_windows
from napari_lattice_symmetry.bravais.verdict import Verdict, classify
from napari_lattice_symmetry.lattice import CLASSES, LABELS
from napari_lattice_symmetry.lattice.basis import (
    CellRanges,
    cell,
    lattice_points,
    random_basis,
    rotation,
)
from napari_lattice_symmetry.lattice.drawing import draw_atoms
from napari_lattice_symmetry.spectrum.lattice_fit import TOLERANCE

DOCS = Path(__file__).parents[1] / "docs"
SEED = 77
SIZE = 128
SURE = 0.9
TRACK_COLUMNS = ["track", "answer", "top-1", "top-2", "calibration error", "wrong above 90 %"]

Drawn = tuple[np.ndarray, tuple[str, ...]]
"""A window, and the answers that are right; one that is not sure never is wrong."""

NOISE = ("noise",)


def crystal(
    rng: np.random.Generator,
    basis: np.ndarray,
    *,
    size: int = SIZE,
    sites: np.ndarray | None = None,
    brightness: np.ndarray | None = None,
    width: float = 0.16,
    disorder: float = 0.02,
) -> np.ndarray:
    """Draw a crystal at a random place; `width` and `disorder` in shortest vectors."""
    sites = np.zeros((1, 2)) if sites is None else sites
    brightness = np.ones(len(sites)) if brightness is None else brightness
    spacing = min(np.linalg.norm(basis, axis=1))
    x, y = rng.uniform(0, size, 2)
    points = lattice_points(basis, (size, size), (x, y), 2 * float(np.abs(basis).sum()))
    atoms = (points[:, np.newaxis] + sites @ basis).reshape(-1, 2)
    atoms = atoms + disorder * spacing * rng.standard_normal(atoms.shape)
    return draw_atoms(atoms, np.tile(brightness, len(points)), width * spacing, (size, size))


def noisy(rng: np.random.Generator, image: np.ndarray, share: float = 0.3) -> np.ndarray:
    """Add white noise, as a share of the spread of the image."""
    return image + share * image.std() * rng.standard_normal(image.shape)


def any_basis(rng: np.random.Generator, spacing: tuple[float, float]) -> tuple[str, np.ndarray]:
    """Draw a class and a cell of it that is well off all others."""
    name = CLASSES[rng.integers(5)]
    ranges = CellRanges(spacing, rectangular_ratio=(1.1, 2.0), margin=0.1)
    return name, random_basis(name, rng, ranges)


def turned(rng: np.random.Generator, basis: np.ndarray) -> np.ndarray:
    """Turn a cell into any direction."""
    return np.asarray(basis @ rotation(rng.uniform(0, 360)))


def _along(rng: np.random.Generator, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:size, :size]
    turn = rng.uniform(0, np.pi)
    return x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)


def fringes(low: float, high: float) -> Callable[[np.random.Generator], Drawn]:
    """Return a kind: sharp fringes of periods in a range, in pixels."""

    def draw(rng: np.random.Generator) -> Drawn:
        along, _ = _along(rng)
        wave = np.exp(3 * np.cos(2 * np.pi * along / rng.uniform(low, high))) / 20
        return wave + 0.1 * rng.standard_normal(wave.shape), NOISE

    return draw


def sharp_lines(rng: np.random.Generator) -> Drawn:
    """Draw lines a pixel wide."""
    along, _ = _along(rng)
    period = rng.uniform(6, 24)
    apart = (along % period) - period / 2
    return noisy(rng, np.exp(-np.square(apart / rng.uniform(0.7, 1.2)) / 2)), NOISE


def mains_hum(rng: np.random.Generator) -> Drawn:
    """Draw rows under the mains at two frequencies, nearly in step with the rows."""
    y, x = np.mgrid[:SIZE, :SIZE]
    cycles = y / rng.uniform(5, 20) + x * rng.uniform(-0.02, 0.02)
    hum = np.cos(2 * np.pi * cycles) + rng.uniform(0.3, 1) * np.cos(4 * np.pi * cycles + 1)
    return noisy(rng, hum, rng.uniform(0.2, 1)), NOISE


def hologram(rng: np.random.Generator) -> Drawn:
    """Draw the fringes of a hologram, whose phase an object shifts."""
    along, across = _along(rng)
    phase = scipy.ndimage.gaussian_filter(rng.standard_normal(along.shape), 14)
    phase *= rng.uniform(0.3, 1.5) / phase.std()
    wave = 1 + 0.6 * np.cos(2 * np.pi * along / rng.uniform(4, 14) + phase)
    envelope = np.exp(-np.square((across - across.mean()) / (rng.uniform(0.4, 2) * SIZE)))
    return rng.poisson(rng.uniform(5, 200) * wave * envelope).astype(float), NOISE


def herringbone(rng: np.random.Generator) -> Drawn:
    """Draw wavy stripes of one direction."""
    along, across = _along(rng)
    bend = rng.uniform(0.1, 0.5) * SIZE / 16
    bent = along + bend * np.sin(2 * np.pi * across / rng.uniform(40, 120))
    wave = np.exp(2 * np.cos(2 * np.pi * bent / rng.uniform(7, 18)))
    return noisy(rng, wave, 0.4), NOISE


def many_periods(rng: np.random.Generator) -> Drawn:
    """Draw 29 to 40 periods."""
    name, basis = any_basis(rng, (3.2, 4.4))
    return noisy(rng, crystal(rng, basis, width=0.2), rng.uniform(0, 0.5)), (name,)


def perfect_hexagons(rng: np.random.Generator) -> Drawn:
    """Draw a perfect hexagonal lattice of 4 px."""
    basis = turned(rng, cell(4, 4, 60))
    return crystal(rng, basis, width=0.2, disorder=0), ("hexagonal",)


def few_periods(rng: np.random.Generator) -> Drawn:
    """Draw 3 to 4.6 periods."""
    name, basis = any_basis(rng, (28, 43))
    return noisy(rng, crystal(rng, basis), rng.uniform(0, 0.5)), (name,)


def short_periods(rng: np.random.Generator) -> Drawn:
    """Draw periods of 3 to 4.5 px in the window that is suggested for them."""
    name, basis = any_basis(rng, (3.2, 4.5))
    size = suggest_window(float(np.linalg.norm(basis[0])), (512, 512))
    return noisy(rng, crystal(rng, basis, size=size, width=0.2)), (name,)


def sharp_atoms(n_low: int, n_high: int) -> Callable[[np.random.Generator], Drawn]:
    """Return a kind: several atoms a cell, as sharp as in HAADF."""

    def draw(rng: np.random.Generator) -> Drawn:
        name, basis = any_basis(rng, (9, 22))
        n = int(rng.integers(n_low, n_high, endpoint=True))
        atoms = {"sites": rng.uniform(size=(n, 2)), "brightness": rng.uniform(0.3, 1, n)}
        image = crystal(rng, basis, width=rng.uniform(0.05, 0.1), **atoms)
        return rng.poisson(rng.uniform(10, 100) * (image + 0.05)).astype(float), (name,)

    return draw


def near_centered(rng: np.random.Generator) -> Drawn:
    """Draw a rectangle of 1 : 1.4 with another atom in its middle."""
    basis = turned(rng, 12 * np.diag([1, 1.4]))
    atoms = {
        "sites": np.array([[0, 0], [0.5, 0.5]]),
        "brightness": np.array([1, rng.uniform(0.6, 0.7)]),
    }
    return noisy(rng, crystal(rng, basis, width=rng.uniform(0.08, 0.16), **atoms)), ("rectangular",)


def dumbbells(rng: np.random.Generator) -> Drawn:
    """Draw silicon along [110]: 12 by 17 px, two atoms a quarter apart."""
    basis = turned(rng, rng.uniform(0.9, 1.3) * np.diag([12.0, 12 * np.sqrt(2)]))
    sites = np.array([[0, 0], [0.5, 0.5], [0, 0.25], [0.5, 0.75]])
    image = crystal(rng, basis, sites=sites, width=rng.uniform(0.07, 0.13))
    return noisy(rng, image), ("centered rectangular",)


def quasicrystal(rng: np.random.Generator) -> Drawn:
    """Draw atoms where waves of 8, 10 or 12 directions add up."""
    fold = int(rng.choice([8, 10, 12]))
    turns = np.arange(fold // 2) * 2 * np.pi / fold + rng.uniform(0, np.pi)
    y, x = np.mgrid[:SIZE, :SIZE] + rng.uniform(0, 500, (2, 1, 1))
    k = 2 * np.pi / rng.uniform(9, 20)
    density = sum(np.cos(k * (x * np.cos(turn) + y * np.sin(turn))) for turn in turns)
    return noisy(rng, np.exp(density / density.std())), ()


def twisted(degrees: float) -> Callable[[np.random.Generator], Drawn]:
    """Return a kind: two lattices of one cell over each other, turned."""

    def draw(rng: np.random.Generator) -> Drawn:
        _, basis = any_basis(rng, (8, 18))
        image = crystal(rng, basis) + crystal(rng, basis @ rotation(degrees))
        # A square turned by 45 degrees is an eight-fold star, a hexagon by 30 a twelve-fold one.
        return noisy(rng, image), ()

    return draw


def particle(rng: np.random.Generator) -> Drawn:
    """Draw a particle 20 times as bright as the lattice."""
    name, basis = any_basis(rng, (8, 18))
    image = crystal(rng, basis)
    blob = draw_atoms(rng.uniform(0, SIZE, (1, 2)), np.ones(1), rng.uniform(4, 14), image.shape)
    shown = image + 20 * np.ptp(image) * blob
    return shown + 0.3 * image.std() * rng.standard_normal(image.shape), (name,)


def jpeg_vacuum(rng: np.random.Generator) -> Drawn:
    """Draw counts under a slight vignette, saved as JPEG of quality 60."""
    import imageio.v3 as iio

    y, x = np.mgrid[:SIZE, :SIZE] - rng.uniform(-SIZE, 2 * SIZE, (2, 1, 1))
    light = 1 - rng.uniform(0.05, 0.3) * (x * x + y * y) / (4 * SIZE**2)
    gray = rng.normal(128 * light, rng.uniform(3, 12))
    packed = iio.imwrite("<bytes>", np.uint8(np.clip(gray, 0, 255)), extension=".jpg", quality=60)
    return iio.imread(packed, extension=".jpg").astype(float), NOISE


def band_passed(rng: np.random.Generator) -> Drawn:
    """Draw noise of a narrow band of frequencies."""
    k = np.hypot(np.fft.fftfreq(SIZE)[:, np.newaxis], np.fft.rfftfreq(SIZE))
    middle = 1 / rng.uniform(5, 20)
    band = np.abs(k - middle) < middle * rng.uniform(0.05, 0.25)
    noise = np.fft.irfft2(band * np.fft.rfft2(rng.standard_normal((SIZE, SIZE))))
    return noisy(rng, noise, 0.05), NOISE


def repeated_pixels(rng: np.random.Generator) -> Drawn:
    """Draw a lattice whose pixels were each repeated 4 times along x and y."""
    basis = turned(rng, cell(1, 1, 60) * rng.uniform(3.5, 6))
    small = noisy(rng, crystal(rng, basis, size=SIZE // 4, width=0.2))
    return np.kron(small, np.ones((4, 4))), ("hexagonal",)


def nearly_square(rng: np.random.Generator) -> Drawn:
    """Draw a rectangle of 1.02 : 1, which is within the tolerance of a square."""
    basis = turned(rng, rng.uniform(8, 18) * np.diag([1, 1.02]))
    return noisy(rng, crystal(rng, basis)), ("square",)


def contaminated(rng: np.random.Generator) -> Drawn:
    """Draw a lattice under an amorphous film as strong as it."""
    name, basis = any_basis(rng, (8, 18))
    image = crystal(rng, basis)
    film = scipy.ndimage.gaussian_filter(rng.standard_normal(image.shape), rng.uniform(1, 4))
    return noisy(rng, image + image.std() / film.std() * film), (name, "noise")


def padded(rng: np.random.Generator) -> Drawn:
    """Draw a lattice beside the padding of a movie that was corrected for drift."""
    _, basis = any_basis(rng, (8, 18))
    image = noisy(rng, crystal(rng, basis))
    image[: int(rng.integers(10, 100))] = 0
    return image, ()


@dataclass(frozen=True)
class Kind:
    """A row of the table."""

    name: str
    right: str
    draw: Callable[[np.random.Generator], Drawn]


KINDS = (
    Kind("fringes, period 6 to 16 px", "noise", fringes(6, 16)),
    Kind("fringes, period 24 to 32 px", "noise", fringes(24, 32)),
    Kind("sharp lines", "noise", sharp_lines),
    Kind("mains hum", "noise", mains_hum),
    Kind("hologram", "noise", hologram),
    Kind("herringbone of one direction", "noise", herringbone),
    Kind("perfect hexagons, 32 periods", "hexagonal", perfect_hexagons),
    Kind("29 to 40 periods", "its class", many_periods),
    Kind("3 to 4.6 periods", "its class", few_periods),
    Kind("periods of 3.2 to 4.5 px in the suggested window", "its class", short_periods),
    Kind("three sharp atoms a cell", "its class", sharp_atoms(3, 3)),
    Kind("four to eight sharp atoms a cell", "its class", sharp_atoms(4, 8)),
    Kind("1 : 1.4 rectangle, an atom of 60 to 70 % in its middle", "rectangular", near_centered),
    Kind("silicon [110] dumbbells", "centered rectangular", dumbbells),
    Kind("quasicrystals (8, 10, 12 fold)", "unsure", quasicrystal),
    Kind("two lattices, turned by 45°", "unsure", twisted(45)),
    Kind("two lattices, turned by 30°", "unsure", twisted(30)),
    Kind("a particle 20 times as bright", "its class", particle),
    Kind("vacuum as JPEG", "noise", jpeg_vacuum),
    Kind("band-passed noise", "noise", band_passed),
    Kind("every pixel 4 by 4 times", "hexagonal", repeated_pixels),
    Kind("1.02 : 1 rectangle", "square", nearly_square),
    Kind("under an amorphous film", "its class, or noise", contaminated),
    Kind("zero padding", "not analyzed", padded),
)


@dataclass(frozen=True)
class Score:
    """How often an answer was right, unsure (at most 0.9), and sure and wrong; shares."""

    right: float
    unsure: float
    sure_and_wrong: float

    def __str__(self) -> str:
        return f"{self.right:.1%} / {self.unsure:.1%} / {self.sure_and_wrong:.1%}"


def score(mean: np.ndarray, right: list[tuple[str, ...]]) -> Score:
    """Score probabilities (n, 6); what was not analyzed is NaN and neither sure nor right."""
    known = np.isfinite(mean[:, 0])
    label = np.where(known, np.nan_to_num(mean).argmax(axis=1), -1)
    sure = known & (np.nan_to_num(mean).max(axis=1) > SURE)
    names = [CLASSES[each] if each >= 0 else "" for each in label]
    good = np.array([name in answers for name, answers in zip(names, right, strict=True)])
    return Score(good.mean(), (~sure).mean(), (sure & ~good).mean())


def fit_probabilities(verdict: Verdict) -> np.ndarray:
    """Take the fit for an answer: its class, or noise where it resolves no lattice; always sure."""
    label = np.where(verdict.fits.resolved, verdict.fits.label, LABELS["noise"])
    p = np.eye(len(CLASSES))[label - 1]
    p[~np.isfinite(verdict.entropy)] = np.nan
    return p


def kind_row(kind: Kind, seed: int, n: int, samples: int) -> list[str]:
    """Draw windows of a kind and score the three answers."""
    rng = np.random.default_rng((SEED, seed))
    by_size: dict[int, list[Drawn]] = {}
    for _ in range(n):
        window, right = kind.draw(rng)
        by_size.setdefault(len(window), []).append((window, right))
    answers: list[list[np.ndarray]] = [[], [], []]
    truth = [right for drawn in by_size.values() for _, right in drawn]
    for drawn in by_size.values():
        verdict = classify(np.stack([window for window, _ in drawn]), samples)
        said = verdict.network.mean, fit_probabilities(verdict), verdict.mean
        for parts, part in zip(answers, said, strict=True):
            parts.append(part)
    scores = [score(np.concatenate(parts), truth) for parts in answers]
    return [kind.name, kind.right, *map(str, scores)]


def track_rows(name: str, tolerance: float, n: int, samples: int) -> Iterator[list[str]]:
    """Measure network and verdict on windows of a track that made no choice."""
    windows, labels = draw_windows(n, TRACKS[name], seed=(SEED, BENCHMARK))
    verdict = classify(windows, samples, tolerance)
    for who, found in (("network", verdict.network), ("verdict", verdict)):
        values = figures(found, labels)
        yield [
            name,
            who,
            f"{values['top1']:.2%}",
            f"{values['top2']:.2%}",
            f"{values['calibration_error']:.2%}",
            f"{values['wrong_above_90']:.2%}",
        ]


def tolerance_rows(n: int, samples: int) -> Iterator[list[str]]:
    """Ask from which departure on a rectangle is no square, at several sizes of windows."""
    for size in (64, 128, 192):
        row = [f"{size} px"]
        for ratio in (1.0, 1.02, 1.03, 1.05, 1.06, 1.1):
            rng = np.random.default_rng((SEED, size, round(100 * ratio)))
            spacing = size / 10
            windows = [
                noisy(rng, crystal(rng, turned(rng, spacing * np.diag([1, ratio])), size=size))
                for _ in range(n)
            ]
            found = classify(np.stack(windows), samples)
            row.append(f"{found.mean[:, LABELS['square'] - 1].mean():.2f}")
        yield row


def main() -> None:
    """Measure network, fit and verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=300, help="windows a kind")
    parser.add_argument("--samples", type=int, default=100, help="MC samples")
    parser.add_argument("--write", action="store_true", help="write docs/outside.md")
    options = parser.parse_args()
    n, samples = options.windows, options.samples

    rows = [kind_row(kind, i, n, samples) for i, kind in enumerate(tqdm(KINDS, leave=False))]
    tracks = [
        row
        for name, tolerance in (("instrument", TOLERANCE), ("paper", 0.0))
        for row in track_rows(name, tolerance, 10 * n, samples)
    ]
    boundary = list(tolerance_rows(n // 6, samples))
    text = f"""# Outside the lattices

Made by `python benchmarks/outside.py --windows {n} --write`: {n} windows a row of what is no
lattice, or one of an unusual kind, drawn by other code than the windows that verdicts are taught
with, seed {SEED}, {samples} MC samples. Three answers are held against what is right: that of the
network alone (`nls.load_model().classify`), that of the lattice fit alone (`nls.fit_lattices`;
noise where it resolves no lattice; it knows no doubt), and the verdict of both (`nls.classify`).
Each cell holds shares: right / unsure / sure and wrong. Sure is a probability above {SURE:g}. An
answer that is right may be unsure; where nothing is right to say, "unsure" is.

{markdown_table(["what is shown", "right", "network", "fit", "verdict"], rows)}
## The tracks

{10 * n:,} windows of each [track](method.md) that made no choice in any training; the verdict at
its default tolerance, and on the paper track, where classes lie as close as chance has it, at 0.

{markdown_table(TRACK_COLUMNS, tracks)}
## Where a class ends

Mean probability of a square, by the verdict at the default tolerance of {TOLERANCE:g}, for
rectangles of these ratios of sides, 10 periods in a window, {n // 6} windows each:

{markdown_table(["window", "1.00", "1.02", "1.03", "1.05", "1.06", "1.10"], boundary)}
How the verdict is trained is told in the [model card](model-card.md).
"""
    print(text)
    if options.write:
        (DOCS / "outside.md").write_text(text)


if __name__ == "__main__":
    main()
