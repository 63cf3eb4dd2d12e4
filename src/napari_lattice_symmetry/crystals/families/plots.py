"""Figures of families: fingerprints, answers beside each other, confusions, reductions, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.families.classifier import FINGERPRINT, FamilyClassification
from napari_lattice_symmetry.crystals.families.clustering import Reduction
from napari_lattice_symmetry.crystals.families.prototypes import ANSWERS, COLORS
from napari_lattice_symmetry.crystals.families.responses import attentive_response, grad_cam
from napari_lattice_symmetry.crystals.families.symmetry import TOLERANCES
from napari_lattice_symmetry.crystals.families.trial import FamilyTrial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Integer = NDArray[np.int64]
Float = NDArray[np.float64]

_LOOKS = ("#0072B2", "#E69F00")
_SEEN_LAYERS = (1, 3, 6)  # convolutions
_BELOW = 30  # points from the axes to what spglib says, below titles of answers
_EXPLAINED = 0.95  # share of the variance that is marked


class TrialFigure:
    """A fingerprint, and below it the probabilities of answers with what spglib says.

    What changes from trial to trial is animated, so that a canvas can draw it alone.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        An empty figure to draw on.
    trial : FamilyTrial
        What the networks say.
    symmetry : sequence of (int, str, str), optional
        What spglib says at each of `TOLERANCES`; not yet known if not given.
    """

    def __init__(
        self,
        figure: Figure,
        trial: FamilyTrial,
        symmetry: Sequence[tuple[int, str, str]] | None = None,
    ) -> None:
        top, bottom = figure.subplots(2, 1, height_ratios=(5, 4))
        self._image = draw_fingerprint(top, trial.fingerprint)
        self._title = top.set_title("atoms", fontsize="small")
        self._bars = _draw_answers(bottom, trial)
        self._symmetry = bottom.annotate(
            "\n",
            (0.5, 0),
            xytext=(0, -_BELOW),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize="x-small",
            parse_math=False,
        )
        self.update(trial, symmetry)
        bars = chain.from_iterable((*each.patches, _errors(each)) for each in self._bars)
        for artist in (self._image, self._title, self._symmetry, *bars):
            artist.set_animated(True)

    def update(
        self, trial: FamilyTrial, symmetry: Sequence[tuple[int, str, str]] | None = None
    ) -> None:
        """Show another trial of the same networks."""
        self._image.set_data(_bright(trial.fingerprint))
        self._title.set_text(f"{trial.atoms} atoms")
        told = describe_symmetry(symmetry)
        self._symmetry.set_text(told if "\n" in told else f"{told}\n")  # two lines have room
        for bars, answer in zip(self._bars, trial.answers.values(), strict=True):
            heights, spread = answer.probabilities[0], _spread(answer)
            for bar, height in zip(bars.patches, heights, strict=True):
                bar.set_height(height)
            middles = [bar.get_x() + bar.get_width() / 2 for bar in bars.patches]
            ends = zip(middles, heights - spread, heights + spread, strict=True)
            _errors(bars).set_segments([[(x, low), (x, high)] for x, low, high in ends])


def plot_family(name: str, trial: FamilyTrial, symmetry: Sequence[tuple[int, str, str]]) -> Figure:
    """Draw the fingerprint of a structure, what its network looks at, and all answers.

    Parameters
    ----------
    name : str
        Of the structure.
    trial : FamilyTrial
        What the networks say.
    symmetry : sequence of (int, str, str)
        What spglib says at each of `TOLERANCES`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.5), layout="constrained")
    columns = len(_SEEN_LAYERS) + 2
    grid = figure.add_gridspec(2, columns, height_ratios=(5, 4))
    top = [figure.add_subplot(grid[0, column]) for column in range(columns)]
    draw_responses(top, trial.fingerprint, name)
    bottom = figure.add_subplot(grid[1, :])
    _draw_answers(bottom, trial)
    bottom.set_xlabel(describe_symmetry(symmetry), fontsize="small", parse_math=False)
    return figure


def draw_responses(axes: Sequence[Axes], fingerprint: NDArray[np.float32], name: str) -> None:
    """Draw a fingerprint, attentive responses of three convolutions, and Grad-CAM on five axes."""
    draw_fingerprint(axes[0], fingerprint)
    axes[0].set_title(f"fingerprint of {name}", fontsize="small", parse_math=False)
    for place, layer in zip(axes[1:-1], _SEEN_LAYERS, strict=True):
        response = attentive_response(fingerprint, layer)
        draw_fingerprint(place, response / max(float(response.max()), 1e-12))
        place.set_title(f"attentive response,\nconvolution {layer}", fontsize="small")
    axes[-1].imshow(grad_cam(fingerprint), cmap="magma")
    axes[-1].set_axis_off()
    axes[-1].set_title("Grad-CAM", fontsize="small")


