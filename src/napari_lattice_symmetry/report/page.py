"""A result as one page that can be handed on: figures, tables, settings, origin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.analysis.reading import try_to_read
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution.curves import class_curves
from napari_lattice_symmetry.evolution.growth import GrowthFit
from napari_lattice_symmetry.evolution.plots import plot_evolution, plot_growth
from napari_lattice_symmetry.files import as_path, replacing
from napari_lattice_symmetry.lattice import CLASSES, COLORS
from napari_lattice_symmetry.report import figures, numbers
from napari_lattice_symmetry.results.maps import MAPS
from napari_lattice_symmetry.results.plots import plot_fractions
from napari_lattice_symmetry.results.provenance import versions
from napari_lattice_symmetry.results.result import MovieResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARTICLE = (
    "R. K. Vasudevan et al., Mapping mesoscopic phase evolution during E-beam induced "
    "transformations via deep learning of atomically resolved images, npj Computational "
    "Materials 4, 30 (2018), doi:10.1038/s41524-018-0086-7"
)
SOFTWARE = "napari-lattice-symmetry developers, napari-lattice-symmetry, version {version}"

_MAX_FRAMES = 6


def write_report(
    result: MovieResult,
    path: str | Path,
    movie: Movie | None = None,
    *,
    growth: Sequence[GrowthFit] = (),
) -> Path:
    """Write a report on a result: one HTML file that needs no other, on the screen or printed.

    Parameters
    ----------
    result : MovieResult
        With at least one finished frame.
    path : path-like
        Where to; a file that is there is replaced.
    movie : Movie, optional
        What was analyzed, to show its frames under their maps. A movie that has changed
        meanwhile is left out, and the report says so.
    growth : sequence of GrowthFit
        Growth laws that were fitted to curves of the result.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If no frame is finished, or `path` cannot be written.
    """
    from jinja2 import Environment, StrictUndefined

    path = as_path(path)
    if not result.done.any():
        raise InputError(f"{result.name}: no frame is finished yet, so there is nothing to report.")
    source = files("napari_lattice_symmetry.report") / "templates" / "report.html.jinja"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(source.read_text(encoding="utf-8"))
    page = template.render(_contents(result, movie, growth))
    with replacing(path) as partial:
        # A path of a file system may hold what is no text.
        partial.write_bytes(page.encode("utf-8", "backslashreplace"))
    return path


def _contents(
    result: MovieResult, movie: Movie | None, growth: Sequence[GrowthFit]
) -> dict[str, Any]:
    sample = numbers.Sample.of(result)
    shown = movie is not None and _is_movie_of(result, movie)
    current = versions()
    curves = [figures.draw_curves("Phase fractions", partial(_plot_fractions, result))]
    if sample.labels.size:
        curves.append(figures.draw_curves("Uncertainty", partial(figures.plot_uncertainty, sample)))
    lattice = numbers.lattice_table(sample, result.unit)
    if lattice:
        plot = partial(figures.plot_lattice_parameters, sample, result.unit)
        curves.append(figures.draw_curves("Lattice parameters", plot))
    return {
        "name": result.name,
        "key_figures": numbers.key_figures(result, sample),
        "classes": numbers.class_table(result, sample),
        "has_agreement": bool(sample.agreement.any()),
        "step": sample.step,
        "curves": curves,
        "frames": _frames(result, movie if shown else None),
        "movie_changed": movie is not None and not shown,
        "whole_frames": shown,
        "aspect": figures.aspect_ratio(result, shown),
        "bar": figures.scale_bar(result, shown),
        "ramp": figures.color_ramp(),
        "most_uncertain": figures.MAX_ENTROPY,
        "colors": COLORS,
        "agreement_colors": dict(MAPS["agreement"].values.values()),
        "lattice": lattice,
        "is_verdict": result.parameters.is_verdict,
        "tolerance": result.parameters.tolerance,
        "growth": [_growth(fit) for fit in growth],
        "class_names": CLASSES,
        "fractions": numbers.fraction_table(result),
        "parameters": numbers.parameter_table(result.parameters),
        "origin": numbers.origin_table(result),
        "versions": numbers.versions_table(result),
        "command": numbers.command_line(result),
        "software": SOFTWARE.format(version=current["napari-lattice-symmetry"]),
        "article": ARTICLE,
        "written": datetime.now(UTC).isoformat(sep=" ", timespec="minutes"),
    }


def _plot_fractions(result: MovieResult) -> Figure:
    if len(result.done) > 1:
        return plot_evolution(list(class_curves(result).values()))
    figure = plot_fractions(result)
    figure.axes[0].set_title("")  # the page has the name
    return figure


def _growth(fit: GrowthFit) -> dict[str, Any]:
    title = f"Growth of {fit.curve.name}: {fit.law.formula}"
    return {
        "curves": figures.draw_curves(title, partial(plot_growth, fit)),
        "rows": numbers.growth_table(fit),
        "initial_end": f"{fit.initial_end:.4g} {fit.curve.time_unit}",
    }


def _frames(result: MovieResult, movie: Movie | None) -> list[dict[str, Any]]:
    """Choose finished frames evenly from the first to the last, and draw them."""
    done = np.flatnonzero(result.done)
    chosen = np.unique(np.linspace(0, len(done) - 1, _MAX_FRAMES).round().astype(int))
    frames = []
    for row in done[chosen].tolist():
        index = int(result.frame_indices[row])
        pixels = None if movie is None else try_to_read(movie, index)[0]
        title = f"Frame {index}"
        if result.frame_time is not None:
            title += f", {result.times[row]:.4g} s"
        whole = movie is not None
        frames.append(
            {"title": title, "pictures": figures.draw_pictures(result, row, pixels, whole=whole)}
        )
    return frames


def _is_movie_of(result: MovieResult, movie: Movie) -> bool:
    """Return whether a movie is still what was analyzed."""
    fits = movie.shape[1:] == result.grid.frame_shape and len(movie) > result.frame_indices.max()
    fingerprint = result.provenance.get("movie_sha256")
    return fits and (fingerprint is None or fingerprint == movie.fingerprint)
