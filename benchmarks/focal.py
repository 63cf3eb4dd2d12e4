"""How well the columns of a focal series are named, by an MSD-net and by U-nets.

    python benchmarks/focal.py --train --write

trains the networks of the comparison that are not there yet (two hours on two cores; what is there
goes on), and prints the tables; with ``--write`` they also go to ``docs/focal-measured.md``. abTEM
draws the series, which no training has seen, and which chose no setting.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import focal_figures
import numpy as np
from focal_scores import CLASSES, Case, Tally, judge
from metrics import markdown_table
from tqdm import tqdm

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import FocalSeries, Microscope
from napari_lattice_symmetry.atoms.focal.examples import Ranges, draw_microscope
from napari_lattice_symmetry.atoms.focal.namer import ColumnNamer, load_namer
from napari_lattice_symmetry.atoms.focal.specimens.layer import random_specimen
from napari_lattice_symmetry.atoms.focal.specimens.multislice import exit_wave
from napari_lattice_symmetry.atoms.focal.specimens.vibration import coordination, shake
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.networks.calibration import calibration_error
from napari_lattice_symmetry.networks.drawing import draw_chunks

DOCS = Path(__file__).parents[1] / "docs"
SEED = 2028
DEFOCI = (-3.0, 2.0, 7.0)
SIZE, PIXEL, DRIFT = 256, 0.014, 0.03
DOSES = (1e4, 1e3, 1e2)
SETS = ("bare", "on graphene", "other microscopes")
VOLTAGES = (60.0, 80.0, 120.0, 200.0, 300.0)
AIMS = {1e4: 0.99, 1e3: 0.95}
FOCUS_ERRORS = (-10.0, -5.0, 0.0, 5.0, 10.0)


@dataclass(frozen=True)
class Variant:
    """A network of the comparison: how it is built and trained, and what it is called here."""

    title: str
    network: str
    settings: dict[str, Any]


MSD = "MSD-net"
VARIANTS = {
    "msd": Variant(MSD, "msd", {}),
    "unet": Variant("U-net", "unet", {}),
    "unet-long": Variant("U-net, equal time", "unet", {"epochs": 12}),
    "unet-small": Variant("U-net, equal weights", "unet", {"filters": 4}),
    "unet-2": Variant("U-net, two images", "unet", {"images": 2}),
    "unet-1": Variant("U-net, one image", "unet", {"images": 1}),
}
COMPARED = ("msd", "unet", "unet-long", "unet-small")
FEWER = ("unet", "unet-2", "unet-1")


def train(runs: Path) -> None:
    """Train what is not there yet, or go on."""
    from napari_lattice_symmetry.atoms.focal.training import train_columns

    for name, variant in VARIANTS.items():
        if not (runs / name / "cost.json").exists():
            train_columns(
                runs / name, network=variant.network, waves=runs / "waves", **variant.settings
            )


def trained(runs: Path, names: Sequence[str]) -> list[str]:
    """Return which of the networks are there."""
    return [name for name in names if (runs / name / "cost.json").exists()]


@cache
def namer(runs: Path, name: str) -> ColumnNamer:
    """Load a network of the comparison."""
    return load_namer(runs / name / f"{VARIANTS[name].network}.keras")


def random_series(
    which: str, number: int, dose: float, off: float = 0.0, by_coordination: bool = True
) -> FocalSeries:
    """Draw what a series shows: specimen, microscope and drift; `off` is added to all defoci."""
    rng = np.random.default_rng((SEED, SETS.index(which), number))
    substrate = "graphene" if which == "on graphene" else "none"
    specimen = random_specimen(
        rng,
        substrate=substrate,
        vacancies=rng.uniform(0.03, 0.15),
        double_vacancies=rng.uniform(0, 0.03),
    )
    astigmatism, angle = rng.uniform(0, 2), rng.uniform(0, 180)
    microscope = Microscope(astigmatism=astigmatism, astigmatism_angle=angle)
    if which == "other microscopes":
        microscope = draw_microscope(rng, Ranges(), float(rng.choice(VOLTAGES)))
    return FocalSeries(
        specimen=specimen,
        microscope=microscope,
        defoci=tuple(each + off for each in DEFOCI),
        pixel_size=PIXEL,
        size=SIZE,
        dose=dose,
        drift=DRIFT,
        by_coordination=by_coordination,
        seed=number,
    )


def draw(orders: Sequence[FocalSeries], title: str) -> list[Case]:
    """Draw series on all cores."""
    drawn = tqdm(draw_chunks(orders), desc=title, total=len(orders), leave=False)
    return [Case(order, picture) for order, picture in zip(orders, drawn, strict=True)]


def judged(cases: Sequence[Case], network: ColumnNamer) -> Tally:
    """Name the columns of series by a network, and compare them with the truth."""
    series, refused = [], 0
    for case in cases:
        try:
            series.append(judge(case, network))
        except InputError:
            refused += 1
    return Tally(series, refused)


def share(value: float, digits: int = 3) -> str:
    """Lay out a share."""
    return f"{value:.{digits}f}"


def score_rows(sets: dict[tuple[str, float], dict[str, Tally]]) -> list[list[str]]:
    """Lay out F1 of each class, by set, dose and network."""
    rows = []
    for (which, dose), tallies in sets.items():
        for name, tally in tallies.items():
            f1 = [tally.f1(each) for each in CLASSES]
            aim = share(AIMS[dose], 2) if which == "bare" and dose in AIMS else ""
            rows.append(
                [which, f"{dose:,.0f}", VARIANTS[name].title, *(share(each) for each in f1)]
                + [share(float(np.mean(f1))), aim, share(tally.one_sided())]
                + [f"{1e3 * tally.error():.1f}", str(tally.refused)]
            )
    return rows


def cost_rows(runs: Path, sets: dict[tuple[str, float], dict[str, Tally]]) -> list[list[str]]:
    """Lay out what each network costs, and its mean F1 over classes, sets and the first doses."""
    rows = []
    for name in trained(runs, COMPARED):
        cost = json.loads((runs / name / "cost.json").read_text())
        recipe = json.loads((runs / name / "training.json").read_text())["recipe"]
        f1 = [
            np.mean([tallies[name].f1(each) for each in CLASSES])
            for (_, dose), tallies in sets.items()
            if dose in AIMS
        ]
        updates = recipe["epochs"] * (recipe["series"] // recipe["batch"])
        rows.append(
            [VARIANTS[name].title, f"{cost['weights']:,}", f"{updates:,}"]
            + [f"{cost['processor_s'] / 60:.0f}", share(float(np.mean(f1)))]
        )
    return rows


def confusion_rows(
    tallies: dict[str, dict[str, Tally]],
) -> list[list[str]]:
    """Lay out what pairs and single chalcogens are named."""
    rows = []
    for title, of_network in tallies.items():
        for name, tally in of_network.items():
            pair, single = tally.named_as("2S"), tally.named_as("S")
            rows.append(
                [title, VARIANTS[name].title]
                + [f"{pair[each]:.1%}" for each in ("2S", "S", "Mo", "")]
                + [f"{single[each]:.1%}" for each in ("S", "2S", "Mo", "")]
            )
    return rows


def notice_rows(cases: Sequence[Case], network: ColumnNamer) -> list[list[str]]:
    """Count series that are refused or doubted, for what is wrong with them and for nothing."""

    def noticed(change: Callable[[Case], dict[str, Any]]) -> list[str]:
        refused = doubted = 0
        for case in cases:
            given = {
                "series": case.picture.images,
                "defoci": case.picture.defoci,
                "pixel_size": case.picture.pixel_size,
            } | change(case)
            try:
                (named,) = nls.atoms.iter_name_series(
                    **given, network=network, microscope=case.series.microscope, samples=0
                )
                doubted += bool(named.remark)
            except InputError:
                refused += 1
        return [f"{count} of {len(cases)}" for count in (refused, doubted)]

    def off(by: float) -> Callable[[Case], dict[str, Any]]:
        return lambda case: {"defoci": [each + by for each in case.picture.defoci]}

    kinds: dict[str, Callable[[Case], dict[str, Any]]] = {
        "as recorded": lambda _: {},
        "defoci told 10 nm too high": off(10),
        "defoci told 10 nm too low": off(-10),
        "images in reversed order": lambda case: {"series": case.picture.images[::-1]},
        "first and second image exchanged": lambda case: {"series": case.picture.images[[1, 0, 2]]},
        "pixel size told 10 % too large": lambda _: {"pixel_size": 1.1 * PIXEL},
        "pixel size told 10 % too small": lambda _: {"pixel_size": 0.9 * PIXEL},
    }
    return [[title, *noticed(change)] for title, change in kinds.items()]


def vibration_text(n: int, network: ColumnNamer) -> str:
    """Measure what it changes that atoms with fewer neighbors vibrate more."""
    apart, contrast = [], []
    for number in range(n):
        series = random_series("bare", 500 + number, 1e4)
        side = series.size * series.pixel_size
        sheet = series.specimen.build(side)
        images = []
        for by_coordination in (True, False):
            moving = shake(sheet, np.random.default_rng(number), 300, by_coordination)
            wave = exit_wave(moving, series.microscope.voltage)
            images.append(series.microscope.intensity(wave, side / len(wave), DEFOCI[2]))
        few = (coordination(sheet) < 6) & (sheet.numbers == 42)
        inside = ((sheet.places[:, :2] > 0.2) & (sheet.places[:, :2] < side - 0.2)).all(axis=1)
        y, x = np.rint(sheet.places[few & inside, :2] / side * len(images[0])).astype(int).T
        apart.append(np.abs(images[0][y, x] - images[1][y, x]))
        contrast.append(images[1].std())
    change = float(np.mean(np.concatenate(apart)) / np.mean(contrast))
    f1 = []
    for by_coordination in (True, False):
        orders = [
            random_series("bare", 500 + i, 1e3, by_coordination=by_coordination) for i in range(n)
        ]
        f1.append(judged(draw(orders, "vibration"), network).f1("S"))
    return (
        f"At molybdenum columns that lack a neighbor, the third image changes by {change:.1%} of "
        f"its contrast (standard deviation). F1 of single sulfur at 1,000 e/Å² is {f1[0]:.3f} with "
        f"widths by coordination and {f1[1]:.3f} with uniform ones, in {n} series that are alike "
        "otherwise; the network was trained with the former."
    )


def seconds_of(network: ColumnNamer) -> tuple[float, float]:
    """Time a series of three images of 512 px: seconds of the clock, and of the processor."""
    series = replace_series(random_series("bare", 900, 1e4), size=512, pixel_size=0.01)
    picture = series.draw()
    timed = []
    for _ in range(4):
        wall, processor = time.perf_counter(), time.process_time()
        nls.atoms.find_columns(
            picture.images,
            picture.defoci,
            picture.pixel_size,
            network=network,
            microscope=series.microscope,
        )
        timed.append((time.perf_counter() - wall, time.process_time() - processor))
    wall, processor = np.median(timed[1:], axis=0)
    return float(wall), float(processor)


def replace_series(series: FocalSeries, **fields: Any) -> FocalSeries:
    """Return a series with other fields."""
    return FocalSeries(**{**dict(series), **fields})


def measure(n: int, runs: Path) -> str:
    """Measure everything; gives the page, and draws its pictures."""
    networks = {name: namer(runs, name) for name in trained(runs, COMPARED)}
    sets: dict[tuple[str, float], dict[str, Tally]] = {}
    for which in SETS:
        for dose in DOSES:
            title = f"{which}, {dose:,.0f}"
            cases = draw([random_series(which, i, dose) for i in range(n)], title)
            sets[which, dose] = {name: judged(cases, each) for name, each in networks.items()}
    shown = {name: networks[name] for name in trained(runs, ("msd", "unet"))}
    by_focus = {}
    for off in FOCUS_ERRORS:
        orders = [random_series("bare", 300 + i, 1e3, off) for i in range(n // 2)]
        told = [replace(case, told=DEFOCI) for case in draw(orders, f"{off:g} nm")]
        by_focus[f"{off:+g} nm"] = {name: judged(told, each) for name, each in shown.items()}
    by_dose = {
        f"{dose:,.0f} e/Å²": {name: sets["bare", dose][name] for name in shown} for dose in DOSES
    }
    few = draw([random_series("bare", 300 + i, 1e3) for i in range(n // 2)], "images")
    fewer = []
    for name in trained(runs, FEWER):
        tally = judged(few, namer(runs, name))
        f1 = [tally.f1(each) for each in CLASSES]
        fewer.append([str(namer(runs, name).images), *(share(each) for each in (*f1, np.mean(f1)))])
    noticed = draw([random_series("bare", 700 + i, 3e3) for i in range(n)], "noticed")
    calibration = []
    for name, network in shown.items():
        found = [tallies[name].confidence() for tallies in sets.values()]
        confidence, right = (np.concatenate(each) for each in zip(*found, strict=True))
        wall, processor = seconds_of(network)
        calibration.append(
            [
                VARIANTS[name].title,
                str(len(right)),
                f"{right.mean():.1%}",
                f"{confidence.mean():.1%}",
            ]
            + [f"{calibration_error(confidence, right):.1%}", f"{wall:.1f}", f"{processor:.1f}"]
        )
    vacancies = [
        [which, VARIANTS[name].title, share(tally.recall("S")), share(tally.precision("S"))]
        for which in SETS
        for name, tally in ((each, sets[which, 1e3][each]) for each in shown)
    ]
    focal_figures.draw_histograms(
        {
            (which, VARIANTS[name].title): sets[which, 1e3][name]
            for which in SETS[:2]
            for name in shown
        }
    ).savefig(DOCS / "images" / "focal-histograms.png", dpi=110)
    example = draw([random_series("on graphene", 3, 1e3)], "example")[0]
    focal_figures.draw_example(judge(example, networks["msd"])).savefig(
        DOCS / "images" / "focal-example.png", dpi=110
    )
    left_out = [VARIANTS[name].title for name in VARIANTS if name not in trained(runs, [*VARIANTS])]
    missing = (
        f"\n\nNot trained yet, and so not compared: {'; '.join(left_out)}." if left_out else ""
    )
    scores = ["series", "e/Å²", "network", *CLASSES, "mean F1", "aim", "one-sided", "error (pm)"]
    scores += ["refused"]
    sulfur = ["2S as 2S", "as S", "as Mo", "missed", "S as S", "as 2S", "as Mo", "missed"]
    return f"""# Columns of focal series, measured

