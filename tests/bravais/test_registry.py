import json
import shutil
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

import numpy as np
import pytest

from napari_lattice_symmetry.bravais import classifier, load_model
from napari_lattice_symmetry.bravais.registry import REGISTRY
from napari_lattice_symmetry.errors import ModelError
from napari_lattice_symmetry.networks import ENGINES
from napari_lattice_symmetry.networks.registry import NetworkFile, Registry, file_sha256


def test_shipped_weights_are_those_in_the_registry_and_small():
    for name, entry in REGISTRY.entries.items():
        file = REGISTRY.folder / entry["file"]
        assert file_sha256(file) == entry["sha256"]
        assert file.stat().st_size < 10e6
        assert load_model(name).sha256 == entry["sha256"]
        assert {"command", "figures"} <= set(entry)


def test_a_model_is_loaded_once():
    assert load_model("compact") is load_model()


def test_threads_that_ask_at_once_share_one_load(tmp_path, monkeypatch):
    path = tmp_path / "mine.keras"
    shutil.copy(REGISTRY.folder / REGISTRY.entries["compact"]["file"], path)
    plain, read = NetworkFile.read, []
    begun, go_on = Event(), Event()

    def reading(file):
        read.append(file)
        begun.set()
        go_on.wait(60)
        return plain(file)

    monkeypatch.setattr(NetworkFile, "read", reading)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(load_model, path)
        begun.wait(60)
        second = threads.submit(load_model, path)
        done, _ = wait([second], timeout=0.5)  # time in which it would begin to read
        go_on.set()
    assert not done
    assert first.result() is second.result()
    assert len(read) == 1


def test_weights_that_were_changed_are_refused(tmp_path, monkeypatch):
    shutil.copytree(REGISTRY.folder, tmp_path / "weights")
    file = tmp_path / "weights" / REGISTRY.entries["compact"]["file"]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    monkeypatch.setattr(classifier, "REGISTRY", Registry(tmp_path / "weights"))
    with pytest.raises(ModelError, match="SHA-256"):
        load_model("compact")


def test_a_network_from_a_file_is_named_and_hashed(tmp_path):
    path = tmp_path / "mine.keras"
    shutil.copy(REGISTRY.folder / REGISTRY.entries["compact"]["file"], path)
    model = load_model(path)
    assert model.name == "mine"
    assert model.sha256 == REGISTRY.entries["compact"]["sha256"]


def test_files_that_are_no_networks_are_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match="'resnet' is no network"):
        load_model("resnet")
    with pytest.raises(ModelError, match=r"missing\.keras does not exist"):
        load_model(tmp_path / "missing.keras")
    text = tmp_path / "text.keras"
    text.write_text(json.dumps({"class_name": "Sequential"}))
    with pytest.raises(ModelError, match=r"text\.keras cannot be read"):
        load_model(text)


def test_a_network_of_another_kind_is_refused(tmp_path):
    from napari_lattice_symmetry.networks.keras_loading import keras

    path = tmp_path / "other.keras"
    drop, dense = keras.layers.Dropout(0.1), keras.layers.Dense(6)
    keras.Sequential([keras.Input((8,)), drop, dense]).save(path)
    for engine in ENGINES:
        with pytest.raises(ModelError, match=r"\(8,\) to 6 values does not fit"):
            load_model(path, engine)


def test_there_is_no_other_engine():
    with pytest.raises(ModelError, match="'torch' is no engine; use 'onnx' or 'tensorflow'"):
        load_model("compact", "torch")


def test_a_network_with_a_lambda_is_not_run(tmp_path):
    from napari_lattice_symmetry.networks.keras_loading import keras

    path = tmp_path / "lambda.keras"
    model = keras.Sequential([keras.Input((8,)), keras.layers.Lambda(lambda x: x + 1)])
    model.save(path)
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(path)


@pytest.mark.parametrize("layer", [0, -1])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_without_finite_weights_is_blamed_itself(tmp_path, engine, layer):
    path = tmp_path / "diverged.keras"
    from napari_lattice_symmetry.networks.engines.keras_engine import load_network

    network = load_network(REGISTRY.find("compact").read())
    changed = [each for each in network.layers if each.get_weights()][layer]
    changed.set_weights([np.full_like(value, np.nan) for value in changed.get_weights()])
    network.save(path)
    windows = np.random.default_rng(0).normal(size=(3, 32, 32))
    with pytest.raises(ModelError, match="'diverged' answers with no numbers"):
        load_model(path, engine).classify(windows, samples=2)
