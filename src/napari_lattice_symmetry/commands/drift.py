"""The command ``lattice-symmetry drift``."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from napari_lattice_symmetry.commands.shared.options import (
    PATH,
    calibration_options,
    file_options,
    outputs_option,
    overwrite_option,
)
from napari_lattice_symmetry.commands.shared.progress import progress
from napari_lattice_symmetry.commands.shared.results import require_result
from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.data.movie import Movie, unit_name
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution.drift import (
    Drift,
    correct_drift,
    measure_drift,
    plot_drift,
    write_drift,
)
from napari_lattice_symmetry.files import check_free
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.io.writing.write import WRITTEN_SUFFIXES, write_layer_stack
from napari_lattice_symmetry.results.plots import save_figure

_TABLES, _FIGURES = (".csv",), (".png", ".svg")


@click.command()
@click.argument("file", type=PATH)
@click.option(
    "--result",
    type=PATH,
    help="A saved result of FILE with lattice maps, from which stretch, shear and rotation are "
    "read; its frames alone are measured then.",
)
@outputs_option(
    f"Also write the shifts ({', '.join(_TABLES)}), their figure ({', '.join(_FIGURES)}) or the "
    f"movie without drift ({', '.join(WRITTEN_SUFFIXES)}); can be given several times."
)
@overwrite_option
@file_options
@calibration_options
def drift(
    file: Path,
    *,
    result: Path | None,
    outputs: tuple[Path, ...],
    overwrite: bool,
    dataset: str | None,
    channel: str | None,
    pixel_size: tuple[float, float] | None,
    frame_time: float | None,
) -> None:
    """Measure how the frames of the movie FILE drift, and undo it.

    Frames are compared with earlier ones (registration). A shift between two frames that show
    nothing but a lattice is known up to a lattice vector; the smallest is taken.
    """
    for output in outputs:
        if not output.name.lower().endswith((*_TABLES, *_FIGURES, *WRITTEN_SUFFIXES)):
            raise InputError(
                f"{output} must end in {', '.join((*_TABLES, *_FIGURES, *WRITTEN_SUFFIXES))}."
            )
        if output.suffix.lower() in (*_TABLES, *_FIGURES):
            check_free(output, overwrite=overwrite)
    movie = read_movie(file, dataset=dataset, channel=channel, lazy=True)
    movie = movie.recalibrated(pixel_size, frame_time)
    loaded = None if result is None else require_result(result)
    n_frames = len(movie) if loaded is None else len(loaded.state)
    with progress(movie.name, n_frames, unit="frame") as shown:
        found = measure_drift(movie, loaded, progress=lambda done, total: shown.show(done))
    click.echo("\n".join(filter(None, [_summary(found), found.remark])))
    for output in outputs:
        _write(movie, found, output, overwrite=overwrite)
        click.echo(f"Wrote {output}.")


def _summary(found: Drift) -> str:
    """Return how far the last frame lies from the first."""
    known = np.flatnonzero(np.isfinite(found.shifts).all(axis=1))
    n, last = len(found.shifts), known[-1]
    down, right = found.shifts[last]
    skipped = f", {n - len(known)} skipped" if len(known) < n else ""
    return (
        f"{len(known)} of {n} frames{skipped}; frame {found.frame_indices[last]} lies "
        f"{right:+.2g} {unit_name(found.unit)} along x and {down:+.2g} along y (down) from the "
        "first."
    )


def _write(movie: Movie, found: Drift, output: Path, *, overwrite: bool) -> None:
    suffix = output.suffix.lower()
    if suffix in _TABLES:
        write_drift(found, output)
    elif suffix in _FIGURES:
        save_figure(plot_drift(found, movie.name), output)
    else:
        corrected = correct_drift(movie, found)
        stack = LayerStack(
            name=corrected.name,
            images={corrected.name: corrected.frames},
            scale=(corrected.frame_time or 1.0, *corrected.pixel_size),
            unit=corrected.unit,
            timed=corrected.frame_time is not None,
        )
        write_layer_stack(stack, output, overwrite=overwrite)
