"""Preview, inspector, evolution and kinetics of a real movie, with the real network."""

import numpy as np
import pytest
from evolution_bench import hint
from qtpy.QtCore import Qt

from napari_lattice_symmetry.evolution.curves import BRIGHTNESS, HOLES
from napari_lattice_symmetry.lattice import CLASSES

PLUGIN = "napari-lattice-symmetry"
WINDOW, STRIDE, SAMPLES = 64, 20, 10


@pytest.fixture
def opened(make_shown_viewer, shared_data):
    """Ten frames of a scanning tunnelling microscope in a shown napari, and the dock."""
    viewer = make_shown_viewer()
    viewer.open(str(shared_data / "movies" / "faststm_hex_10frames.npy"), plugin=PLUGIN)
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
    for name, value in {"window": WINDOW, "stride": STRIDE, "samples": SAMPLES}.items():
        widget.parameters[name].value = value
    return viewer, widget


def test_a_real_movie_goes_through_all_docks(opened, qtbot):
    viewer, analysis = opened

    def wait(condition):
        qtbot.waitUntil(condition)

    viewer.dims.set_current_step(0, 4)
    analysis.preview.box.setChecked(True)
    wait(lambda: analysis.preview.layer is not None and not analysis.preview._requests.is_busy)
    previewed = np.asarray(analysis.preview.layer.data).squeeze()
    analysis.preview.box.setChecked(False)
    qtbot.mouseClick(analysis.run_button, Qt.MouseButton.LeftButton)
    wait(lambda: analysis.run is not None and analysis.run.is_over)
    result = analysis.run.result
    assert result.done.all()
    np.testing.assert_array_equal(previewed, result.network_labels[4])

    viewer.layers.selection.active = analysis.run.layers[0]
    _, inspector = viewer.window.add_plugin_dock_widget(PLUGIN, "Inspect a window")
    inspector.parameters["samples"].value = SAMPLES
    viewer.dims.set_current_step(0, 4)
    wait(lambda: inspector.inspection is not None and not inspector.requests.is_busy)
    assert inspector.inspection.frame == 4
    place = tuple(np.array(inspector.inspection.corner) // STRIDE)
    np.testing.assert_allclose(inspector.inspection.mean, result.mean[:, 4, *place], atol=1e-4)

    _, evolution = viewer.window.add_plugin_dock_widget(PLUGIN, "Phase evolution")
    curves, kinetics = evolution.curves, evolution.kinetics
    curves.holes.setChecked(True)
    evolution.brightness.form["shown"].value = True
    wait(lambda: [c.name for c in curves.curves] == [*CLASSES, HOLES, BRIGHTNESS])
    assert all(np.isfinite(curve.values).all() for curve in curves.curves)
    np.testing.assert_array_equal(curves.curves[3].values, result.fractions[:, 3])

    evolution.tabs.setCurrentWidget(kinetics)
    wait(lambda: not kinetics.is_busy)
    is_flat = np.ptp(curves.curves[-2].values) == 0
    wait(lambda: ("in all frames; there is no growth to fit" in hint(evolution)) == is_flat)
    kinetics.form["curve"].native.setCurrentText("P(hexagonal)")
    wait(lambda: kinetics.fit is not None and not kinetics.is_busy)
    assert "Nothing grows measurably" in evolution.status.text()
    assert kinetics.laws_text.text().startswith("AICc: constant +0 ")
    assert "too few frames" not in kinetics.laws_text.text()  # ten are enough for all laws