Made by `python benchmarks/focal.py --train --write`; what is done and how is told in
[focal series](focal.md). Series are simulated by multislice, {SIZE} x {SIZE} px of {PIXEL} nm, at
defoci of {", ".join(f"{each:g}" for each in DEFOCI)} nm, drifting by {DRIFT} nm from image to
image, with 3 to 15 % of sulfur columns that lack an atom and up to 3 % that lack both, and now and
then edges, holes and tilts of up to 4°. Images are registered by the program. A row is of
{n} series; none was trained on.{missing}

## F1 of each class

One-to-one, within 0.06 nm. *One-sided* is the measure of earlier publications, in which a column
that is found twice counts twice: it is shown for comparison, also as the mean over classes. The
error is the root mean square distance along both axes. Series in which the lattice of the material
is not found are refused, and not counted: how many stands in the last column.

{markdown_table(scores, score_rows(sets))}
## MSD-net against U-net

The same series, loss, turns and batch of 8; the mean F1 is that of all series at 10,000 and 1,000
electrons. *Equal weights* is a U-net as small as the MSD-net, *equal time* one that is trained as
long; the U-net without a remark saw as many updates.

{
        markdown_table(
            ["network", "weights", "updates", "minutes of processor time", "mean F1"],
            cost_rows(runs, sets),
        )
    }
