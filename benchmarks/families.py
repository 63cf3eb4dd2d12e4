"""How often the family of a structure is named right, or rightly left unnamed.

By networks and by spglib; `clusters.py` does without labels.

    python benchmarks/families.py --write

prints the tables; with ``--write`` they also go to ``docs/crystal-families.md``, and the figures
to ``docs/images``. All structures and compositions are those that no training has seen.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from family_calls import CELL, SAMPLES, as_crystal, file_rows
from family_structures import (
    AIM_COLUMNS,
    AIMS,
    CONDITIONS,
    SEED,
    TURNED_AIM,
    aim_row,
    draw_examples,
    error_row,
)
from metrics import markdown_table, share
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from napari_lattice_symmetry.crystals import classify, fingerprint, prototype
from napari_lattice_symmetry.crystals.families import plots
from napari_lattice_symmetry.crystals.families.classifier import (
    FINGERPRINT,
    PAIRS_NETWORK,
    REGISTRY,
    load_families,
)
from napari_lattice_symmetry.crystals.families.data_set import Example, network_input
from napari_lattice_symmetry.crystals.families.defects import Defects
from napari_lattice_symmetry.crystals.families.prototypes import (
    ANSWERS,
    FAMILIES,
    NONE,
    TEST,
)
from napari_lattice_symmetry.crystals.families.trial import try_families
from napari_lattice_symmetry.networks.calibration import calibration_error
from napari_lattice_symmetry.results.plots import new_figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

DOCS = Path(__file__).parents[1] / "docs"
NETWORKS = (FINGERPRINT, PAIRS_NETWORK)
TURNED = ("pristine", "25 % vacancies", "displacements of 5 %", "displacements of 10 %")
OUTSIDE = ("pristine", "25 % vacancies", "displacements of 5 %")
KINDS = {
    "known": "known prototypes",
    "random": "atoms at random in a space group",
    "layer": "single layers of such",
    "strained": "strained families",
    "packing": "random packings",
}


@dataclass(frozen=True)
class Answers:
    """What was said of structures of one condition.

    Parameters
    ----------
    right_ones : ndarray of int, shape (n,)
        Indices of `ANSWERS`.
    probabilities : dict of str to ndarray, shape (n, 8)
        Of each answer, by each network.
    """

    right_ones: NDArray[np.int64]
    probabilities: dict[str, NDArray[np.float32]]

    def given(self, network: str) -> NDArray[np.int64]:
        """Give the answers."""
        return self.probabilities[network].argmax(axis=1)

    def right(self, network: str) -> NDArray[np.bool_]:
        """Tell which answers are right."""
        return np.asarray(self.given(network) == self.right_ones)

    def unnamed(self, network: str) -> float:
        """Give the share that is called none."""
        return float(np.mean(self.given(network) == ANSWERS.index(NONE)))


@dataclass(frozen=True)
class Block:
    """Structures of one condition as methods see them: what takes long, and no network changes.

    Parameters
    ----------
    right_ones : ndarray of int, shape (n,)
        Indices of `ANSWERS`.
    kinds : ndarray of str, shape (n,)
        Their prototypes.
    fingerprint, pairs : ndarray, shape (n, ...)
        What networks see.
    """

    right_ones: NDArray[np.int64]
    kinds: NDArray[np.str_]
    fingerprint: NDArray[np.float32]
    pairs: NDArray[np.float32]

    def answers(self) -> Answers:
        """Ask both networks."""
        found = {
            name: load_families(name).classify(getattr(self, name), SAMPLES).probabilities
            for name in NETWORKS
        }
        return Answers(self.right_ones, found)


def look(examples: list[Example]) -> Block:
    """Compute what networks see."""
    seen = [np.stack([network_input(name, each) for each in examples]) for name in NETWORKS]
    return Block(
        np.array([ANSWERS.index(each.family) for each in examples]),
        np.array([each.structure.prototype for each in examples]),
        *seen,
    )


def kept(folder: Path | None, name: str, compute: Callable[[], Block]) -> Block:
    """Compute a block, or take it from a folder where it is kept."""
    file = None if folder is None else folder / f"{name}.npz"
    if file is not None and file.exists():
        with np.load(file) as found:
            return Block(**found)
    block = compute()
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, **vars(block))
    return block


def draw_conditions(count: int, folder: Path | None) -> dict[str, Block]:
    """Draw structures of all families under all conditions, the last ones turned at random."""
    jobs = [(name, CONDITIONS[name], False) for name in CONDITIONS]
    jobs += [(name, CONDITIONS[name], True) for name in TURNED]
    blocks = {}
    for k, (name, defects, turned) in enumerate(tqdm(jobs, desc="conditions")):
        title = f"{name}, turned at random" if turned else name

        def compute(
            seed: tuple[int, int] = (SEED, k), defects: Defects = defects, turned: bool = turned
        ) -> Block:
            examples = draw_examples(count, TEST, seed, defects, turned=turned)
            return look(examples)

        blocks[title] = kept(folder, f"families-{count}-{k}", compute)
    return blocks


def draw_outside(count: int, folder: Path | None) -> dict[str, Block]:
    """Draw structures of none of the families under some conditions."""
    blocks = {}
    for k, name in enumerate(tqdm(OUTSIDE, desc="outside")):

        def compute(
            seed: tuple[int, int] = (SEED, 50 + k), defects: Defects = CONDITIONS[name]
        ) -> Block:
            n = len(FAMILIES) * count
            return look(draw_examples(n, TEST, seed, defects, families=[NONE]))

        blocks[name] = kept(folder, f"none-{count}-{k}", compute)
    return blocks


def condition_rows(found: dict[str, Answers]) -> list[list[str]]:
    """Count right answers and refusals by networks, a row a condition."""
    rows = []
    for title, answers in found.items():
        shares = [share(answers.right(network)) for network in NETWORKS]
        unnamed = [f"{answers.unnamed(network):.3f}" for network in NETWORKS]
        rows.append([title, *shares, *unnamed])
    return rows


def outside_rows(blocks: dict[str, Block], found: dict[str, Answers]) -> list[list[str]]:
    """Count which structures of none of the families are left unnamed, by kind."""
    rows = []
    for name, block in blocks.items():
        for kind, title in (*KINDS.items(), ("", "all")):
            here = block.kinds == kind if kind else np.ones(len(block.kinds), bool)
            shares = [found[name].right(network)[here].mean() for network in NETWORKS]
            rows.append([name, title, str(here.sum()), *(f"{each:.3f}" for each in shares)])
    return rows


def aim_rows(found: dict[str, Answers]) -> list[list[str]]:
    """Compare what was measured with what was aimed at, of the network for each condition."""
    rows = [
        aim_row(name, FINGERPRINT, found[name].right(FINGERPRINT), aim)
        for name, aim in AIMS.items()
    ]
    for name in TURNED:
        title = f"{name}, turned at random"
        rows.append(aim_row(title, PAIRS_NETWORK, found[title].right(PAIRS_NETWORK), TURNED_AIM))
    return rows + [error_row(name, overall_error(found, name)) for name in NETWORKS]


def together(
    found: dict[str, Answers], network: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Gather probabilities and right answers of a network for all that it is meant for."""
    kept = [
        each for title, each in found.items() if network != FINGERPRINT or "turned" not in title
    ]
    mean = np.concatenate([each.probabilities[network].max(axis=1) for each in kept])
    return mean.astype(float), np.concatenate([each.right(network) for each in kept])


