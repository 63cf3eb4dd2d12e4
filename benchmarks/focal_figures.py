"""Pictures of the page on focal series: F1 of every series, and one series with its columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from focal_scores import CLASSES, LEAST, Judged, Tally
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = {"Mo": "#4c78a8", "2S": "#f2b134", "S": "#e45756"}
NETWORKS = ("#4c78a8", "#f58518")
SURE = 0.9
WRONG, UNSURE = "#d62728", "#8c8c8c"


def draw_histograms(tallies: Mapping[tuple[str, str], Tally]) -> Figure:
    """Draw how often series reach an F1, a row a kind of series, a column a class."""
    kinds = list(dict.fromkeys(kind for kind, _ in tallies))
    networks = list(dict.fromkeys(network for _, network in tallies))
    figure = Figure(figsize=(9, 2.4 * len(kinds)), layout="constrained")
    panels = figure.subplots(len(kinds), len(CLASSES), sharey=True, squeeze=False)
    edges = np.linspace(0.5, 1, 21)
    for row, kind in zip(panels, kinds, strict=True):
        for axes, label in zip(row, CLASSES, strict=True):
            f1 = [[each.f1(label) for each in tallies[kind, name].series] for name in networks]
            clipped = [np.clip(np.array(each)[np.isfinite(each)], 0.5, 1) for each in f1]
            axes.hist(clipped, edges, label=networks, color=NETWORKS[: len(networks)])
            axes.set_title(f"{label}, {kind}", fontsize=10)
    for axes in panels[-1]:
        axes.set_xlabel("F1 (0.5 or less at the left)")
    panels[0, 0].set_ylabel("series")
    panels[0, 0].legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def draw_example(judged: Judged) -> Figure:
    """Draw the images of a series, what is there, and what was found."""
    picture = judged.case.picture
    figure = Figure(figsize=(11, 7.2), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    for axes, image, defocus in zip(panels, picture.images, picture.defoci, strict=False):
        axes.imshow(image, cmap="gray")
        axes.set_title(f"recorded at {defocus:g} nm", fontsize=10)
    found = judged.kept(LEAST)
    middle = picture.images[len(picture.images) // 2]
    for axes, atoms, title in (
        (panels[3], judged.true, "columns that are there"),
        (panels[4], found.found, "columns that were named"),
    ):
        axes.imshow(middle, cmap="gray", alpha=0.5)
        for label in CLASSES:
            chosen = atoms.label == label
            axes.scatter(atoms.x[chosen], atoms.y[chosen], 14, COLORS[label], label=label, lw=0)
        axes.set_title(title, fontsize=10)
    panels[3].legend(loc="upper right", fontsize=8, framealpha=0.9)
    _draw_weak(panels[5], found)
    for axes in panels:
        axes.set(xticks=[], yticks=[])
    return figure


def _draw_weak(axes: Axes, judged: Judged) -> None:
    """Mark what is wrong, missing or unsure."""
    found, true = judged.found, judged.true
    axes.imshow(judged.case.picture.images[1], cmap="gray", alpha=0.5)
    wrong = ~judged.right
    missed = np.setdiff1d(np.arange(len(true)), judged.partner)
    unsure = found.confidence < SURE
    ring = {"facecolors": "none", "lw": 1.3}
    axes.scatter(found.x[unsure], found.y[unsure], 40, marker="s", edgecolors=UNSURE, **ring)
    for y, x in ((found.y[wrong], found.x[wrong]), (true.y[missed], true.x[missed])):
        axes.scatter(x, y, 70, edgecolors=WRONG, **ring)
    title = f"{wrong.sum()} wrong, {len(missed)} missing of {len(true)}; {unsure.sum()} unsure"
    axes.set_title(title, fontsize=10)
