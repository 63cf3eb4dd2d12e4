"""How far structures without labels fall into families: reductions, and clusters in them.

    python benchmarks/clusters.py --write

prints the table; with ``--write`` it also goes to ``docs/crystal-clusters.md``, and the figures to
``docs/images``. Clusters are found in structures of the training, and applied to others.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from families import DOCS, save
from family_structures import CONDITIONS, SEED, draw_examples
from metrics import markdown_table
from tqdm import tqdm

from napari_lattice_symmetry.crystals.families import clustering, plots
from napari_lattice_symmetry.crystals.families.classifier import FINGERPRINT
from napari_lattice_symmetry.crystals.families.data_set import network_input
from napari_lattice_symmetry.crystals.families.defects import Defects
from napari_lattice_symmetry.crystals.families.prototypes import (
    FAMILIES,
    PROTOTYPES,
    TEST,
    TRAINING,
)
from napari_lattice_symmetry.results.plots import new_figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEARNED = 250  # pristine structures of a family that clusters are found in
CLUSTERED = ("pristine", "25 % vacancies")
WHOLE = 0.9  # of a family in one cluster: it is not divided
CLUSTERS, PRISTINE, NAMED = 0, 1, 3  # places of some `figures` of a route
OF_SEED = {"PCA": "84.09 %", "kernel PCA": "84.07 %", "autoencoder": "86.81 %"}


def draw_pristine(count: int, draw: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw pristine fingerprints to learn from: as many of every family, and their families."""
    examples = draw_examples(count, TRAINING, (SEED, 100, draw), Defects())
    seen = [network_input(FINGERPRINT, each) for each in tqdm(examples, desc="fingerprints")]
    return np.stack(seen), np.repeat(np.arange(len(FAMILIES)), count)


@dataclass(frozen=True)
class Route:
    """What came of one way to cluster, without labels, pristine structures of the training.

    Parameters
    ----------
    method, algorithm : str
        How fingerprints were reduced, and clusters found.
    asked : bool
        Whether as many clusters as families were asked for.
    agreements : list of Agreement
        With the families of other structures, under each of the conditions in `CLUSTERED`.
    named : list of float
        Share of these whose family is that of the majority of their cluster.
    of_families : ndarray of int, shape (7,)
        How many clusters have a majority of each family.
    confusion : ndarray of int, shape (7, 8)
        How many pristine structures of each family are called which by their clusters, each of
        them assigned to one family; last those in a cluster of none.
    """

    method: str
    algorithm: str
    asked: bool
    agreements: list[clustering.Agreement]
    named: list[float]
    of_families: NDArray[np.int64]
    confusion: NDArray[np.int64]

    @property
    def title(self) -> str:
        """How it is called in tables."""
        rule = "" if self.asked or self.algorithm != "k-means" else " by silhouette"
        return f"{self.method}, {self.algorithm}{rule}"

    @property
    def figures(self) -> list[float]:
        """Number of clusters, shares in the one of their family, shares named, and agreement."""
        first = self.agreements[0]
        return [
            float(self.of_families.sum()),
            *(each.accuracy for each in self.agreements),
            *self.named,
            first.adjusted_rand,
            first.mutual_information,
        ]


def by_title(routes: list[Route]) -> dict[str, list[Route]]:
    """Gather what came of one way in all draws."""
    gathered: dict[str, list[Route]] = {}
    for each in routes:
        gathered.setdefault(each.title, []).append(each)
    return gathered


def mean(routes: list[Route], column: int) -> float:
    """Average one of the `figures` over the draws."""
    return float(np.mean([each.figures[column] for each in routes]))


def route_row(title: str, routes: list[Route]) -> list[str]:
    """Lay out the mean and range of one way over the draws."""
    told = []
    for column, values in enumerate(zip(*(each.figures for each in routes), strict=True)):
        digits = 0 if column == CLUSTERS else 3
        text = f"{np.mean(values):.{digits}f}"
        if min(values) != max(values):
            text += f" ({min(values):.{digits}f} to {max(values):.{digits}f})"
        told.append(text)
    first = routes[0]
    return [title, *told, OF_SEED.get(first.method, "") if first.asked else ""]


