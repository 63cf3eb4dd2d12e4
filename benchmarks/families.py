"""How often the family of a structure is named right: by networks, by spglib, and without labels.

    python benchmarks/families.py --write

prints the tables; with ``--write`` they also go to ``docs/crystal-families.md``, and the figures
to ``docs/images``. All structures and compositions are those that no training has seen.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from metrics import calibration_error, markdown_table
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from napari_lattice_symmetry.crystals import classify, fingerprint, prototype, read_structure
from napari_lattice_symmetry.crystals.families import clustering, plots
from napari_lattice_symmetry.crystals.families.classifier import (
    FINGERPRINT,
    PAIRS_NETWORK,
    REGISTRY,
    load_families,
)
from napari_lattice_symmetry.crystals.families.data_set import (
    Example,
    draw_example,
    network_input,
)
from napari_lattice_symmetry.crystals.families.defects import Defects
from napari_lattice_symmetry.crystals.families.prototypes import FAMILIES, TEST, TRAINING
from napari_lattice_symmetry.crystals.families.responses import attentive_response, grad_cam
from napari_lattice_symmetry.crystals.families.symmetry import symmetry_families
from napari_lattice_symmetry.crystals.families.trial import supercell, try_families
from napari_lattice_symmetry.results.plots import new_figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

DOCS = Path(__file__).parents[1] / "docs"
SEED = 2026
SAMPLES = 100
TOLERANCES = (0.05, 0.1, 0.2)
OF_SPGLIB = 2  # structures of a family that it sees: it is slow where nothing repeats
NETWORKS = (FINGERPRINT, PAIRS_NETWORK)
CONDITIONS = {
    "pristine": Defects(),
    "25 % vacancies": Defects(0.25),
    "50 % vacancies": Defects(0.5),
    "70 % vacancies": Defects(0.7),
    "displacements of 5 %": Defects(0, 0.05),
    "displacements of 10 %": Defects(0, 0.1),
    "displacements of 20 %": Defects(0, 0.2),
    "25 % vacancies and 5 %": Defects(0.25, 0.05),
    "50 % vacancies and 10 %": Defects(0.5, 0.1),
}
TURNED = ("pristine", "25 % vacancies", "displacements of 5 %")
OF_SEED = {"PCA": "84.09 %", "kernel PCA": "84.07 %", "autoencoder": "86.81 %"}


@dataclass(frozen=True)
class Answers:
    """What was said of structures of one condition.

    Parameters
    ----------
    families : ndarray of int, shape (n,)
        The right ones.
    mean : dict of str to ndarray, shape (n, 7)
        Probabilities by each network.
    """

    families: NDArray[np.int64]
    mean: dict[str, NDArray[np.float32]]

    def right(self, network: str) -> NDArray[np.bool_]:
        """Tell which answers are right."""
        return np.asarray(self.mean[network].argmax(axis=1) == self.families)


def draw_examples(
    count: int, part: int, seed: tuple[int, ...], defects: Defects | None, *, turned: bool = False
) -> list[Example]:
    """Draw as many clusters of every family."""
    rng = np.random.default_rng(seed)
    return [
        draw_example(family, part, rng, defects, turned=turned)
        for family in FAMILIES
        for _ in range(count)
    ]


def ask(examples: list[Example]) -> Answers:
    """Ask both networks."""
    families = np.array([FAMILIES.index(each.family) for each in examples])
    mean = {}
    for name in NETWORKS:
        seen = np.stack([network_input(name, each) for each in examples])
        mean[name] = load_families(name).classify(seen, SAMPLES).mean
    return Answers(families, mean)


def ask_spglib(examples: list[Example]) -> NDArray[np.bool_]:
    """Tell which families spglib finds, shape (tolerances, n)."""
    right = []
    for each in examples:
        crystal = supercell("", each.positions, each.symbols, each.lattice)
        right.append([f == each.family for _, _, f in symmetry_families(crystal, TOLERANCES)])
    return np.array(right).T


def condition_rows(count: int) -> tuple[list[list[str]], dict[str, Answers]]:
    """Measure all conditions, a row each; the last ones with clusters turned at random."""
    rows, found = [], {}
    jobs = [(name, CONDITIONS[name], False) for name in CONDITIONS]
    jobs += [(name, CONDITIONS[name], True) for name in TURNED]
    for k, (name, defects, turned) in enumerate(tqdm(jobs, desc="conditions")):
        title = f"{name}, turned at random" if turned else name
        examples = draw_examples(count, TEST, (SEED, k), defects, turned=turned)
        found[title] = answers = ask(examples)
        by_spglib = ask_spglib(examples[:: max(1, count // OF_SPGLIB)])
        shares = [answers.right(network).mean() for network in NETWORKS]
        rows.append([title, *(f"{share:.3f}" for share in (*shares, *by_spglib.mean(axis=1)))])
    return rows, found


def calibration_rows(found: dict[str, Answers]) -> list[list[str]]:
    """Compare probabilities with how often they are right, over all conditions together."""
    rows = []
    for network in NETWORKS:
        aligned_only = network == FINGERPRINT
        kept = [each for title, each in found.items() if not (aligned_only and "turned" in title)]
        mean = np.concatenate([each.mean[network].max(axis=1) for each in kept])
        right = np.concatenate([each.right(network) for each in kept])
        sure = mean > 0.9
        rows.append(
            [
                network,
                f"{right.mean():.3f}",
                f"{calibration_error(mean.astype(float), right):.3f}",
                f"{sure.mean():.2f}",
                f"{(~right[sure]).mean():.4f}",
            ]
        )
    return rows


def file_rows(folder: Path) -> list[list[str]]:
    """Name the structures of files: those of the seven families, then others."""
    rows = []
    for path in sorted(folder.glob("*.in")):
        crystal = read_structure(path)
        number, symbol, family = symmetry_families(crystal, (0.02,))[0]
        if "Elemental" not in path.stem and family == FAMILIES[-1]:
            family = ""  # hexagonal compounds have other prototypes
        answer = classify([crystal], SAMPLES)
        turned = classify([crystal], SAMPLES, network=PAIRS_NETWORK)
        rows.append(
            [
                path.stem.partition("__")[2],
                f"{symbol} ({number})",
                family or "none of the seven",
                *(f"{each.family[0]} {each.mean.max():.2f}" for each in (answer, turned)),
            ]
        )
    return sorted(rows, key=lambda row: (row[2] == "none of the seven", row[0]))


def clustering_rows(count: int, methods: list[str], write: bool) -> list[list[str]]:
    """Cluster pristine structures without labels, and score others."""
    training = draw_examples(4 * count, TRAINING, (SEED, 100), Defects())
    tests = {
        name: draw_examples(count, TEST, (SEED, 101 + k), CONDITIONS[name])
        for k, name in enumerate(("pristine", "25 % vacancies"))
    }
    seen = np.stack([network_input(FINGERPRINT, each) for each in training])
    others = [np.stack([network_input(FINGERPRINT, e) for e in each]) for each in tests.values()]
    families = np.repeat(np.arange(len(FAMILIES)), count)
    rows, labels, reductions = [], {}, {}
    for method in tqdm(methods, desc="reductions"):
        reduced = reductions[method] = clustering.METHODS[method](seen, 0)
        points = [reduced.transform(each) for each in others]
        for algorithm in clustering.ALGORITHMS:
            found = clustering.cluster_structures(reduced, points, algorithm, len(FAMILIES))
            labels[method, algorithm] = (points, found)
            scores = [clustering.score_clusters(families, each) for each in found]
            seed = OF_SEED.get(method, "") if algorithm == "k-means" else ""
            rows.append(
                [
                    f"{method}, {algorithm}",
                    str(scores[0].clusters),
                    *(f"{each.accuracy:.3f}" for each in scores),
                    f"{scores[0].adjusted_rand:.3f}",
                    f"{scores[0].mutual_information:.3f}",
                    seed,
                ]
            )
    if write:
        draw_clusters(labels, reductions, families)
    return rows


def draw_clusters(labels, reductions, families) -> None:
    """Draw the seed's Figures 4, 5 and 8, and confusions of the clusters."""
    figure = new_figure(9, 3)
    axes = figure.subplots(1, 3)
    plots.draw_scree(axes[0], reductions["PCA"])
    axes[0].set_title("PCA", fontsize="small")
    for place, method in zip(axes[1:], ("autoencoder", "convolutional autoencoder"), strict=True):
        if method in reductions:
            plots.draw_losses(place, reductions[method].losses, method)
    save(figure, "families-curves.png")
    methods = list(reductions)
    figure = new_figure(2.4 * len(methods), 7.2)
    grid = figure.subplots(3, len(methods), squeeze=False)
    for column, method in enumerate(methods):
        (points, _), (found, _) = labels[method, "k-means"]
        colors = plots.family_colors(families)
        plots.draw_reduced(grid[0, column], points, colors, method)
        assigned = clustering.assign_families(families, found)
        plots.draw_reduced(grid[1, column], points, plots.family_colors(assigned), "k-means")
        by_density = labels[method, "HDBSCAN"][1][0]
        assigned = clustering.assign_families(families, by_density)
        plots.draw_reduced(grid[2, column], points, plots.family_colors(assigned), "HDBSCAN")
    save(figure, "families-maps.png")


