"""The option ``--known``: undo the distortion of a crystal whose lattice is known."""

from __future__ import annotations

from typing import Any

import click

from napari_lattice_symmetry.analysis import Known, measure_distortion, read_frame
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters, parse_parameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError


class KnownLattice(click.ParamType[Any]):
    """A lattice by its name, or as three numbers with commas."""

    name = "lattice"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Known:
        """Make numbers of what is no name."""
        if not isinstance(value, str) or value in ("square", "hexagonal"):
            known: Known = value
            return known
        try:
            a, b, gamma = map(float, value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not 'square', 'hexagonal' or A,B,GAMMA.", param, ctx)
        return a, b, gamma


known_option = click.option(
    "--known",
    type=KnownLattice(),
    metavar="LATTICE",
    help="The lattice that the crystal has: square, hexagonal, or A,B,GAMMA (in nm if the file is "
    "calibrated, and degrees). The distortion that makes it look otherwise is measured on the "
    "first frame, and undone.",
)


def corrected(movie: Movie, parameters: AnalysisParameters, known: Known) -> AnalysisParameters:
    """Measure the distortion of the first frame to analyze, and add it to the parameters.

    Raises
    ------
    InputError
        If the parameters hold a distortion already.
    InputError, AnalysisError
        As `measure_distortion`.
    """
    if parameters.distortion is not None:
        raise InputError("Give either --known or --distortion, not both.")
    index = parameters.frame_indices(len(movie))[0]
    found = measure_distortion(read_frame(movie, index), known, pixel_side=movie.pixel_side)
    click.echo(f"{movie.name}, frame {index}: {found}.")
    return parse_parameters(**(parameters.model_dump() | {"distortion": found.rows}))
