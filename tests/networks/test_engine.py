"""ONNX Runtime against TensorFlow, which is the reference, with the networks that are shipped."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.registry import REGISTRY
from napari_lattice_symmetry.bravais.training_images import INSTRUMENT, PAPER, draw_windows
from napari_lattice_symmetry.errors import ModelError
from napari_lattice_symmetry.networks.engines import open_engine
from napari_lattice_symmetry.networks.engines.keras_engine import KerasEngine
from napari_lattice_symmetry.networks.engines.onnx_engine import OnnxEngine
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.networks.layers import AnglePadding, TurnedDense

ANALYZE = """
import sys
import numpy as np
import napari_lattice_symmetry as nls
from napari_lattice_symmetry.cli import main

frames = nls.simulate("two-grains").movie.frame(0)[:160, :192]
result = nls.analyze(frames, samples=5, network=NETWORK)
assert result.done.all()
assert result.provenance["versions"]["engine"].startswith("ONNX Runtime ")
np.save("frame.npy", frames)
options = ["--samples", "5", "--network", NETWORK, "--no-plots"]
main(["analyze", "frame.npy", *options], standalone_mode=False)
assert not {"keras", "tensorflow"} & {*sys.modules}
"""


@pytest.fixture
def archived(tmp_path):
    """Save layers as a .keras file, and read its content."""

    def archive(*layers, shape=(12, 8, 1)):
        keras.utils.set_random_seed(0)
        path = tmp_path / "network.keras"
        network = keras.Sequential([keras.Input(shape), *layers])
        for layer in network.layers:  # biases are zero at first
            weights = [rng.normal(0, 0.3, each.shape) for each in layer.get_weights()]
            layer.set_weights(weights)
        network.save(path)
        return path.read_bytes()

    rng = np.random.default_rng(0)
    return archive


def head():
    """Make what has to stand at the end."""
    layers = keras.layers
    return [layers.Dropout(0.3), layers.Dense(5, "relu"), layers.Dense(6, "softmax")]


def answers(engine, spectra):
    features = engine.trunk(spectra)
    sums = engine.heads(20, seed=1).sums(features, np.ones(len(spectra)))
    return engine.last_features(features), sums.probabilities / 20, sums.entropies / 20


def assert_same(archive, shape=(12, 8, 1)):
    spectra = np.random.default_rng(1).uniform(0, 2, (5, *shape)).astype(np.float32)
    onnx, reference = open_engine(archive), open_engine(archive, "tensorflow")
    assert isinstance(onnx, OnnxEngine)
    for found, expected in zip(answers(onnx, spectra), answers(reference, spectra), strict=True):
        assert np.ptp(expected) > 1e-3
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", ["compact", "published"])
def test_engines_give_the_same_answers(network):
    windows = np.concatenate([draw_windows(20, kind, seed=1)[0] for kind in (INSTRUMENT, PAPER)])
    onnx, reference = (load_model(network, engine) for engine in ("onnx", "tensorflow"))
    assert onnx.engine.startswith("ONNX Runtime ")
    assert reference.engine.startswith("TensorFlow ")
    found, expected = (model.classify(windows, 50, seed=2) for model in (onnx, reference))
    for name in ("mean", "std", "entropy", "mutual_information", "thinned_totals"):
        a, b = getattr(found, name), getattr(expected, name)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6, err_msg=name)
    a, b = onnx.features(windows), reference.features(windows)
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * b.max())


@pytest.mark.slow
@pytest.mark.parametrize("network", ["compact", "published"])
def test_an_analysis_loads_no_tensorflow(tmp_path, network):
    """In Python and by command; with the verdict where the network has one."""
    code = ANALYZE.replace("NETWORK", repr(network))
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=500)
    assert (tmp_path / "frame.zarr").exists()


def test_a_trunk_takes_few_spectra_at_a_time(monkeypatch):
    """What its layers hold at a time is most of the memory of an analysis."""
    engine, rows = load_model()._engine, []
    run = engine._trunk

    def counting(x):
        rows.append(len(x))
        return run(x=x)

    monkeypatch.setattr(engine, "_trunk", counting)
    spectra = np.random.default_rng(0).random((160, *engine.input_shape), np.float32)
    found = engine.trunk(spectra)
    assert rows == [64, 64, 32]
    np.testing.assert_allclose(found, run(x=spectra)[0], rtol=1e-5, atol=1e-5)


def test_paddings_of_a_chain_of_convolutions_are_done_at_once(archived):
    conv = keras.layers.Conv2D
    chain = [AnglePadding(1), conv(3, 3, activation="relu"), AnglePadding(2), conv(4, 5, strides=2)]
    assert_same(archived(*chain, TurnedDense(7), *head()))


def test_a_chain_ends_where_a_stride_does_not_divide_the_circle(archived):
    conv = keras.layers.Conv2D
    chain = [AnglePadding(2), conv(3, 5, strides=2), AnglePadding(2), conv(2, 5, strides=2)]
    assert_same(archived(*chain, keras.layers.Flatten(), *head(), shape=(12, 8, 2)), (12, 8, 2))
    uneven = [AnglePadding(2), conv(3, 5, strides=5), AnglePadding(1), conv(2, 3)]
    assert isinstance(open_engine(archived(*uneven, keras.layers.Flatten(), *head())), KerasEngine)


@pytest.mark.parametrize("n_angles", [12, 11, 1])
def test_turned_dense_layers_of_any_number_of_angles(archived, n_angles):
    shape = (n_angles, 3, 4)
    assert_same(archived(TurnedDense(7), *head(), shape=shape), shape)


def test_padded_pooled_and_dense_layers(archived):
    layers = keras.layers
    network = [
        layers.Conv2D(3, (3, 2), strides=(2, 1), padding="same", use_bias=False),
        layers.AveragePooling2D((3, 2)),
        layers.Dropout(0),
        layers.Flatten(),
        layers.Dense(9, "relu", use_bias=False),
    ]
    dropped = [layers.Dropout(0.3), layers.Dense(5, use_bias=False), layers.Dropout(0.2)]
    last = [layers.Dropout(0.1), layers.Dense(4, "relu"), layers.Dense(6, "softmax")]
    assert_same(archived(*network, *dropped, *last))


@pytest.mark.parametrize(
    "layer",
    [
        lambda: keras.layers.Conv2D(3, 3, activation="gelu"),
        lambda: keras.layers.Conv2D(3, 3, activation=keras.layers.LeakyReLU()),
        lambda: keras.layers.Conv2D(3, 1, data_format="channels_first"),
        lambda: keras.layers.Conv2D(3, 3, dilation_rate=2),
        lambda: keras.layers.AveragePooling2D(2, padding="same"),
        keras.layers.BatchNormalization,
        lambda: keras.layers.Dense(3),
        lambda: keras.layers.Dense(3, dtype="float64"),
        lambda: AnglePadding(1),
    ],
)
def test_what_has_no_translation_runs_in_tensorflow(archived, layer):
    archive = archived(layer(), keras.layers.Flatten(), *head())
    assert isinstance(open_engine(archive), KerasEngine)


def test_a_network_for_images_of_any_size_is_told_that_it_does_not_fit(archived, tmp_path):
    layers = [keras.layers.Conv2D(3, 3), keras.layers.GlobalAveragePooling2D(), *head()]
    (tmp_path / "any.keras").write_bytes(archived(*layers, shape=(None, None, 1)))
    with pytest.raises(ModelError, match=r"from \(None, None, 1\) to 6 values does not fit"):
        load_model(tmp_path / "any.keras")


@pytest.mark.parametrize("told", ["1,2", "0", "all"])
def test_whatever_openmp_is_told_stops_no_network(archived, monkeypatch, told):
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert_same(archived(keras.layers.Flatten(), *head()))


def test_a_network_of_parts_runs_in_tensorflow(tmp_path):
    spectrum = keras.Input((12, 8, 1))
    x = keras.layers.Flatten()(spectrum)
    for layer in head():
        x = layer(x)
    keras.Model(spectrum, x).save(tmp_path / "network.keras")
    assert isinstance(open_engine((tmp_path / "network.keras").read_bytes()), KerasEngine)


def test_the_network_in_keras_is_the_one_that_runs():
    model = load_model("compact")
    assert isinstance(model._engine, OnnxEngine)
    archive = (REGISTRY.folder / "compact.keras").read_bytes()
    theirs = open_engine(archive, "tensorflow").network.get_weights()
    for a, b in zip(model.network.get_weights(), theirs, strict=True):
        np.testing.assert_array_equal(a, b)