def find_routes(count: int, methods: list[str], draws: int, write: bool) -> list[Route]:
    """Cluster pristine structures without labels, of several draws, and score others."""
    tests = [
        draw_examples(count, TEST, (SEED, 101 + k), CONDITIONS[name])
        for k, name in enumerate(CLUSTERED)
    ]
    others = [np.stack([network_input(FINGERPRINT, e) for e in each]) for each in tests]
    families = np.repeat(np.arange(len(FAMILIES)), count)
    routes: list[Route] = []
    for draw in range(draws):
        seen, known = draw_pristine(LEARNED, draw)
        shown: dict = {}
        for method in tqdm(methods, desc=f"reductions of draw {draw + 1}"):
            reduced = clustering.METHODS[method](seen, draw)
            found, seen_of = route_by(reduced, known, others, families, draw)
            routes += found
            shown |= seen_of
        if write and not draw:
            draw_clusters(methods, shown, families)
    return routes


def route_by(
    reduced: clustering.Reduction,
    known: NDArray[np.int64],
    others: list[NDArray[np.float32]],
    families: NDArray[np.int64],
    draw: int,
) -> tuple[list[Route], dict]:
    """Cluster what was reduced in each way; gives what figures show of it, too."""
    method = reduced.method
    points = [reduced.training, *(reduced.transform(each) for each in others)]
    silhouettes = clustering.choose_clusters(reduced, seed=draw)
    best = max(silhouettes, key=lambda number: silhouettes[number])
    shown: dict = {(method, ""): (reduced, silhouettes)}
    routes = []
    for algorithm, number, asked in (
        ("k-means", len(FAMILIES), True),
        ("k-means", best, False),
        ("HDBSCAN", 0, False),
    ):
        learned, *found = clustering.cluster_structures(reduced, points, algorithm, number, draw)
        named = [clustering.name_clusters(known, learned, each) for each in found]
        clusters = np.unique(learned[learned != clustering.NOISE])
        majorities = clustering.name_clusters(known, learned, clusters)
        route = Route(
            method,
            algorithm,
            asked,
            [clustering.score_clusters(families, each) for each in found],
            [float(np.mean(each == families)) for each in named],
            np.bincount(majorities, minlength=len(FAMILIES)),
            count_calls(families, clustering.assign_families(families, found[0])),
        )
        routes.append(route)
        shown[method, algorithm if asked or not number else "best"] = points[1], found
    return routes, shown


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