def _spread(answer: FamilyClassification) -> NDArray[np.float32]:
    return np.append(answer.std[0], answer.outside_std[0])


def _errors(bars: BarContainer) -> LineCollection:
    """Return the lines of error bars."""
    assert bars.errorbar is not None
    (lines,) = bars.errorbar.lines[2]
    return lines


def _draw_answers(axes: Axes, trial: FamilyTrial) -> list[BarContainer]:
    """Draw the probabilities of each network as bars, and return these."""
    places = np.arange(len(ANSWERS))
    width = 0.8 / len(trial.answers)
    drawn = []
    for k, (name, answer) in enumerate(trial.answers.items()):
        bars = axes.bar(
            places + (k - (len(trial.answers) - 1) / 2) * width,
            answer.probabilities[0],
            width,
            yerr=_spread(answer),
            color=_LOOKS[k % 2],
            ecolor="gray",
            label="fingerprint" if name == FINGERPRINT else "distances, angles",
        )
        drawn.append(bars)
    slanted: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(places, ANSWERS, fontsize="x-small", **slanted)
    axes.set_ylim(0, 1.05)
    axes.tick_params(axis="y", labelsize="x-small")
    axes.legend(
        frameon=False, fontsize="x-small", ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1)
    )
    return drawn


def describe_symmetry(
    symmetry: Sequence[tuple[int, str, str]] | None, tolerances: Sequence[float] = TOLERANCES
) -> str:
    """Say which space group spglib finds within each share of the neighbor distance."""
    if symmetry is None:
        return "spglib …"
    if not any(number for number, _, _ in symmetry):
        return "spglib: no space group at any tolerance"
    told = [
        f"{tolerance:.0%} {symbol or 'none'}{family and f' ({family})'}"
        for tolerance, (_, symbol, family) in zip(tolerances, symmetry, strict=True)
    ]
    half = (len(told) + 1) // 2
    return "spglib: " + "\n".join([", ".join(told[:half]), ", ".join(told[half:])])


def draw_fingerprint(axes: Axes, fingerprint: NDArray[np.float32]) -> AxesImage:
    """Draw a fingerprint as colors, brighter as its square root."""
    axes.set_axis_off()
    return axes.imshow(_bright(fingerprint), interpolation="nearest")


def _bright(fingerprint: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.sqrt(np.clip(fingerprint, 0, 1)))


def draw_confusion(axes: Axes, families: Integer, answers: Integer, title: str = "") -> None:
    """Draw how many structures of each answer of `ANSWERS` (rows) are called which (columns).

    Rows of which there are none are left out; -1 is no answer, and is counted as none of them.
    """
    n = len(ANSWERS)
    counts = np.zeros((n, n), np.int64)
    np.add.at(counts, (families, answers % n), 1)
    rows = np.flatnonzero(counts.sum(axis=1))
    counts = counts[rows]
    axes.imshow(counts / counts.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = count > counts[row].sum() / 2
            color = "white" if dark else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=color, fontsize=7)
    axes.set_xticks(range(n), ANSWERS, rotation=60, fontsize="x-small")
    axes.set_yticks(range(len(rows)), [ANSWERS[row] for row in rows], fontsize="x-small")
    axes.set_title(title, fontsize="small", parse_math=False)


def draw_scree(axes: Axes, reduction: Reduction) -> None:
    """Draw which share of the variance the first components explain together."""
    assert reduction.variance is not None, "only a linear PCA has variances"
    explained = np.cumsum(reduction.variance)
    axes.plot(np.arange(1, len(explained) + 1), explained, marker=".", color=_LOOKS[0])
    axes.axhline(_EXPLAINED, color="gray", linestyle=":")
    axes.set(xlabel="component", ylabel="variance explained", ylim=(0, 1.02))


def draw_losses(axes: Axes, losses: Mapping[str, Sequence[float]], title: str = "") -> None:
    """Draw losses after each epoch."""
    for k, (name, values) in enumerate(losses.items()):
        axes.plot(range(1, len(values) + 1), values, marker=".", label=name, color=_LOOKS[k % 2])
    axes.set(xlabel="epoch", ylabel="loss", yscale="log")
    axes.set_title(title, fontsize="small")
    axes.legend(frameon=False, fontsize="x-small")


def draw_reduced(axes: Axes, reduced: Float, colors: Sequence[str], title: str = "") -> None:
    """Draw structures by their first two reduced numbers."""
    axes.scatter(reduced[:, 0], reduced[:, 1], s=4, c=list(colors), linewidths=0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize="small")


def family_colors(families: Integer) -> list[str]:
    """Return the color of each structure's family, gray for none (-1)."""
    return [COLORS[ANSWERS[index]] for index in families]
