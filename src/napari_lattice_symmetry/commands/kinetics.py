"""The command ``lattice-symmetry kinetics``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from napari_lattice_symmetry.commands.shared.options import PATH, outputs_option, overwrite_option
from napari_lattice_symmetry.commands.shared.outputs import check_outputs
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution.brightness import (
    Brightness,
    brightness_curve,
    measure_brightness,
)
from napari_lattice_symmetry.evolution.curves import Curve, class_curves
from napari_lattice_symmetry.evolution.growth import GrowthFit, akaike_weights, remark
from napari_lattice_symmetry.evolution.holes import hole_curve
from napari_lattice_symmetry.evolution.kinetics import compare_laws
from napari_lattice_symmetry.evolution.plots import plot_growth
from napari_lattice_symmetry.evolution.tables import write_fits
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.results import MovieResult, load_result
from napari_lattice_symmetry.results.plots import save_figure

_ENDINGS = (".csv", ".png", ".svg")


@click.command()
@click.argument("result", type=PATH)
@click.option(
    "--initial",
    type=float,
    help="Where the initial interval ends that C is the level of, in s (frames without a frame "
    "time).  [default: half of the movie]",
)
@click.option(
    "--of",
    "what",
    type=click.Choice(["holes", "brightness", *CLASSES]),
    default="holes",
    show_default=True,
    help="What grows: the area without a lattice, the holes by their brightness in --movie, or "
    "the mean probability of a class.",
)
@click.option("--movie", type=PATH, help="The movie, to measure its brightness.")
@outputs_option(f"Also write the numbers or the figure: {', '.join(_ENDINGS)}.")
@overwrite_option
def kinetics(
    result: Path,
    *,
    initial: float | None,
    what: str,
    movie: Path | None,
    outputs: tuple[Path, ...],
    overwrite: bool,
) -> None:
    """Fit how fast a phase grows in a saved RESULT.

    The exponential A0 exp(rho (t - t1)) + C with the first frame at t1, logistic and Avrami
    growth, and none at all, with 95 % intervals and the weight of evidence by AICc.
    """
    check_outputs(outputs, _ENDINGS, overwrite=overwrite)
    loaded = load_result(result)
    end = float(loaded.times[[0, -1]].mean()) if initial is None else initial
    fits = compare_laws(_curve(loaded, what, movie), end)
    click.echo("\n".join(filter(None, _table(fits))))
    for output in outputs:
        if output.suffix.lower() == ".csv":
            write_fits(fits, output)
        else:
            save_figure(plot_growth(fits[0], loaded.name), output)
        click.echo(f"Wrote {output}.")


def _curve(result: MovieResult, what: str, path: Path | None) -> Curve:
    if what == "holes":
        return hole_curve(result)
    if what in CLASSES:
        return class_curves(result)[what]
    if path is None:
        raise InputError("Give the movie whose brightness to measure with --movie.")
    movie = read_movie(path, lazy=True)
    if movie.shape[1:] != result.grid.frame_shape or len(movie) <= result.frame_indices[-1]:
        raise InputError(f"{path} is not the movie that was analyzed: its frames are other ones.")
    rows = list(measure_brightness(movie, result.frame_indices))
    return brightness_curve(result, Brightness(np.array(rows)))


def _table(fits: list[GrowthFit]) -> Iterator[str]:
    """Tell each law, the best by AICc first, with its parameters."""
    curve, end = fits[0].curve, fits[0].initial_end
    yield f"{curve.name}, initial level C up to {end:.4g} {curve.time_unit}"
    for fit, weight in zip(fits, akaike_weights(fits), strict=True):
        yield f"{fit.law.name}: {fit.law.formula}  (AICc {fit.aic:.1f}, weight {weight:.2f})"
        for name, each in fit.estimates.items():
            interval = f"[{each.low:.4g}, {each.high:.4g}] {each.unit}"
            yield f"  {name:<17} {each.value:.4g} {interval}{' (at a bound)' * each.at_bound}"
    yield remark(fits, fits[0])
