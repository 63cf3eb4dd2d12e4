"""What a result says at atoms: of the window that is nearest, in the frames that were analyzed."""

from __future__ import annotations

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import Atoms
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.inspection import symmetry_at_atoms
from napari_lattice_symmetry.lattice import LABELS
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS
from napari_lattice_symmetry.results import MovieResult

SIZE = 0.02


@pytest.fixture
def result():
    """Square on the left and hexagonal on the right of frames 1 and 3; 3 is not done."""
    movie = Movie(
        np.zeros((4, 32, 64), np.float32), name="made", pixel_size=(SIZE, SIZE), unit="nm"
    )
    settings = AnalysisParameters(
        window=32, stride=16, first_frame=1, frame_step=2, plane_groups=True
    )
    made = MovieResult.empty(movie, settings)
    made.labels[:] = [[[LABELS["square"], 0, LABELS["hexagonal"]]]] * 2
    made.plane_group[:] = [[[PLANE_GROUPS.index("p4m") + 1, 0, 0]]] * 2
    made.state[0] = 1
    return made


def test_an_atom_has_the_lattice_of_the_window_nearest_to_it(result):
    x, frame = [5, 30, 33, 60, 5, 5], [1, 1, 1, 1, 0, 3]
    told = symmetry_at_atoms(Atoms.at([16] * 6, x, frame=frame), result).more
    assert told["lattice_class"].tolist() == ["square", "", "", "hexagonal", "", ""]
    assert told["plane_group"].tolist() == ["p4m", "", "", "", "", ""]


def test_a_result_of_another_movie_is_refused(result):
    with pytest.raises(nls.LatticeSymmetryError, match="outside of the 32 x 64 px"):
        symmetry_at_atoms(Atoms.at([40], [5], frame=[1]), result)
    with pytest.raises(nls.LatticeSymmetryError, match=r"pixels of made are 0\.02 nm"):
        symmetry_at_atoms(Atoms.at([4], [5], frame=[1], pixel_size=(0.03, 0.03)), result)