F1 of every series at 1,000 e/Å², by class:

![Histograms of F1](images/focal-histograms.png)

## Sulfur vacancies

Single sulfur at 1,000 e/Å²; 0.95 was aimed at.

{markdown_table(["series", "network", "recall", "precision"], vacancies)}
## Two sulfurs or one

What columns are named, by dose, bare MoS2:

{markdown_table(["dose", "network", *sulfur], confusion_rows(by_dose))}
By how far all defoci are from those told, at 1,000 e/Å², the check of defoci being off:

{markdown_table(["defoci", "network", *sulfur], confusion_rows(by_focus))}
## One, two, three images

U-nets that were trained alike, on the first images of the series, at 1,000 e/Å²:

{markdown_table(["images", *CLASSES, "mean F1"], fewer)}
## What is noticed

Series at 3,000 e/Å² that are refused, and those of which it is told that another order of the foci
would fit as well, by what is wrong:

{markdown_table(["given", "refused", "doubted"], notice_rows(noticed, networks["msd"]))}
## Calibration and speed

Confidence of columns above 0.1 in all series of the first table, beside the share that is right in
place and class; 3 % was aimed at. Seconds are those of a series of three images of 512 px with 20
thinned networks, on two cores, by the clock and of the processor; 2 were aimed at.

{
        markdown_table(
            ["network", "columns", "right", "confidence", "ECE", "s", "s of processor"], calibration
        )
    }
## Vibration

{vibration_text(n // 2, networks["msd"])}

## An example

MoS2 on graphene at 1,000 e/Å², named by the MSD-net. Circles are columns in their class; rings in
red are wrong or missing, and gray squares have a confidence below 0.9.

![A series, and its columns](images/focal-example.png)
"""


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=24, help="series in a row")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the networks")
    parser.add_argument("--train", action="store_true", help="train what is not there yet")
    parser.add_argument("--write", action="store_true", help="write docs/focal-measured.md")
    options = parser.parse_args()
    if options.train:
        train(options.runs)
    text = measure(options.series, options.runs)
    print(text)
    if options.write:
        (DOCS / "focal-measured.md").write_text(text)


if __name__ == "__main__":
    main()
