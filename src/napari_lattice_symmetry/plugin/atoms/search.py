"""Finding atoms in the frames of a movie, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.analysis.reading import read_frame
from napari_lattice_symmetry.analysis.steps import Steps
from napari_lattice_symmetry.atoms import Atoms, FindParameters
from napari_lattice_symmetry.atoms.table import join, list_frames
from napari_lattice_symmetry.data.movie import Movie, is_blank
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.selection.source import Source

Finder: TypeAlias = Callable[..., Atoms]
"""Called with a movie of one frame and settings, as `find_atoms` is."""

_DOUBTFUL = 0.9


@dataclass(frozen=True, eq=False)
class SearchRequest:
    """What atoms are to be found in; all that a thread needs to know.

    Parameters
    ----------
    source : Source
        The movie and its place.
    frames : sequence of int
        Which of its frames.
    parameters : FindParameters
        How they are looked for.
    """

    source: Source
    frames: Sequence[int]
    parameters: FindParameters


@dataclass(frozen=True, eq=False)
class SearchAnswer:
    """What was found.

    Parameters
    ----------
    request : SearchRequest
        Where.
    atoms : Atoms
        Of all its frames.
    blank : tuple of int
        Frames that show nothing.
    """

    request: SearchRequest
    atoms: Atoms
    blank: tuple[int, ...]

    @property
    def searched(self) -> tuple[int, ...]:
        """Frames that show something."""
        return tuple(each for each in self.request.frames if each not in self.blank)

    def describe(self) -> str:
        """Say in a sentence or two what was found."""
        atoms, frames = self.atoms, self.request.frames
        where = f"frame {frames[0]}" if len(frames) == 1 else f"{len(frames)} frames"
        count = "1 atom" if len(atoms) == 1 else f"{len(atoms):,} atoms"
        text = f"{count} in {where}"
        doubtful = int((atoms.confidence < _DOUBTFUL).sum())
        text += f", {doubtful} of confidence below {_DOUBTFUL:g}" if doubtful else ""
        text += "" if atoms.spacing is None else f"; spacing {atoms.spacing:.3g} px"
        if self.blank:
            text += f". Constant or NaN, so left out: {list_frames(self.blank)}"
        return " ".join([f"{text}.", *atoms.remarks])


def one_frame(movie: Movie, frame: NDArray[Any]) -> Movie:
    """Return a movie of one of its frames, with the same name and pixel size."""
    return Movie.from_array(frame, name=movie.name, pixel_size=movie.pixel_size, unit=movie.unit)


def find_in_frames(request: SearchRequest, finder: Finder, steps: Steps) -> SearchAnswer:
    """Find atoms in some frames; those that show nothing are left out.

    The spacing that was measured in the first of them holds for the others.

    Parameters
    ----------
    request : SearchRequest
        Where.
    finder : callable
        Finds those of a frame.
    steps : Steps
        A step a frame.

    Raises
    ------
    InputError
        If no frame shows anything, or the finder refuses one.
    AnalysisError
        If a frame cannot be read, or this was cancelled.
    """
    movie, settings = request.source.movie, request.parameters.model_dump()
    tables: list[Atoms] = []
    blank: list[int] = []
    for number in request.frames:
        frame = read_frame(movie, number)
        if is_blank(frame):
            blank.append(number)
        else:
            found = finder(one_frame(movie, frame), **settings)
            settings["spacing"] = settings["spacing"] or found.spacing
            here = found.with_columns(frame=np.full(len(found), number, np.int64))
            tables.append(replace(here, unclear=(number,) if found.unclear else ()))
        steps.advance()
    if not tables:
        raise InputError(
            f"{movie.name}: {list_frames(blank)} is constant or NaN; choose one that shows atoms."
        )
    return SearchAnswer(request, replace(join(tables), name=movie.name), tuple(blank))