def count_calls(families: NDArray[np.int64], called: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count how many structures of each family (rows) are called which (columns), or none."""
    counts = np.zeros((len(FAMILIES), len(FAMILIES) + 1), np.int64)
    np.add.at(counts, (families, called), 1)
    return counts


def confusion_row(route: Route) -> list[str]:
    """Say which families lie mostly in the cluster of another one, and which are divided."""
    titles = [*FAMILIES, "no family"]
    joined, divided = [], []
    for k, (name, counts) in enumerate(zip(FAMILIES, route.confusion, strict=True)):
        most = int(counts.argmax())
        parts = [
            f"{titles[j]} {counts[j]}" for j in np.argsort(-counts, kind="stable") if counts[j]
        ]
        if most != k:
            joined.append(f"{name} with {titles[most]}")
        if counts[most] < WHOLE * counts.sum():
            divided.append(f"{name} ({', '.join(parts)})")
    return [route.title, ", ".join(joined) or "none", "; ".join(divided) or "none"]


def explain(routes: list[Route]) -> str:
    """Tell how far one cluster a family goes, and what stands against more."""
    gathered = by_title(routes)
    asked = [each[0] for each in gathered.values() if each[0].asked]
    total = asked[0].confusion[0].sum()
    farthest = max((e for e in gathered.values() if e[0].asked), key=lambda e: mean(e, PRISTINE))
    purest = max(gathered.values(), key=lambda each: mean(each, NAMED))
    free = [name for name in FAMILIES if any(p.family == name and p.ratio for p in PROTOTYPES)]
    paths = sum(purest[0].of_families[FAMILIES.index(name)] for name in free)
    return f"""With one cluster a family, the route "{farthest[0].title}" comes farthest, with
{mean(farthest, PRISTINE):.3f} of pristine structures; the aim is 0.95. It is not that
families overlap: with "{purest[0].title}", {mean(purest, NAMED):.3f} of other structures lie in a
cluster of their family, {mean(purest, NAMED + 1):.3f} with 25 % vacancies, if each of the
{purest[0].of_families.sum()} clusters of the first draw is named after its majority. {paths} of
these are of {", ".join(free)}, where c/a has a range, a path through the fingerprints and
no point. What seven clusters join and divide instead is read off the confusion matrices of the
first draw below, of {total} pristine structures of each family; a family is divided where less than
{WHOLE:.0%} of it lie in one cluster.

{markdown_table(["route", "joined", "divided"], [confusion_row(each) for each in asked])}"""


def report(count: int, methods: list[str], draws: int, write: bool) -> str:
    """Measure everything; gives the page."""
    routes = find_routes(count, methods, draws, write)
    gathered = by_title(routes)
    header = [
        *("route", "clusters", "pristine", "25 % vacancies", "named, pristine"),
        *("named, 25 %", "adjusted Rand index", "mutual information", "seed"),
    ]
    of_families = [
        [title, *map(str, each[0].of_families)]
        for title, each in gathered.items()
        if not each[0].asked and each[0].algorithm == "k-means"
    ]
    return f"""# Families without labels, measured

Made by `python benchmarks/clusters.py --write --count {count} --draws {draws}`; what it is for is
told in [families](families.md#seed-004-what-was-reproduced-what-was-mended-and-why).

Learned from {LEARNED * len(FAMILIES):,} pristine clusters of atoms of the training structures, and
applied to {count * len(FAMILIES)} others each. All of it was done {draws} times, with other
structures to learn from, other weights and other first centers; figures are means, with the range
in brackets. *Pristine* and *25 % vacancies* are the share in the cluster of their family, one
cluster a family at most (Hungarian). *Named* is the share whose family is that of the majority of
the training structures in their cluster, several clusters a family allowed: how pure these are.
k-means looks for seven clusters, and for as many as have the greatest
mean silhouette, up to {max(clustering.NUMBERS)}. The majority baseline is
{1 / len(FAMILIES):.3f}, as all families are as frequent here.

{markdown_table(header, [route_row(*each) for each in gathered.items()])}
{explain(routes)}
What the numbers of the seed are:

- 84.09, 84.07 and 86.81 % are the best of 5,040 ways to call seven clusters, on the same structures
  that these were found in, of which 30 % are of one family. The column *pristine* is of structures
  that were not seen before, of which a seventh is of each family.
- 100 % is its network with labels, on the structures that it learned from. Ours on others are on
  [the page of families](crystal-families.md).

How many clusters by silhouette, of the first draw, have a majority of each family:

{markdown_table(["route", *FAMILIES], of_families)}
![Scree plot, losses, and silhouettes over the number of clusters](images/families-curves.png)

![Reduced structures by family, by k-means and by HDBSCAN](images/families-maps.png)

![Families (rows) in clusters of k-means, each assigned to one](images/families-clusters.png)
"""


def main() -> None:
    """Print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/crystal-clusters.md")
    parser.add_argument("--count", type=int, default=50, help="structures of every family")
    parser.add_argument("--draws", type=int, default=3, help="of structures to learn from")
    parser.add_argument(
        "--methods", nargs="+", default=list(clustering.METHODS), choices=clustering.METHODS
    )
    options = parser.parse_args()
    text = report(options.count, options.methods, options.draws, options.write)
    print(text)
    if options.write:
        (DOCS / "crystal-clusters.md").write_text(text)


if __name__ == "__main__":
    main()
