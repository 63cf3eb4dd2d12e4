"""The samples: a movie and its truth, on the same pixels."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.lattice import CLASSES, SIMULATIONS, simulate


@pytest.mark.parametrize("name", SIMULATIONS)
def test_a_sample_opens_with_its_truth(make_napari_viewer, monkeypatch, name):
    if name == "growing-holes":  # 90 frames take a while
        monkeypatch.setattr(
            "napari_lattice_symmetry.lattice.simulate",
            lambda name, **options: simulate(name, frames=3, size=128, **options),
        )
    viewer = make_napari_viewer()
    movie, truth = viewer.open_sample("napari-lattice-symmetry", name)
    assert movie.data.shape == truth.data.shape
    assert set(np.unique(truth.data)) <= set(range(1, 7))
    np.testing.assert_array_equal(movie.scale, truth.scale)
    assert movie.units == truth.units
    assert str(movie.units[-1]) == "nanometer"
    assert list(truth.features["class"]) == list(CLASSES)
    assert movie.visible
    assert not truth.visible


def test_the_sample_of_atoms_opens_with_its_truth(make_napari_viewer):
    viewer = make_napari_viewer()
    movie, truth = viewer.open_sample("napari-lattice-symmetry", "atoms")
    assert movie.data.shape == (8, 256, 256)
    np.testing.assert_array_equal(movie.scale, truth.scale)
    assert movie.units == truth.units
    assert set(truth.features["label"]) == {"Mo", "S"}
    counts = np.bincount(truth.data[:, 0].astype(int))
    assert (np.diff(counts) <= 0).all()
    assert counts[-1] < 0.97 * counts[0]


def test_the_sample_of_foci_opens_with_its_truth(make_napari_viewer):
    viewer = make_napari_viewer()
    series, truth = viewer.open_sample("napari-lattice-symmetry", "focal-series")
    assert series.data.shape == (3, 256, 256)
    np.testing.assert_array_equal(series.scale[1:], truth.scale)
    assert series.units[1:] == truth.units
    assert series.metadata["defoci"] == [-3, 2, 7]
    assert set(truth.features["label"]) == {"Mo", "2S", "S"}
    assert (truth.extent.data >= 0).all()
    assert (truth.extent.data <= 255).all()
