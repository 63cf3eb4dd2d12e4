"""How well atoms are found, placed and doubted, and vacancies among them.

    python benchmarks/atoms.py --write

prints the tables; with ``--write`` they also go to ``docs/atoms-measured.md``; with ``--only
Vacancies Memory`` these parts alone are measured, and the others stay as they are on the page. Real
images are tried too where LATTICE_SYMMETRY_DATA names their folder. No picture here was trained on,
and none chose a setting, but for the thresholds of the comparisons, which are the best on these
very pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import atoms_real
import multislice
import numpy as np
from metrics import inside, markdown_table, pair_off_border
from skimage.feature import blob_log
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import AtomImage, AtomPicture, Atoms
from napari_lattice_symmetry.atoms.bound import cramer_rao
from napari_lattice_symmetry.atoms.finding.calibration import score_picture
from napari_lattice_symmetry.atoms.finding.examples import BENCHMARK
from napari_lattice_symmetry.atoms.finding.finder import load_finder
from napari_lattice_symmetry.atoms.refine import refine
from napari_lattice_symmetry.networks.calibration import calibration_error

PAGE = Path(__file__).parents[1] / "docs" / "atoms-measured.md"
RIVALS = Path(__file__).with_name("atom_finders.json")
SEED = 2026
MATERIALS = ("graphene", "MoS2", "SrTiO3 [001]", "Si [110]")
SPACINGS, COUNTS = (6, 8, 12, 24, 60), (100, 10, 3)
SIDE, LARGEST = 16, 360
RADIUS = 0.35
BACKGROUND, PROBE = 0.2, 0.2
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)
CALIBRATED, SITES, FIRST_SITE = 60, 16, 200
SHOWN = 0.5
FRAMES = (20, 100)
AIMS = {100: 0.998, 10: 0.99, 3: 0.95}


@dataclass(frozen=True)
class Case:
    """A picture, and what was found in it."""

    spacing: int
    counts: int
    picture: AtomPicture
    found: Atoms

    @property
    def f1(self) -> float:
        """One-to-one, within 0.35 of the spacing."""
        return f1_of(self.found, self)


def f1_of(found: Atoms, case: Case) -> float:
    """Give F1 of atoms in the picture of a case."""
    radius = RADIUS * case.spacing
    told = nls.atoms.score(found, case.picture.atoms, radius, unit="px", ignore=case.picture.faint)
    return told.f1


def f1_off_border(case: Case, found: Atoms | None = None) -> float:
    """Give F1 of atoms at least a spacing off the border, where others leave them out by design."""
    found, true = case.found if found is None else found, case.picture.atoms
    radius, size = RADIUS * case.spacing, len(case.picture.image)
    told = nls.atoms.score(found, true, radius, unit="px", ignore=case.picture.faint)
    ours, theirs = (inside(each.positions, size, case.spacing) for each in (found, true))
    hit, missed = theirs[told.pairs[:, 1]].sum(), theirs[told.missed].sum()
    return float(2 * hit / (2 * hit + missed + ours[told.extra].sum()))


def draw(material: str, spacing: int, counts: int, seed: int, **settings: float) -> AtomPicture:
    """Draw a picture of some 16 neighbors a side."""
    rng = np.random.default_rng((SEED, BENCHMARK, seed))
    size = min(SIDE * spacing, LARGEST)
    return AtomImage(
        material=material,
        spacing=spacing,
        size=size,
        counts=counts,
        orientation=rng.uniform(0, 360),
        background=BACKGROUND,
        probe=PROBE,
        seed=seed,
        **settings,
    ).draw()


def pictures() -> Iterator[tuple[int, int, AtomPicture]]:
    """Draw pictures of all spacings and doses, recorded as they mostly are."""
    orders = [
        (spacing, counts, material)
        for spacing in SPACINGS
        for counts in COUNTS
        for material in MATERIALS
    ]
    for seed, (spacing, counts, material) in enumerate(tqdm(orders, desc="pictures", leave=False)):
        yield (
            spacing,
            counts,
            draw(
                *(material, spacing, counts, seed),
                vacancies=0.01,
                jitter=0.02,
                wander=0.05,
                displacement=0.03,
            ),
        )


def cases(find: Callable[[AtomPicture, int], Atoms]) -> list[Case]:
    """Find the atoms of all pictures."""
    return [
        Case(spacing, counts, picture, find(picture, spacing))
        for spacing, counts, picture in pictures()
    ]


def by_network(picture: AtomPicture, spacing: int) -> Atoms:
    """Find atoms as the package does."""
    return nls.atoms.find_atoms(picture.image, spacing=spacing)


def means(values: Sequence[float], found: Sequence[Case], counts: int) -> list[float]:
    """Average what belongs to cases of a dose over those of each spacing."""
    of = {
        spacing: [i for i, c in enumerate(found) if (c.spacing, c.counts) == (spacing, counts)]
        for spacing in SPACINGS
    }
    return [float(np.mean([values[i] for i in of[spacing]])) for spacing in SPACINGS]


def blobs(picture: AtomPicture, spacing: float, threshold: float) -> Atoms:
    """Find maxima of the Laplacian of a Gaussian, of the width that columns have."""
    sigma = PROBE * spacing
    image = picture.image / picture.image.max()
    places = blob_log(
        image,
        min_sigma=sigma,
        max_sigma=sigma,
        num_sigma=1,
        threshold=None,
        threshold_rel=threshold,
        overlap=0.5,
    )[:, :2]
    return Atoms.at(*places.T)


def fitted(found: Atoms, case: Case) -> Atoms:
    """Fit Gaussians to blobs."""
    columns = refine(case.picture.image, found.y, found.x, case.spacing)
    return Atoms.at(columns.y, columns.x)


def f1_table(found: list[Case]) -> str:
    """Lay out F1 by spacing and dose, beside blobs."""
    tried = {
        threshold: [blobs(case.picture, case.spacing, threshold) for case in found]
        for threshold in tqdm(THRESHOLDS, desc="blobs", leave=False)
    }
    best = max(
        tried, key=lambda t: np.mean([f1_of(*pair) for pair in zip(tried[t], found, strict=True)])
    )
    pairs = zip(tried[best], found, strict=True)
    rivals = [f1_of(fitted(*pair), pair[1]) for pair in tqdm(pairs, desc="fits", leave=False)]
    ours = [case.f1 for case in found]
    rows = []
    for counts in COUNTS:
        for name, values in (
            ("network", means(ours, found, counts)),
            ("Laplacian and fit", means(rivals, found, counts)),
        ):
            cells = [f"{value:.3f}" for value in values]
            aim = f" (aim {AIMS[counts]})" if name == "network" else ""
            rows.append([str(counts), name, *cells, f"**{np.mean(values):.3f}**{aim}"])
    header = ["counts", "by", *(f"{spacing} px" for spacing in SPACINGS), "mean"]
    return (
        f"{markdown_table(header, rows)}\nThe threshold of the Laplacian, {best} of its greatest "
        "value, is the best of those tried on these very pictures.\n"
    )


def material_table(found: list[Case]) -> str:
    """Lay out F1 by material and dose."""
    rows = []
    for k, material in enumerate(MATERIALS):
        own = found[k :: len(MATERIALS)]
        means = [np.mean([c.f1 for c in own if c.counts == counts]) for counts in COUNTS]
        rows.append([material, *(f"{mean:.3f}" for mean in means)])
    return markdown_table(["material", *(f"{counts} counts" for counts in COUNTS)], rows)


def error_table() -> str:
    """Lay out errors of places against the bound of a lone column."""
    rows = []
    for spacing in (8, 18, 60):
        row = [f"{spacing} px"]
        for counts in COUNTS:
            picture = draw("graphene", spacing, counts, 7, tails=0.0, displacement=0.02)
            found = nls.atoms.find_atoms(picture.image, spacing=spacing)
            told = nls.atoms.score(found, picture.atoms, RADIUS * spacing)
            true = picture.atoms.positions[told.pairs[:, 1]]
            edge = 1.5 * spacing
            inner = ((true > edge) & (true < len(picture.image) - 1 - edge)).all(axis=1)
            off = (found.positions[told.pairs[:, 0]] - true)[inner]
            error = found.errors[told.pairs[:, 0]][inner]
            bound = cramer_rao(counts, picture.sigma, BACKGROUND * counts, 3 * spacing)
            root = float(np.sqrt(np.square(off).mean()))
            held = float(np.mean(np.abs(off) < 1.96 * error))
            row += [f"{root:.3f} px", f"{root / bound:.2f}", f"{held:.1%}"]
        rows.append(row)
    header = ["spacing"]
    for counts in COUNTS:
        header += [f"error at {counts}", "of bound", "in 1.96 errors"]
    return markdown_table(header, rows)


def confidence() -> tuple[float, float, float]:
    """Measure the calibration error of all marks, and of those that are reported, and its floor.

    The pictures are like those of the training. The floor is the mean error that confidences have
    which are right, of so many marks.
    """
    finder = load_finder()
    rng = np.random.default_rng((SEED, BENCHMARK, 0))
    judged = [
        score_picture(finder, rng) for _ in tqdm(range(CALIBRATED), desc="confidence", leave=False)
    ]
    features, right = (np.concatenate(each) for each in zip(*judged, strict=True))
    told = features @ np.array(finder.weights[:-1]) + finder.weights[-1]
    sure = 1 / (1 + np.exp(-told))
    shown = sure >= SHOWN
    chance = [
        calibration_error(sure[shown], rng.random(shown.sum()) < sure[shown]) for _ in range(20)
    ]
    every = calibration_error(sure, right)
    return every, calibration_error(sure[shown], right[shown]), float(np.mean(chance))


def vacancy_table() -> str:
    """Lay out how many vacancies are told, and how many that are none."""
    rows = []
    for material in ("graphene", "MoS2", "Au [001]"):
        for counts in (100, 10):
            hit = there = false = sites = 0
            for seed in range(SITES):
                picture = draw(material, 16, counts, FIRST_SITE + seed, vacancies=0.04)
                found = nls.atoms.find_atoms(picture.image, spacing=16)
                defects = nls.atoms.find_defects(picture.image, found)
                size = len(picture.image)
                told, true = (
                    np.stack([each.y, each.x], axis=1)[each.kind == kind]
                    for each, kind in ((defects, "missing"), (picture.defects, "vacancy"))
                )
                pairs, _, wrong = pair_off_border(told, true, RADIUS * 16, size, 16)
                hit, false = hit + len(pairs), false + wrong
                vacant, seen = (
                    int(inside(each, size, 16).sum()) for each in (true, picture.atoms.positions)
                )
                there, sites = there + vacant, sites + seen + vacant
            rows.append(
                [material, str(counts), f"{hit} of {there}", f"{hit / there:.1%}"]
                + [f"{1000 * false / sites:.1f}"]
            )
    return markdown_table(
        ["material", "counts", "vacancies told", "recall", "false, of 1,000 sites"], rows
    )


def other_table(found: list[Case]) -> str:
    """Lay out mean F1 of programs off the border, as `atom_finders.py` has measured them."""
    others = json.loads(RIVALS.read_text(encoding="utf-8")) if RIVALS.is_file() else {}
    ours = [f1_off_border(case) for case in found]
    rows = [["network", *(f"{np.mean(means(ours, found, counts)):.3f}" for counts in COUNTS)]]
    for name, figures in others.items():
        rows.append([name, *(f"{np.mean(figures[str(counts)]):.3f}" for counts in COUNTS)])
    return markdown_table(["by", *(f"{counts} counts" for counts in COUNTS)], rows)


def memory() -> str:
    """Measure by how much the memory of the process grows with the frames of a movie."""
    frame = AtomImage(spacing=18.2, size=512, counts=50).draw().image.astype(np.float32)
    peaks = []
    for frames in FRAMES:
        movie = nls.Movie.from_array(np.broadcast_to(frame, (frames, *frame.shape)))
        found = nls.atoms.find_atoms(movie, spacing=18.2)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    table = sum(column.nbytes for column in found.columns().values()) / 2**20
    return (
        f"The peak memory of the process is {peaks[0]:.0f} MB after {FRAMES[0]} frames of 512 x "
        f"512 px and {peaks[1]:.0f} MB after {FRAMES[1]} more, whose {len(found):,} atoms make a "
        f"table of {table:.0f} MB; {FRAMES[1]} such frames are {FRAMES[1]} MB."
    )


def speed() -> str:
    """Measure the processor time of a frame of 512 x 512 px with about 600 atoms."""
    picture = AtomImage(spacing=18.2, size=512, counts=50).draw()
    nls.atoms.find_atoms(picture.image, spacing=18.2)
    start = time.process_time()
    found = nls.atoms.find_atoms(picture.image, spacing=18.2)
    return f"{time.process_time() - start:.2f} s of one core for {len(found)} atoms"


@cache
def found_by_network() -> list[Case]:
    """Find the atoms of all pictures, once."""
    return cases(by_network)


def found_part() -> str:
    """Lay out what is found in simulated pictures."""
    found = found_by_network()
    about = (
        f"F1 of one-to-one pairs within {RADIUS} of the spacing: {', '.join(MATERIALS)}, "
        f"{SIDE} neighbors a side (at most {LARGEST} px), a background of {BACKGROUND} of the "
        "brightest column, 1 % vacancies, drift and jitter. Counts are those at the peak of the "
        "brightest column; the dimmest that count as seen have 0.14 of them."
    )
    return "\n\n".join((about, f1_table(found).strip(), material_table(found).strip()))


def others_part() -> str:
    """Lay out what other programs find in the same pictures."""
    return (
        "Mean F1 of the same pictures. Other programs leave atoms at the border out by design, so "
        "that all are compared on those a spacing off it. They were measured by `make "
        "bench-atom-finders`, atomap with the best of three thresholds on these very "
        "pictures.\n\n" + other_table(found_by_network())
    )


def multislice_part() -> str:
    """Lay out what is found in pictures by multislice."""
    return (
        "Pictures whose electrons were scattered by multislice (abTEM, "
        "`benchmarks/multislice.py`: 100 keV, 28 mrad, 80 to 170 mrad, 4 nm of the bulk "
        "crystals) and those of the fast generator: brightness of the lighter column, the "
        "heavier 1, width in spacings, to which the probe of the fast ones is set, and F1.\n\n"
        + multislice.table()
    )


def placed_part() -> str:
    """Lay out errors of places."""
    return (
        "Root mean square error along an axis, of atoms of graphene, and as a multiple of the "
        "Cramér-Rao bound of a lone column of that height, width and background (aim 1.3); "
        "and how often the true place lies within 1.96 standard errors.\n\n" + error_table()
    )


def doubted_part() -> str:
    """Say how far confidences are off."""
    every, shown, chance = confidence()
    return (
        f"The expected calibration error of the confidence of all marks in {CALIBRATED} "
        f"pictures is **{every:.1%}** (aim 2 %), and **{shown:.1%}** of those of a confidence of "
        f"at least {SHOWN}, which are reported; were these right, chance alone would make it "
        f"{chance:.1%}."
    )


def vacancy_part() -> str:
    """Lay out what is told of vacancies."""
    return (
        f"4 % of the columns are missing; {SITES} pictures a row, 16 px between neighbors, "
        "sites nearer than that to the border left out. Aims: 99 % and 1 at 100 counts, 95 % "
        "and 3 at 10.\n\n" + vacancy_table()
    )


def real_part() -> str:
    """Lay out what is found in real images; nothing where there are none."""
    folder = os.environ.get("LATTICE_SYMMETRY_DATA")
    return atoms_real.describe(Path(folder)) if folder else ""


SECTIONS: dict[str, Callable[[], str]] = {
    "Found": found_part,
    "Beside other programs": others_part,
    "Beside multislice": multislice_part,
    "Placed": placed_part,
    "Doubted": doubted_part,
    "Vacancies": vacancy_part,
    "Memory": memory,  # before the process has held more than a search needs
    "Speed": lambda: f"A frame of 512 x 512 px: {speed()} (aim 1 s on two).",
    "Real images": real_part,
}


def page(only: Sequence[str]) -> str:
    """Measure all parts, or some, and give the page."""
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    kept = dict(part.split("\n", 1) for part in old.split("\n## ")[1:])
    text = (
        "# Atoms, measured\n\nMade by `python benchmarks/atoms.py --write`; how it works is told "
        "in [atoms](atoms.md). Pictures are simulated as those of the training are, of other "
        "seeds, unless it says so.\n"
    )
    for title, measure in SECTIONS.items():
        part = measure() if title in only or not only else kept.get(title, "")
        text += f"\n## {title}\n\n{part.strip()}\n" if part.strip() else ""
    return text


def main() -> None:
    """Measure, print, and write if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], choices=SECTIONS, metavar="PART")
    arguments = parser.parse_args()
    with threadpool_limits(2):
        text = page(arguments.only)
    print(text)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
