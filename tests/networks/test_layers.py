import numpy as np
import pytest

from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.networks.layers import TurnedDense


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(5, 12, 3, 4)).astype(np.float32)


def apply(layer, images):
    return keras.ops.convert_to_numpy(layer(images))


@pytest.mark.parametrize("n_angles", [12, 11])
def test_a_turned_dense_layer_is_the_mean_of_a_dense_layer_over_all_turns(images, n_angles):
    images = images[:, :n_angles]
    layer = TurnedDense(7)
    found = apply(layer, images)
    dense = keras.layers.Dense(7, activation="relu")
    dense.build((None, n_angles * 12))
    dense.set_weights(layer.get_weights())
    turns = [np.roll(images, -turn, axis=1).reshape(5, -1) for turn in range(n_angles)]
    np.testing.assert_allclose(
        found, np.mean([apply(dense, turned) for turned in turns], axis=0), atol=1e-5
    )


def test_a_turned_dense_layer_does_not_see_a_turn(images):
    layer = TurnedDense(7)
    found = apply(layer, images)
    np.testing.assert_allclose(apply(layer, np.roll(images, 5, axis=1)), found, atol=1e-5)
    assert np.abs(apply(layer, np.roll(images, 1, axis=2)) - found).max() > 0.01


def test_a_saved_turned_dense_layer_comes_back(tmp_path, images):
    model = keras.Sequential([keras.Input(images.shape[1:]), TurnedDense(7)])
    model.save(tmp_path / "turned.keras")
    again = keras.saving.load_model(tmp_path / "turned.keras")
    np.testing.assert_array_equal(apply(again, images), apply(model, images))