def overall_error(found: dict[str, Answers], network: str) -> float:
    """Return the calibration error of all conditions together."""
    return float(calibration_error(*together(found, network)))


def calibration_rows(found: dict[str, Answers]) -> list[list[str]]:
    """Compare probabilities with how often they are right, over all conditions together."""
    rows = []
    for network in NETWORKS:
        mean, right = together(found, network)
        sure = mean > 0.9
        rows.append(
            [
                network,
                f"{len(right):,}",
                f"{right.mean():.3f}",
                f"{overall_error(found, network):.3f}",
                f"{sure.mean():.2f}",
                f"{(~right[sure]).mean():.4f}",
            ]
        )
    return rows


def refused_rows(count: int, answers: Answers) -> list[list[str]]:
    """List the pristine structures that `fingerprint` names wrong, and what `classify` says."""
    examples = draw_examples(count, TEST, (SEED, 0), CONDITIONS["pristine"])
    rows = []
    for k in np.flatnonzero(~answers.right(FINGERPRINT)):
        example, chances = examples[k], answers.probabilities[FINGERPRINT][k]
        told = classify([as_crystal(example, CELL)], SAMPLES)
        rows.append(
            [
                f"{example.structure.prototype} ({example.family})",
                f"{example.structure.ratio:.2f}",
                describe_order(example),
                f"{ANSWERS[chances.argmax()]} {chances.max():.2f}",
                f"{chances[answers.right_ones[k]]:.2f}",
                ANSWERS[answers.given(PAIRS_NETWORK)[k]],
                f"{told.family[0]} {told.probabilities.max():.2f}",
            ]
        )
    return rows


def describe_order(example: Example) -> str:
    """Say which elements a structure has, and whether at random or in an order."""
    structure = example.structure
    if len(structure.elements) == 1:
        return structure.elements[0]
    kind = "random" if structure.share else f"in order over {len(structure.cell)} atoms"
    return f"{' and '.join(structure.elements)}, {kind}"


def draw_answers(found: dict[str, Answers]) -> None:
    """Draw confusions of the network, pristine and with defects, and its losses."""
    figure = new_figure(11, 4)
    axes = figure.subplots(1, 3)
    for place, title in zip(
        axes, ("pristine", "25 % vacancies", "displacements of 10 %"), strict=True
    ):
        answers = found[title]
        called = answers.given(FINGERPRINT)
        plots.draw_confusion(place, answers.right_ones, called, title)
    save(figure, "families-confusion.png")


