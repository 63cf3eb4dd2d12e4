import numpy as np
import pytest

from napari_lattice_symmetry.lattice import simulate
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms
from napari_lattice_symmetry.spectrum.repetition import shortest_repetition


@pytest.mark.parametrize(
    ("basis", "period"),
    [
        (cell(12.4, 12.4, 90), 12.4),
        (cell(9.1, 9.1, 60), 9.1),
        (cell(8.0, 14.0, 90), 8.0),
        (cell(5.3, 5.3, 60), 5.3),
    ],
)
def test_the_period_is_the_shortest_lattice_vector(basis, period):
    atoms = lattice_points(basis @ rotation(19), (300, 320), (150, 150), 20)
    image = draw_atoms(atoms, np.ones(len(atoms)), 0.18 * period, (300, 320))
    counts = count_electrons(image + 0.1, 20, np.random.default_rng(0))
    assert shortest_repetition(counts) == pytest.approx(period, rel=0.02)


def test_a_second_atom_halfway_does_not_halve_the_period():
    basis = cell(16, 16, 90)
    atoms = lattice_points(basis, (256, 256), (0, 0), 20)
    both = np.concatenate([atoms, atoms + [8, 0]])
    weights = np.repeat([1.0, 0.4], len(atoms))
    image = draw_atoms(both, weights, 2.0, (256, 256))
    assert shortest_repetition(image) == pytest.approx(16, rel=0.02)


def test_noise_has_no_period():
    noise = np.random.default_rng(0).poisson(5, (256, 256))
    assert shortest_repetition(noise) is None
    assert shortest_repetition(np.full((128, 128), np.nan)) is None
    assert shortest_repetition(np.ones((128, 128))) is None


def test_turned_grains_do_not_mislead():
    movie = simulate("two-grains").movie
    assert shortest_repetition(movie.frame(0)) == pytest.approx(12, rel=0.03)
