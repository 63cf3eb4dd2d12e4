import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.lattice.basis import (
    CellRanges,
    cell,
    inverse,
    lattice_parameters,
    lattice_points,
    random_basis,
    reduce_basis,
    rotation,
    symmetry_distances,
)

LATTICES = CLASSES[:5]


@given(
    a=st.floats(1, 30),
    ratio=st.floats(1, 4),
    gamma=st.floats(20, 160),
    turn=st.floats(0, 360),
    shears=st.tuples(st.integers(-5, 5), st.integers(-5, 5)),
)
def test_reduction_finds_the_same_shortest_basis_whatever_the_start(a, ratio, gamma, turn, shears):
    basis = cell(a, a * ratio, gamma) @ rotation(turn)
    first, second = shears
    other = np.array([[1, first], [0, 1]]) @ np.array([[1, 0], [second, 1]]) @ basis
    reduced = reduce_basis(other)
    u, v = reduced

    assert abs(np.linalg.det(reduced)) == pytest.approx(abs(np.linalg.det(basis)), rel=1e-6)
    np.testing.assert_allclose(
        np.linalg.norm(reduced, axis=1), np.linalg.norm(reduce_basis(basis), axis=1), rtol=1e-6
    )
    assert np.linalg.norm(u) <= np.linalg.norm(v) * (1 + 1e-9)
    assert -1e-9 <= u @ v <= (u @ u) / 2 * (1 + 1e-9)


def test_parallel_vectors_are_refused():
    with pytest.raises(ValueError, match="parallel"):
        reduce_basis(np.array([[1.0, 2.0], [2.0, 4.0]]))


@pytest.mark.parametrize(
    ("basis", "symmetric"),
    [
        (cell(5, 5, 90), {"square", "rectangular", "centered rectangular"}),
        (cell(5, 8, 90), {"rectangular"}),
        (cell(5, 5, 75), {"centered rectangular"}),
        (cell(5, 5, 40), {"centered rectangular"}),
        (cell(5, 5, 120), {"hexagonal", "centered rectangular"}),
        (cell(5, 7, 80), set()),
    ],
)
def test_symmetry_distance_is_zero_exactly_for_the_symmetries_a_lattice_has(basis, symmetric):
    distances = symmetry_distances(basis @ rotation(31))
    found = {name for name, distance in distances.items() if distance < 1e-9}
    assert found == symmetric


@pytest.mark.parametrize("name", LATTICES)
def test_random_cells_have_the_symmetry_of_their_class_and_keep_the_margin(name):
    rng = np.random.default_rng(1)
    ranges = CellRanges(margin=0.09, rectangular_ratio=(1.09, 2.2))
    for _ in range(200):
        basis = random_basis(name, rng, ranges)
        distances = symmetry_distances(basis)
        a, _b, _gamma = lattice_parameters(basis)
        assert 5.5 <= a <= 20.0001
        if name != "oblique":
            assert distances[name] < 1e-9
        higher = {
            "square": [],
            "hexagonal": [],
            "rectangular": ["square"],
            "centered rectangular": ["square", "hexagonal"],
            "oblique": list(distances),
        }[name]
        assert all(distances[other] >= 0.09 - 1e-9 for other in higher)


def test_noise_is_not_a_lattice():
    with pytest.raises(ValueError, match="noise"):
        random_basis("noise", np.random.default_rng(0), CellRanges())


def test_lattice_points_fill_the_frame_with_the_right_density():
    basis = cell(7, 9, 80) @ rotation(23)
    points = lattice_points(basis, (300, 400), (11.0, 5.0))
    area = abs(np.linalg.det(basis))
    assert len(points) == pytest.approx(300 * 400 / area, rel=0.03)
    indices = (points - [11.0, 5.0]) @ np.linalg.inv(basis)
    np.testing.assert_allclose(indices, np.round(indices), atol=1e-9)


def test_matrices_are_inverted_in_their_own_precision():
    matrices = np.random.default_rng(3).normal(size=(5, 7, 2, 2))
    np.testing.assert_allclose(inverse(matrices), np.linalg.inv(matrices), rtol=1e-9)
    assert inverse(matrices.astype(np.float32)).dtype == np.float32