def draw_answers(found: dict[str, Answers]) -> None:
    """Draw confusions of the network, pristine and with defects, and its losses."""
    figure = new_figure(11, 4)
    axes = figure.subplots(1, 3)
    for place, title in zip(
        axes, ("pristine", "25 % vacancies", "displacements of 10 %"), strict=True
    ):
        answers = found[title]
        called = answers.mean[FINGERPRINT].argmax(axis=1)
        plots.draw_confusion(place, answers.families, called, title)
    save(figure, "families-confusion.png")


def draw_responses() -> None:
    """Draw what the network looks at in titanium: the seed's Figure 7, and Grad-CAM."""
    image = fingerprint(prototype("Ti"))
    figure = new_figure(11, 3)
    axes = figure.subplots(1, 5)
    plots.draw_fingerprint(axes[0], image)
    axes[0].set_title("fingerprint of Ti", fontsize="small")
    for place, layer in zip(axes[1:4], (1, 3, 6), strict=True):
        response = attentive_response(image, layer)
        plots.draw_fingerprint(place, response / max(float(response.max()), 1e-12))
        place.set_title(f"attentive response,\nconvolution {layer}", fontsize="small")
    axes[4].imshow(grad_cam(image), cmap="magma")
    axes[4].set_axis_off()
    axes[4].set_title("Grad-CAM", fontsize="small")
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
    if options.write:
        draw_responses()
    clusters = clustering_rows(options.count, options.methods, options.write)
    rows, found = condition_rows(options.count)
    n = options.count * len(FAMILIES)
    header = ["structures", *NETWORKS, *(f"spglib, {each:.0%}" for each in TOLERANCES)]
    sure = ["network", "right", "calibration error", "share above 0.9", "wrong above 0.9"]
    entry = REGISTRY.entries[FINGERPRINT]["recipe"]
    text = f"""# Families, measured

Made by `python benchmarks/families.py --write --count {options.count}`; how it
works and what it is for is told in [families](families.md).

## Structures that no training has seen

{n} clusters a row, {options.count} of every family, of elements and ranges of c/a that no training
has seen, half of them random alloys of two elements. Displacements are the standard deviation of
every coordinate over the distance of neighbors. Probabilities are means over {SAMPLES} thinned
networks. spglib sees the same defects in a supercell, atoms of all kinds alike, within a tolerance
over the distance of neighbors; {OF_SPGLIB} of every family.

{markdown_table(header, rows)}
![Which family is called which](images/families-confusion.png)

`fingerprint` is for crystals along the axes of their cell, and turned at random it can only guess;
`pairs` knows no axes. `fingerprint` was trained on {entry["structures"]:,} clusters.

## Probabilities

Over all rows above (for `fingerprint` those along the axes).

{markdown_table(sure, calibration_rows(found))}"""
    if data is not None:
        files = ["file", "space group", "family", *NETWORKS]
        text += f"""
## Files

Prototypes, those of the seven families first. What belongs to none of them is called one of them
all the same: the networks know no others, and are sure where they should not be.

{markdown_table(files, file_rows(data / "crystals"))}"""
    without = [
        *("route", "clusters", "pristine", "25 % vacancies", "adjusted Rand index"),
        *("mutual information", "seed"),
    ]
    text += f"""
## Without labels

Learned from {4 * options.count * len(FAMILIES)} pristine clusters of the training structures, and
applied to {n} others each. Accuracy is the share in the cluster of their family, one cluster a
family at most (Hungarian). The majority baseline is {1 / len(FAMILIES):.3f} here, where all
families are as frequent, and 30 % in the seed, whose numbers are the best of 5,040 labelings on the
structures that were learned from.

{markdown_table(without, clusters)}
![Scree plot and losses](images/families-curves.png)

![Reduced structures by family, by k-means and by HDBSCAN](images/families-maps.png)

## What it looks at

![Attentive response maps and Grad-CAM of titanium](images/families-responses.png)

## Speed

Defects, fingerprint and both networks with {SAMPLES} thinned ones each take {speed_row()} ms of a
core; the aim is 100 ms.
"""
    if options.write:
        draw_answers(found)
    return text


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/crystal-families.md")
    parser.add_argument("--count", type=int, default=50, help="structures of every family")
    parser.add_argument(
        "--methods", nargs="+", default=list(clustering.METHODS), choices=clustering.METHODS
    )
    options = parser.parse_args()
    folder = os.environ.get("LATTICE_SYMMETRY_DATA")
    text = report(options, Path(folder) if folder else None)
    print(text)
    if options.write:
        (DOCS / "crystal-families.md").write_text(text)


if __name__ == "__main__":
    main()
