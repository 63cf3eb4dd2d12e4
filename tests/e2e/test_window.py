"""The main job as a user does it: a real window, a real network, a click on Run."""

import numpy as np
import pytest
from qtpy.QtCore import QSettings, Qt

from napari_lattice_symmetry.lattice import LABELS

PLUGIN = "napari-lattice-symmetry"


@pytest.fixture
def window(make_shown_viewer, tmp_path, monkeypatch, qtbot):
    """A shown napari with the dock, and a way to click Run and wait."""
    settings = QSettings(str(tmp_path / "speed.ini"), QSettings.Format.IniFormat)
    monkeypatch.setattr("napari_lattice_symmetry.plugin.speed._settings", lambda: settings)
    viewer = make_shown_viewer()
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")

    def run(**parameters):
        for name, value in parameters.items():
            widget.parameters.controls[name].set(value)
        qtbot.mouseClick(widget.run_button, Qt.MouseButton.LeftButton)
        assert widget.run_button.text() == "Cancel"
        qtbot.waitUntil(lambda: widget.run.is_over, timeout=110_000)
        assert widget.run.error is None
        return next(layer for layer in widget.run.layers if layer.name.startswith("classes"))

    return viewer, run


def test_a_click_maps_the_grains_of_the_sample(window):
    viewer, run = window
    _image, truth = viewer.open_sample(PLUGIN, "two-grains")
    classes = run(window=128, stride=32, samples=20)

    found, true = [], []
    for index in np.ndindex(classes.data.shape):
        centre = classes.data_to_world(index)
        found.append(classes.data[index])
        true.append(truth.data[tuple(np.round(truth.world_to_data(centre)).astype(int))])
    found, true = np.array(found), np.array(true)
    for name in ("square", "hexagonal"):
        assert (found[true == LABELS[name]] == LABELS[name]).mean() > 0.85
    # Where a window says a lattice far from the strip, it is the right one.
    assert not np.any((found == LABELS["square"]) & (true == LABELS["hexagonal"]))


def test_a_click_maps_a_real_movie(window, shared_data):
    viewer, run = window
    (image,) = viewer.open(
        str(shared_data / "movies" / "graphene_hrtem_Dyna1_all.tif"), plugin=PLUGIN
    )
    classes = run(window=96, stride=32, samples=20)
    assert image.data.shape == (5, 256, 256)
    assert classes.data.shape == (5, 6, 6)
    assert (classes.data > 0).all()
    assert (classes.data == LABELS["hexagonal"]).mean() > 0.4
    assert (classes.data == LABELS["noise"]).any()
    np.testing.assert_allclose(classes.scale[1:], 32 * np.asarray(image.scale[1:]))
    np.testing.assert_allclose(classes.translate[1:], 47.5 * np.asarray(image.scale[1:]))
