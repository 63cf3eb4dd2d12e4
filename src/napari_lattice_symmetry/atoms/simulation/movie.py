"""A movie whose atoms are known in every frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_lattice_symmetry.atoms.simulation.pictures import AtomImage
from napari_lattice_symmetry.atoms.table import Atoms, join
from napari_lattice_symmetry.data.movie import NANOMETER, Movie

_BOND = 0.1825  # nm from Mo to S, as the layer is seen from above
_SPACING = 13.5
_MAX_VACANCIES = 0.06


@dataclass(frozen=True, eq=False)
class AtomMovie:
    """A simulated movie and its atoms.

    Parameters
    ----------
    movie : Movie
        Calibrated in nm.
    atoms : Atoms
        True columns of all frames.
    """

    movie: Movie
    atoms: Atoms


def sample_movie(frames: int = 8, size: int = 256, seed: int = 0) -> AtomMovie:
    """Simulate a layer of MoS2 that loses columns from frame to frame.

    Parameters
    ----------
    frames : int
        Number of frames; in the last 6 % of the columns are missing.
    size : int
        Side in pixels.
    seed : int
        Draws all that is random. A vacancy stays.

    Returns
    -------
    AtomMovie
        Movie and truth.

    Examples
    --------
    >>> sample = nls.atoms.sample_movie(frames=2, size=96)
    >>> sample.movie.shape, set(sample.atoms.label.tolist()) == {"Mo", "S"}
    ((2, 96, 96), True)
    """
    pictures = [
        AtomImage(
            material="MoS2",
            spacing=_SPACING,
            size=size,
            counts=60,
            vacancies=_MAX_VACANCIES * number / max(frames - 1, 1),
            jitter=0.02,
            seed=seed,
            frame=number,
        ).draw()
        for number in range(frames)
    ]
    pixel = _BOND / _SPACING
    movie = Movie.from_array(
        np.stack([picture.image for picture in pictures]).astype(np.float32),
        name="MoS2-vacancies",
        pixel_size=(pixel, pixel),
        unit=NANOMETER,
        frame_time=1.0,
        calibration_source="simulated",
    )
    tables = [
        picture.atoms.with_columns(frame=np.full(len(picture.atoms), number, np.int64))
        for number, picture in enumerate(pictures)
    ]
    return AtomMovie(movie, replace(join(tables), pixel_size=movie.pixel_size, name=movie.name))
