"""Files of the first release: a growing hexagonal film, two frames of 3 x 4 windows."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from napari_lattice_symmetry.io import read_layer_stack
from napari_lattice_symmetry.results import MAPS, load_result
from napari_lattice_symmetry.results.export import layer_stack_result

HERE = Path(__file__).parent


@pytest.fixture
def saved(tmp_path):
    with zipfile.ZipFile(HERE / "first-release.zarr.zip") as packed:
        packed.extractall(tmp_path)
    return tmp_path / "first-release.zarr"


@pytest.fixture(params=["saved", "exported"])
def result(request, saved):
    if request.param == "saved":
        return load_result(saved)
    return layer_stack_result(read_layer_stack(HERE / "first-release.ome.tif"))


def test_all_is_read_as_it_was_written(result):
    assert result.done.tolist() == [True, True]
    assert result.times.tolist() == [0, 0.5]
    assert (result.unit, result.pixel_size) == ("nm", (0.02, 0.02))
    assert (result.name, result.source) == ("growth", "growth.tif")
    assert result.provenance["network"] == "fake"
    assert (result.parameters.window, result.parameters.seed) == (32, 3)
    assert result.parameters.distortion == ((1, 0.02), (0, 1))
    assert len(result.maps) == 15
    for name, maps in result.maps.items():
        assert maps.shape == MAPS[name].shape(2, result.grid), name
        assert maps.dtype == MAPS[name].dtype, name
    for labels in (result.labels, result.apparent_labels):
        assert np.asarray(labels[1]).tolist() == [[4, 4, 5, 6]] * 3
    assert np.asarray(result.metric_labels[1]).tolist() == [[4, 4, 0, 0]] * 3
    assert np.asarray(result.flags[1]).tolist() == [[0, 0, 4, 2], [0, 0, 2, 2], [0, 0, 2, 2]]
    assert np.asarray(result.agreement[1]).tolist() == [[1, 1, 0, 1]] * 3
    for name, value in {"a": 0.099, "b": 0.1, "gamma": 60.6, "orientation": 40.5}.items():
        maps = np.asarray(result.maps[name][1])
        np.testing.assert_allclose(maps[:, :2], value, rtol=0.005, err_msg=name)
        assert np.isnan(maps[:, 2:]).all()
    np.testing.assert_allclose(np.asarray(result.mean).sum(axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(result.fractions.sum(axis=1), 1)


def test_it_is_saved_anew_with_the_maps_that_it_has(result, tmp_path, monkeypatch):
    spec = type(MAPS["a"])(name="strain", about="", title="strain", short="strain")
    monkeypatch.setitem(MAPS, "strain", spec)  # as if a later version knew one more
    result.save(tmp_path / "again.zarr")
    again = load_result(tmp_path / "again.zarr")
    assert list(again.maps) == list(result.maps)
    assert "strain" not in again.maps


def test_a_map_that_was_lost_is_damage(saved):
    attributes = json.loads((saved / "zarr.json").read_text())["attributes"]
    assert "maps" not in attributes
    for file in (saved / "gamma").rglob("zarr.json"):
        file.unlink()
    with pytest.raises(ValueError, match=r"first-release\.zarr is damaged"):
        load_result(saved)
