import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import LABELS, SIMULATIONS, simulate
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS, family_of

SMALL = {
    "growing-holes": {"frames": 3, "size": 128},
    "square-to-hexagonal": {"frames": 3, "size": 64},
    "two-grains": {"size": 128},
    "gallery": {"size": 64},
    "plane-groups": {"size": 64},
}


@pytest.mark.parametrize("name", SIMULATIONS)
def test_a_simulation_is_a_calibrated_movie_with_a_label_for_every_pixel(name):
    simulated = simulate(name, **SMALL[name])
    assert simulated.movie.unit == "nm"
    assert simulated.classes.shape == simulated.movie.shape
    assert simulated.classes.min() >= 1
    assert simulated.classes.max() <= 6
    again = simulate(name, **SMALL[name])
    np.testing.assert_array_equal(simulated.movie.frames, again.movie.frames)


def test_holes_grow_by_the_law_they_were_given():
    simulated = simulate("growing-holes", frames=90, size=128)
    times = np.arange(90) * simulated.movie.frame_time
    law = 1.85e-5 * np.exp(0.0478 * times) + 0.059
    fraction = (simulated.classes == LABELS["noise"]).mean(axis=(1, 2))
    np.testing.assert_allclose(fraction, law, atol=2 / 128**2)
    np.testing.assert_allclose(simulated.parameters["hole_fraction"], fraction)
    assert fraction[-1] > 0.3


def test_holes_are_dark_and_the_film_is_not():
    simulated = simulate("growing-holes", frames=2, size=256)
    frame, hole = simulated.movie.frame(1), simulated.classes[1] == LABELS["noise"]
    assert frame[hole].mean() < 0.5 * frame[~hole].mean()


def test_the_gallery_shows_the_classes_in_order():
    simulated = simulate("gallery", size=64)
    np.testing.assert_array_equal(simulated.classes[:, 0, 0], range(1, 7))


def test_the_plane_groups_are_drawn_in_order_on_their_lattices():
    simulated = simulate("plane-groups", size=64)
    assert simulated.parameters["plane_groups"] == list(PLANE_GROUPS)
    families = [LABELS[family_of(group)] for group in PLANE_GROUPS]
    np.testing.assert_array_equal(simulated.classes[:, 0, 0], families)


def test_unknown_simulations_and_options_are_refused_with_a_sentence():
    with pytest.raises(InputError, match="growing-holes"):
        simulate("melting")
    with pytest.raises(InputError, match="color"):
        simulate("gallery", color="red")
