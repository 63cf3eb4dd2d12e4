"""How far structures without labels fall into families: reductions, and clusters in them.

    python benchmarks/clusters.py --write

prints the table; with ``--write`` it also goes to ``docs/crystal-clusters.md``, and the figures to
``docs/images``. Clusters are found in structures of the training, and applied to others.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np
from families import CONDITIONS, DOCS, SEED, draw_examples, save
from metrics import markdown_table
from tqdm import tqdm

from napari_lattice_symmetry.crystals.families import clustering, plots
from napari_lattice_symmetry.crystals.families.classifier import FINGERPRINT
from napari_lattice_symmetry.crystals.families.data_set import network_input
from napari_lattice_symmetry.crystals.families.defects import Defects
from napari_lattice_symmetry.crystals.families.prototypes import FAMILIES, TEST, TRAINING
from napari_lattice_symmetry.results.plots import new_figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEARNED = 250  # pristine structures of a family that clusters are found in
CLUSTERED = ("pristine", "25 % vacancies")
OF_SEED = {"PCA": "84.09 %", "kernel PCA": "84.07 %", "autoencoder": "86.81 %"}


def draw_pristine(count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw pristine fingerprints to learn from: as many of every family, and their families."""
    examples = draw_examples(count, TRAINING, (SEED, 100), Defects())
    seen = [network_input(FINGERPRINT, each) for each in tqdm(examples, desc="fingerprints")]
    return np.stack(seen), np.repeat(np.arange(len(FAMILIES)), count)


def clustering_rows(count: int, methods: list[str], write: bool) -> list[list[str]]:
    """Cluster pristine structures without labels, and score others."""
    seen, known = draw_pristine(LEARNED)
    tests = [
        draw_examples(count, TEST, (SEED, 101 + k), CONDITIONS[name])
        for k, name in enumerate(CLUSTERED)
    ]
    others = [np.stack([network_input(FINGERPRINT, e) for e in each]) for each in tests]
    families = np.repeat(np.arange(len(FAMILIES)), count)
    rows, shown = [], {}
    for method in tqdm(methods, desc="reductions"):
        reduced = clustering.METHODS[method](seen, 0)
        points = [reduced.training, *(reduced.transform(each) for each in others)]
        silhouettes = clustering.choose_clusters(reduced)
        best = max(silhouettes, key=lambda number: silhouettes[number])
        ways = (("k-means", len(FAMILIES)), ("k-means", best), ("HDBSCAN", 0))
        for algorithm, number in ways:
            learned, *found = clustering.cluster_structures(reduced, points, algorithm, number)
            scores = [clustering.score_clusters(families, each) for each in found]
            named = [clustering.name_clusters(known, learned, each) for each in found]
            rule = " by silhouette" if algorithm == "k-means" and number != len(FAMILIES) else ""
            seed = OF_SEED.get(method, "") if number == len(FAMILIES) else ""
            rows.append(
                [
                    f"{method}, {algorithm}{rule}",
                    str(len({*learned.tolist()} - {clustering.NOISE})),
                    *(f"{each.accuracy:.3f}" for each in scores),
                    *(f"{np.mean(each == families):.3f}" for each in named),
                    f"{scores[0].adjusted_rand:.3f}",
                    f"{scores[0].mutual_information:.3f}",
                    seed,
                ]
            )
            shown[method, f"{algorithm}{rule}"] = (points[1], found, named)
        shown[method, ""] = (reduced, silhouettes)
    if write:
        draw_clusters(methods, shown, families)
    return rows


def draw_clusters(methods: list[str], shown: dict, families: NDArray[np.int64]) -> None:
    """Draw the seed's Figures 3 to 5 and 8, and confusions of the clusters."""
    figure = new_figure(12, 3)
    axes = figure.subplots(1, 4)
    for method in methods:
        reduced, silhouettes = shown[method, ""]
        if reduced.variance is not None:
            plots.draw_scree(axes[0], reduced)
            axes[0].set_title("PCA", fontsize="small")
        axes[3].plot(list(silhouettes), list(silhouettes.values()), marker=".", label=method)
    axes[3].set(xlabel="clusters of k-means", ylabel="mean silhouette")
    axes[3].legend(frameon=False, fontsize="xx-small")
    for place, method in zip(axes[1:], ("autoencoder", "convolutional autoencoder"), strict=False):
        if method in methods:
            plots.draw_losses(place, shown[method, ""][0].losses, method)
    save(figure, "families-curves.png")
    figure = new_figure(2.4 * len(methods), 7.2)
    grid = figure.subplots(3, len(methods), squeeze=False)
    for column, method in enumerate(methods):
        points = shown[method, "k-means"][0]
        plots.draw_reduced(grid[0, column], points, plots.family_colors(families), method)
        for row, algorithm in ((1, "k-means"), (2, "HDBSCAN")):
            assigned = clustering.assign_families(families, shown[method, algorithm][1][0])
            colors = plots.family_colors(assigned)
            plots.draw_reduced(grid[row, column], points, colors, algorithm)
    save(figure, "families-maps.png")
    figure = new_figure(3.2 * len(methods), 6.8)
    grid = figure.subplots(2, len(methods), squeeze=False)
    for column, method in enumerate(methods):
        for row, condition in enumerate(CLUSTERED):
            called = clustering.assign_families(families, shown[method, "k-means"][1][row])
            title = f"{method}, {condition}"
            plots.draw_confusion(grid[row, column], families, called, title)
    save(figure, "families-clusters.png")


def report(count: int, methods: list[str], write: bool) -> str:
    """Measure everything; gives the page."""
    rows = clustering_rows(count, methods, write)
    header = [
        *("route", "clusters", "pristine", "25 % vacancies", "named, pristine"),
        *("named, 25 %", "adjusted Rand index", "mutual information", "seed"),
    ]
    return f"""# Families without labels, measured

Made by `python benchmarks/clusters.py --write --count {count}`; what it is for is
told in [families](families.md#seed-004-what-was-reproduced-what-was-mended-and-why).

Learned from {LEARNED * len(FAMILIES):,} pristine clusters of the training structures, and applied
to {count * len(FAMILIES)} others each. *Pristine* and *25 % vacancies* are the share in the cluster
of their family, one cluster a family at most (Hungarian). *Named* is the share whose family is that
of the majority of the training structures in their cluster, several clusters a family allowed: how
pure these are.
k-means looks for seven clusters, and for as many as have the greatest mean silhouette, up to
{max(clustering.NUMBERS)}. The majority baseline is {1 / len(FAMILIES):.3f} here, where all
families are as frequent, and 30 % in the seed, whose numbers are the best of 5,040 labelings on the
structures that were learned from.

{markdown_table(header, rows)}
![Scree plot, losses, and silhouettes over the number of clusters](images/families-curves.png)

![Reduced structures by family, by k-means and by HDBSCAN](images/families-maps.png)

![Families (rows) in clusters of k-means, each assigned to one](images/families-clusters.png)
"""


def main() -> None:
    """Print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/crystal-clusters.md")
    parser.add_argument("--count", type=int, default=50, help="structures of every family")
    parser.add_argument(
        "--methods", nargs="+", default=list(clustering.METHODS), choices=clustering.METHODS
    )
    options = parser.parse_args()
    text = report(options.count, options.methods, options.write)
    print(text)
    if options.write:
        (DOCS / "crystal-clusters.md").write_text(text)


if __name__ == "__main__":
    main()