def draw_responses() -> None:
    """Draw what the network looks at in titanium: the seed's Figure 7, and Grad-CAM."""
    figure = new_figure(11, 3)
    plots.draw_responses(figure.subplots(1, 5), fingerprint(prototype("Ti")), "Ti")
    save(figure, "families-responses.png")


def save(figure, name: str) -> None:
    """Write a figure of the page."""
    figure.savefig(DOCS / "images" / name, dpi=100)


def speed_row(n: int = 10) -> str:
    """Measure the processor time of what the sliders of the dock ask for, on one core."""
    crystal = prototype("Si")
    with threadpool_limits(1):
        try_families(crystal, Defects(0.1))
        start = time.process_time()
        for k in range(n):
            try_families(crystal, replace(Defects(0.1), vacancies=0.1 + 0.01 * k))
    return f"{1e3 * (time.process_time() - start) / n:.0f}"


def report(options: argparse.Namespace, data: Path | None) -> str:
    """Measure everything; gives the page."""
    blocks = draw_conditions(options.count, options.keep)
    outside = draw_outside(options.count, options.keep)
    if options.draw:
        return ""
    found = {title: block.answers() for title, block in blocks.items()}
    others = {title: block.answers() for title, block in outside.items()}
    everything = {f"none, {name}": each for name, each in others.items()}
    n = options.count * len(FAMILIES)
    called_none = (f"{name}: none" for name in NETWORKS)
    header = ["structures", *NETWORKS, *called_none]
    sure = [
        "network",
        "answers",
        "right",
        "calibration error",
        "share above 0.9",
        "wrong above 0.9",
    ]
    recipes = {name: REGISTRY.entries[name]["recipe"] for name in NETWORKS}
    missed = [
        *("prototype", "c/a", "elements", "fingerprint", "its family"),
        *("pairs", "`classify` of one cell"),
    ]
    text = f"""# Families, measured

Made by `python benchmarks/families.py --write --count {options.count}`; how it
works and what it is for is told in [families](families.md). What `classify` makes of both
networks and of symmetry, beside spglib, is on [another page](crystal-classify.md).

## Structures that no training has seen

{n} clusters a row, {options.count} of every family, of elements and ranges of c/a that no training
has seen: of one element, random alloys of two, and two in an order. Displacements are the standard
deviation of every coordinate over the distance of neighbors. Probabilities are means over {SAMPLES}
thinned networks. The columns *none* count those that are refused as being of none of the families.
In brackets stands the interval of 95 % (Wilson).

{markdown_table(header, condition_rows(found))}
Against what was aimed at, each network on what it is meant for:

{markdown_table(AIM_COLUMNS, aim_rows(found))}
![Which family is called which](images/families-confusion.png)

`fingerprint` is for crystals along the axes of their cell; turned at random these are no family
that it knows. `pairs` knows no axes. They were trained on {recipes[FINGERPRINT]["structures"]:,}
and {recipes[PAIRS_NETWORK]["structures"]:,} clusters.

The pristine ones that `fingerprint` names wrong, with the probabilities of its answer and of their
family:

{markdown_table(missed, refused_rows(options.count, found["pristine"]))}
## Structures of none of the families

Share that is called none, of {n} a block. Their prototypes, space groups and elements are those
that no training has seen; within a tenth of the distance of neighbors spglib finds none of the
families in them.

{markdown_table(["defects", "kind", "structures", *NETWORKS], outside_rows(outside, others))}
## Probabilities

Over all rows of the first table (for `fingerprint` those along the axes).

{markdown_table(sure, calibration_rows(found))}
The same and the structures of none of the families.

{markdown_table(sure, calibration_rows({**found, **everything}))}"""
    if data is not None:
        asked = [*NETWORKS, "`classify`"]
        files = ["file", "space group", "family", *asked]
        named, counts = file_rows(data / "crystals")
        text += f"""
## Files

Files of structures that made no choice here. How many each network, and `classify` as it is called
by default, names right, which is *none* for those of none of the families:

{markdown_table(["files", "number", *asked], counts)}
{markdown_table(files, named)}"""
    text += f"""
## What it looks at

![Attentive response maps and Grad-CAM of titanium](images/families-responses.png)

## Speed

Defects, fingerprint and both networks with {SAMPLES} thinned ones each take {speed_row()} ms of a
core; the aim is 100 ms.
"""
    if options.write:
        draw_answers(found)
        draw_responses()
    return text


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/crystal-families.md")
    parser.add_argument("--count", type=int, default=50, help="structures of every family")
    parser.add_argument("--keep", type=Path, help="folder in which drawn structures are kept")
    parser.add_argument("--draw", action="store_true", help="draw them, and no more")
    options = parser.parse_args()
    folder = os.environ.get("LATTICE_SYMMETRY_DATA")
    text = report(options, Path(folder) if folder else None)
    print(text)
    if options.write and not options.draw:
        (DOCS / "crystal-families.md").write_text(text)


if __name__ == "__main__":
    main()
