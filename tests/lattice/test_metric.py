import numpy as np
import pytest

from napari_lattice_symmetry.lattice import LABELS
from napari_lattice_symmetry.lattice.basis import cell, reduce_basis, rotation, symmetry_distances
from napari_lattice_symmetry.lattice.metric import axis_indices, metric_class, nearest_higher


@pytest.mark.parametrize(
    ("basis", "name", "higher"),
    [
        (cell(5, 5.1, 89.5), "square", None),
        (cell(5, 5.1, 60.5), "hexagonal", None),
        (cell(5, 6, 89.5), "rectangular", "square"),
        (cell(5, 5.1, 78), "centered rectangular", "square"),
        (cell(5, 5.1, 65), "centered rectangular", "hexagonal"),
        (cell(5, 7, 80), "oblique", "rectangular"),
        (cell(5, 5.5, 68), "oblique", "centered rectangular"),
    ],
)
def test_a_metric_has_the_highest_symmetry_within_the_tolerance(basis, name, higher):
    distances = symmetry_distances(basis)
    assert metric_class(distances, 0.04) == name
    assert nearest_higher(name, distances) == higher


def test_a_tolerance_decides():
    distances = symmetry_distances(cell(10, 10.5, 90))
    assert metric_class(distances, 0.06) == "square"
    assert metric_class(distances, 0.04) == "rectangular"


@pytest.mark.parametrize("angle", [61, 70, 80, 89, 100, 130])
def test_the_axis_of_a_rhombus_is_the_shorter_side_of_its_rectangle(angle):
    rhombus = reduce_basis(cell(7, 7, angle) @ rotation(33))
    labels = np.array([LABELS["centered rectangular"], LABELS["oblique"]])
    indices, of_oblique = axis_indices(np.stack([rhombus, rhombus]), labels)
    axis = indices @ rhombus
    # The diagonals of the drawn rhombus are the sides of the rectangle.
    u, v = cell(7, 7, angle) @ rotation(33)
    shorter = min(u + v, u - v, key=lambda side: side @ side)
    assert abs(axis[0] * shorter[1] - axis[1] * shorter[0]) < 1e-9
    assert axis @ axis == pytest.approx(shorter @ shorter)
    np.testing.assert_array_equal(of_oblique, [1, 0])
