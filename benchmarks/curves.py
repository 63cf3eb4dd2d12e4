"""Curves of accuracy: over the lattice spacing, and over the disorder of positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from metrics import markdown_table

from napari_lattice_symmetry.bravais.training_images import INSTRUMENT, ImageDistribution
from napari_lattice_symmetry.lattice import LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from napari_lattice_symmetry.bravais.classifier import Classification

    Measured = tuple[Classification, np.ndarray]

SPACINGS = (4.0, 5.0, 6.5, 8.0, 10.0, 13.0, 16.0, 20.0, 26.0)
DISORDERS = (0.0, 0.02, 0.04, 0.06, 0.08, 0.1)
SIZE = 128
STATED_PERIODS = (5, 25)


def spacing_track(spacing: float) -> ImageDistribution:
    """Instrument track with lattices of one spacing in pixels."""
    return replace(INSTRUMENT, cells=replace(INSTRUMENT.cells, spacing=(spacing, spacing)))


def disorder_track(disorder: float) -> ImageDistribution:
    """Instrument track with one disorder of positions, as a fraction of the spacing."""
    return replace(INSTRUMENT, disorder=disorder, min_disorder=disorder)


def lattice_accuracy(found: Classification, labels: np.ndarray) -> tuple[float, float]:
    """Give top-1 of the windows that show a lattice, and their mean entropy."""
    lattice = labels != LABELS["noise"]
    right = found.label[lattice] == labels[lattice]
    return float(right.mean()), float(found.entropy[lattice].mean())


def curves(measure: Callable[[ImageDistribution], Measured], plot: Path | None) -> str:
    """Measure both curves; gives a section of a page, and draws a plot if told where to.

    Parameters
    ----------
    measure : callable
        Classifies benchmark windows of a track; gives what was found and the true labels.
    plot : Path, optional
        PNG file.
    """
    by_spacing = np.array([lattice_accuracy(*measure(spacing_track(s))) for s in SPACINGS])
    by_disorder = np.array([lattice_accuracy(*measure(disorder_track(d))) for d in DISORDERS])
    if plot is not None:
        _draw(by_spacing, by_disorder, plot)
    spacing_rows = [
        [f"{spacing:g}", f"{SIZE / spacing:.1f}", f"{top1:.1%}", f"{entropy:.2f}"]
        for spacing, (top1, entropy) in zip(SPACINGS, by_spacing, strict=True)
    ]
    disorder_rows = [
        [f"{disorder:.0%}", f"{top1:.1%}", f"{entropy:.2f}"]
        for disorder, (top1, entropy) in zip(DISORDERS, by_disorder, strict=True)
    ]
    return f"""## Spacing and disorder

Instrument track, windows of {SIZE} px that show a lattice. Disorder is the standard deviation of
atoms from their places, along x and along y, as a share of the spacing; the tracks go up to
{INSTRUMENT.disorder:.0%}.

![Top-1 over spacing and disorder](images/accuracy-curves.png)

{markdown_table(["spacing (px)", "periods", "top-1", "entropy (nats)"], spacing_rows)}
{markdown_table(["disorder", "top-1", "entropy (nats)"], disorder_rows)}"""


def _draw(by_spacing: np.ndarray, by_disorder: np.ndarray, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    few, many = STATED_PERIODS
    left.axvspan(SIZE / many, SIZE / few, color="0.92", label=f"{few} to {many} periods")
    _draw_curve(left, np.array(SPACINGS), by_spacing)
    left.set(xlabel="Spacing (px)", ylabel="Top-1 (%)", xscale="log", xticks=SPACINGS)
    left.set_xticks([], minor=True)
    left.set_xticklabels([f"{spacing:g}" for spacing in SPACINGS])
    left.legend(frameon=False, loc="lower center")
    right.axvspan(0, 100 * INSTRUMENT.disorder, color="0.92", label="in the tracks")
    _draw_curve(right, 100 * np.array(DISORDERS), by_disorder)
    right.set(xlabel="Position disorder (% of the spacing)")
    right.legend(frameon=False, loc="lower center")
    figure.savefig(path, dpi=110)


def _draw_curve(axes: Axes, x: np.ndarray, measured: np.ndarray) -> None:
    axes.plot(x, 100 * measured[:, 0], marker="o", color="#0072B2")
    axes.set_ylim(min(90.0, 100 * measured[:, 0].min() - 2), 100.5)
    axes.grid(alpha=0.3)
