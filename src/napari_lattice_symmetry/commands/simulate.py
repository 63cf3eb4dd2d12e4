"""The command ``lattice-symmetry simulate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry import lattice
from napari_lattice_symmetry.commands.shared.options import output_option, overwrite_option
from napari_lattice_symmetry.commands.shared.outputs import beside
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import check_free, replacing


@click.command()
@click.argument("name", type=click.Choice(list(lattice.SIMULATIONS)))
@output_option("TIFF file for the movie.  [default: NAME.tif, here]")
@overwrite_option
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--frames",
    type=click.IntRange(1),
    help="Number of frames, where the movie can have more or fewer.",
)
def simulate(
    name: str, output: Path | None, overwrite: bool, seed: int, frames: int | None
) -> None:
    """Simulate the movie NAME, whose classes are known.

    Writes the movie (calibrated TIFF that ImageJ and napari open) and, beside it, the true class
    of every pixel (_classes.tif, label values 1 to 6) and its parameters (_parameters.json).
    """
    output = output or Path(f"{name}.tif")
    if output.suffix.lower() not in (".tif", ".tiff"):
        raise InputError(f"The output {output} must be named .tif.")
    classes, parameters = (beside(output, end) for end in ("classes.tif", "parameters.json"))
    for path in (output, classes, parameters):
        check_free(path, overwrite=overwrite)
    simulated = lattice.simulate(name, seed=seed, **({} if frames is None else {"frames": frames}))
    movie = simulated.movie
    _write_tiff(output, np.asarray(movie.frames), movie)
    _write_tiff(classes, simulated.classes, movie)
    with replacing(parameters) as partial:
        partial.write_text(json.dumps(simulated.parameters, indent=2) + "\n", encoding="utf-8")
    click.echo(f"Wrote {output}, {classes}, {parameters}.")


def _write_tiff(path: Path, stack: NDArray[Any], movie: Movie) -> None:
    """Write a stack (T, Y, X) with the calibration of `movie`, in the dialect of ImageJ."""
    import tifffile

    if stack.dtype not in (np.uint8, np.uint16, np.float32):
        stack = stack.astype(np.float32)
    y, x = movie.pixel_size
    metadata: dict[str, Any] = {"axes": "TYX", "unit": movie.unit}
    if movie.frame_time is not None:
        metadata["finterval"] = movie.frame_time
    with replacing(path) as partial:
        tifffile.imwrite(partial, stack, imagej=True, resolution=(1 / x, 1 / y), metadata=metadata)
