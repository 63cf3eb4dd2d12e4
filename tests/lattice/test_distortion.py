import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import (
    correct_basis,
    describe_stretch,
    pixel_distortion,
    solve_distortion,
)
from napari_lattice_symmetry.lattice.basis import (
    cell,
    lattice_parameters,
    reduce_basis,
    rotation,
)


def symmetric(rng, size=0.06):
    half = rng.normal(0, size, (2, 2))
    return np.eye(2) + (half + half.T) / 2


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("known", "gamma"), [("square", 90), ("hexagonal", 60)])
def test_the_distortion_that_was_applied_is_found(known, gamma, seed):
    rng = np.random.default_rng(seed)
    distortion = symmetric(rng)
    distortion /= np.sqrt(np.linalg.det(distortion))
    true = cell(9, 9, gamma) @ rotation(rng.uniform(0, 360))
    seen = np.array([[2, 1], [1, 1]]) @ true @ distortion.T
    np.testing.assert_allclose(solve_distortion(seen, known), distortion, atol=1e-12)


def test_a_known_cell_fixes_the_scale_too():
    rng = np.random.default_rng(0)
    distortion = 1.1 * symmetric(rng)
    true = cell(3.2, 5.5, 80) @ rotation(50)
    found = solve_distortion(true @ distortion.T, (3.2, 5.5, 80))
    np.testing.assert_allclose(found, distortion, atol=1e-12)


def test_a_shear_is_corrected_up_to_a_turn_of_the_image():
    seen = cell(8, 8, 60) @ rotation(17) @ np.array([[1, 0.12], [0, 1]]).T
    corrected = correct_basis(seen, solve_distortion(seen, "hexagonal"))
    a, b, gamma = lattice_parameters(reduce_basis(corrected))
    assert (a / b, gamma) == pytest.approx((1, 60))
    assert abs(np.linalg.det(corrected)) == pytest.approx(abs(np.linalg.det(seen)))


def test_the_distortion_of_a_symmetric_lattice_is_none():
    np.testing.assert_allclose(
        solve_distortion(cell(5, 5, 120), "hexagonal"), np.eye(2), atol=1e-12
    )


def test_pixels_that_are_not_square_are_a_distortion():
    seen = cell(10, 10, 90) / np.array([0.2, 0.3])
    corrected = correct_basis(seen, pixel_distortion((0.3, 0.2)))
    a, b, gamma = lattice_parameters(corrected)
    assert (a / b, gamma) == pytest.approx((1, 90))
    assert a * 0.3**0.5 * 0.2**0.5 == pytest.approx(10)


def test_many_bases_are_corrected_at_once():
    distortion = symmetric(np.random.default_rng(0))
    bases = np.stack([[cell(5, 6, 80), cell(7, 7, 60)], [cell(5, 5, 90), cell(4, 9, 88)]])
    corrected = correct_basis(bases @ distortion.T, distortion)
    np.testing.assert_allclose(corrected, bases, atol=1e-12)


@pytest.mark.parametrize("known", ["oblique", (0, 1, 90), (1, 1, 180)])
def test_what_fixes_no_lattice_is_refused(known):
    with pytest.raises(InputError, match=r"lattice|cell"):
        solve_distortion(cell(5, 5, 90), known)


def test_a_flat_basis_is_refused():
    with pytest.raises(InputError, match="spans no lattice"):
        solve_distortion(np.array([[1.0, 2.0], [2.0, 4.0]]), "square")


def test_a_stretch_is_described_by_ratio_and_direction():
    along = np.array([np.cos(0.5), np.sin(0.5)])
    distortion = 1.1 * (np.eye(2) + 0.2 * np.outer(along, along))
    assert describe_stretch(distortion @ rotation(40)) == pytest.approx((1.2, np.rad2deg(0.5)))
