"""The dock widget in real windows: what it tells, what it runs, what it keeps."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_lattice_symmetry import CLASSES, load_result
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters

NO_SETTINGS = "Select an image that was analyzed, or a map of it, to load its settings."


def test_a_click_on_run_fills_aligned_layers(shown_bench, stack):
    bench = shown_bench
    image = bench.viewer.add_image(stack, name="edge", scale=(1, 0.5, 0.5), units=("s", "nm", "nm"))

    bench.qtbot.mouseClick(bench.widget.run_button, Qt.MouseButton.LeftButton)
    assert bench.widget.run_button.text() == "Cancel"
    bench.finish()

    layers = bench.layers()
    assert set(layers) == {"classes", *CLASSES}
    assert {layer.data.shape for layer in layers.values()} == {(4, 7, 11)}
    labels = layers["classes"]
    assert np.all(labels.data[:, :, 0] == 1)
    assert np.all(labels.data[:, :, -1] == 4)
    assert labels.visible
    assert not any(layers[name].visible for name in CLASSES)
    assert np.nanmax(layers["hexagonal"].data[..., -1]) > 0.4
    assert list(labels.features["class"]) == list(CLASSES)
    assert labels.features["area share"].sum() == pytest.approx(1, abs=1e-3)
    for layer in layers.values():
        assert layer.units == image.units
        assert layer.axis_labels == image.axis_labels
    assert bench.widget.run_button.text() == "Run"
    assert "4 frames" in bench.widget.status.text()
    assert bench.viewer.dims.current_step[0] == 3  # it followed the frames
    labels.opacity = 1
    colors = bench.viewer.screenshot(flash=False)[..., :3].reshape(-1, 3).astype(int)
    for value in (1, 4):  # they are really drawn
        expected = 255 * labels.colormap.map(value)[:3]
        assert np.any(np.all(np.abs(colors - expected) < 3, axis=1))


def test_probabilities_and_uncertainty_are_shown_where_asked_for(bench, stack):
    bench.viewer.add_image(stack)
    bench.widget.show_probabilities.setChecked(True)
    bench.widget.show_uncertainty.setChecked(True)
    bench.run()
    layers = bench.layers()
    assert all(layer.visible for layer in layers.values())
    assert all(layers[name].blending == "additive" for name in CLASSES)


def test_channels_are_asked_for(bench, messages, stack):
    bench.viewer.add_image(np.stack([0 * stack, stack], axis=1), name="two", scale=(1, 3, 1, 1))
    bench.widget.show()
    assert bench.widget.form.isRowVisible(bench.widget.channel_chooser)
    bench.widget.run_button.click()
    assert messages() == ["'two' has 2 channels; choose one."]

    bench.widget.channel_chooser.setCurrentText("1")
    bench.run()
    labels = bench.layers()["classes"]
    assert labels.data.shape == (4, 1, 7, 11)
    assert np.all(labels.data[..., -1] == 4)
    for channel in (0, 3):  # seen at both channels, which lie 3 apart
        assert labels.get_value((0, channel, 16, 95), world=True) == 4


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rotate": 10}, "'layer' is rotated, sheared"),
        ({"affine": np.diag([2.0, 1, 1, 1])}, "'layer' is rotated, sheared"),
    ],
)
def test_transformed_layers_are_refused(bench, messages, stack, options, sentence):
    bench.viewer.add_image(stack, name="layer", **options)
    assert sentence in bench.widget.summary.problem_text.text()
    bench.widget.run_button.click()
    assert len(messages()) == 1
    assert sentence in messages()[0]
    assert not bench.widget.is_running


def test_five_axes_are_refused(bench, messages):
    bench.viewer.add_image(np.zeros((2, 2, 2, 40, 40)), name="deep")
    bench.widget.run_button.click()
    assert len(messages()) == 1
    assert messages()[0].startswith("'deep' has 5 axes")


def test_wrong_settings_are_told_at_once(bench, messages, stack):
    assert "Open an image" in bench.widget.summary.problem_text.text()
    bench.viewer.add_image(stack)
    assert not bench.widget.summary.problem_text.text()
    bench.set(window=100)
    problem = bench.widget.summary.problem_text
    assert "100 px does not fit into frames of 80 x 112 px" in problem.text()
    bench.widget.run_button.click()
    assert messages() == [problem.text()]
    bench.set(window=32)
    bench.set(first_frame=9)
    assert "nothing to analyze" in problem.text()


def test_a_constant_stack_is_one_sentence(bench, messages, stack):
    bench.viewer.add_image(np.full_like(stack, 3), name="dark", contrast_limits=(0, 5))
    bench.run()
    assert len(messages()) == 1
    assert messages()[0].startswith("dark: every frame")
    assert len(bench.viewer.layers) == 1


def test_it_tells_what_is_to_come(bench):
    y, x = np.mgrid[:256, :256]
    lattice = np.cos(2 * np.pi * x / 8) + np.cos(2 * np.pi * y / 8)
    bench.viewer.add_image(lattice[np.newaxis], scale=(1, 0.1, 0.1), units=("pixel", "nm", "nm"))
    bench.set(window=64, stride=64)
    summary = bench.widget.summary
    bench.wait(lambda: "periods" in summary.window_text.text())
    assert summary.window_text.text() == "6.4 nm, period 0.8 nm = 8.0 px, 8.0 periods in 64 px"
    assert summary.window_text.toolTip() == "By a lattice fitted to 9 of 9 windows."
    assert bench.widget.summary.grid_text.text() == "4 x 4 = 16 a frame, 1 frame"
    assert bench.widget.summary.time_text.text() == "not measured yet"

    bench.set(window=32)
    assert summary.window_text.text().endswith("too few")
    assert summary.window_button.text() == "Use 80 px, 10 periods"
    summary.window_button.click()
    assert bench.widget.parameters.values().window == 80
    assert summary.window_button.isHidden()

    bench.set(stride=16)
    bench.run()
    assert bench.widget.summary.time_text.text() == "about 1 s for 1 frame"
    bench.set(samples=50)
    assert bench.widget.summary.time_text.text().startswith("roughly")


def test_the_status_shows_class_and_probability(bench, stack):
    bench.viewer.add_image(stack)
    bench.run()
    layers = bench.layers()
    status = layers["classes"].get_status(
        (2, 40, 95), view_direction=None, dims_displayed=[1, 2], world=True
    )
    probability = layers["hexagonal"].data[2, 3, 10]
    entropy = bench.widget.run.result.entropy[2, 3, 10]
    told = f"hexagonal, P {probability:.2f}, uncertainty {entropy:.2f} nats"
    assert status["coordinates"].startswith(told)
    assert not status["layer_base"]
    outside = layers["classes"].get_status(
        (2, 0, 0), view_direction=None, dims_displayed=[1, 2], world=True
    )
    assert "uncertainty" not in outside["coordinates"]


def test_settings_come_back_from_a_layer(bench, stack):
    bench.viewer.add_image(stack, name="movie")
    settings = {"stride": 16, "samples": 7, "network": "published", "seed": 2**32 - 1}
    settings |= {"first_frame": 1, "last_frame": 2, "frame_step": 2}
    bench.set(**settings)
    bench.run()
    layer = bench.layers()["oblique"]
    about = layer.metadata["napari-lattice-symmetry"]
    assert json.loads(json.dumps(about)) == about
    assert about["provenance"]["weights_sha256"] == "0" * 64
    assert about["source_layer"] == "movie"

    for meant in (layer, bench.viewer.layers["movie"], None):  # as *Save result…* takes it
        bench.widget.parameters.set_values(AnalysisParameters())
        bench.viewer.layers.selection.active = meant
        bench.widget.load_button.click()
        assert bench.widget.parameters.values() == AnalysisParameters(
            window=32,
            answer="network",
            **settings,  # no verdict knows the stand-in
        )


def test_settings_cannot_come_from_another_layer(bench, messages, stack):
    bench.viewer.layers.selection.active = bench.viewer.add_image(stack)
    bench.widget.load_button.click()
    assert messages() == [NO_SETTINGS]


def test_a_layer_without_settings_is_one_sentence(bench, messages, stack):
    """As layers of several results that an earlier version saved together."""
    about = {"schema_version": 1, "kind": "labels", "class": None, "result": "0"}
    bench.viewer.add_image(stack, metadata={"napari-lattice-symmetry": about})
    bench.widget.load_button.click()
    assert messages() == [NO_SETTINGS]


def test_a_second_run_is_of_its_own_layer(bench, stack):
    bench.viewer.add_image(stack, name="first", scale=(1, 2, 2))
    bench.run()
    first = bench.layers()["classes"]
    before = first.data.copy()

    bench.viewer.add_image(np.full((2, 60, 40), 55.0) + np.arange(40) % 2, name="second")
    bench.widget.layer_chooser.value = bench.viewer.layers["second"]
    bench.run()
    second = bench.layers()["classes"]
    assert second is not first
    assert second.data.shape == (2, 4, 2)
    assert np.all(second.data == 6)
    np.testing.assert_allclose(second.scale, (1, 8, 8))
    assert second.metadata["napari-lattice-symmetry"]["source_layer"] == "second"
    np.testing.assert_array_equal(first.data, before)


def test_the_layer_chosen_at_the_start_is_the_one_analyzed(bench, stack):
    image = bench.viewer.add_image(stack, name="first")
    bench.widget.run_button.click()
    image.scale = (1, 9, 9)
    image.data = np.full_like(stack, 55)
    bench.viewer.add_image(stack + 50, name="second")
    bench.finish()
    labels = bench.layers()["classes"]
    np.testing.assert_allclose(labels.scale, (1, 8, 8))
    assert set(np.unique(labels.data)) == {1, 2, 3, 4}


def test_only_images_can_be_chosen(bench, stack):
    bench.viewer.add_labels(np.zeros((4, 80, 112), np.uint8))
    bench.viewer.add_image(stack, name="movie")
    bench.run()
    assert [str(layer) for layer in bench.widget.layer_chooser.choices] == ["movie"]
    bench.viewer.layers["movie"].name = "renamed"
    assert [str(layer) for layer in bench.widget.layer_chooser.choices] == ["renamed"]


def test_a_result_is_saved_and_opened_again(bench, messages, monkeypatch, tmp_path, stack):
    bench.viewer.add_image(stack, name="movie", scale=(2, 0.5, 0.5), units=("s", "nm", "nm"))
    assert not bench.widget.save_button.isEnabled()
    bench.run()
    path = tmp_path / "movie"
    monkeypatch.setattr(
        "napari_lattice_symmetry.plugin.analyze.widget.QFileDialog.getSaveFileName",
        lambda *_: (str(path), ""),
    )
    bench.widget.save_button.click()
    assert messages() == [f"Saved {path}.zarr."]
    saved = load_result(path.with_suffix(".zarr"))
    labels = bench.layers()["classes"]
    np.testing.assert_array_equal(saved.labels, labels.data)

    bench.widget.save_button.click()
    assert "exists" in messages()[1]
    assert saved.provenance["calibration_source"] is None  # an array says nothing

    bench.viewer.layers.clear()
    bench.viewer.open(path.with_suffix(".zarr"), plugin="napari-lattice-symmetry")
    again = bench.layers()["classes"]
    np.testing.assert_array_equal(again.data, saved.labels)
    np.testing.assert_allclose(again.scale, labels.scale)
    np.testing.assert_allclose(again.translate, labels.translate)
    assert again.units == labels.units
    status = again.get_status((2, 20, 47), view_direction=None, dims_displayed=[1, 2], world=True)
    assert "uncertainty" in status["coordinates"]


def test_run_turns_into_cancel_and_back(bench, gate, stack):
    bench.viewer.add_image(stack)
    bench.widget.run_button.click()
    assert bench.widget.progress.maximum() == 0  # busy: the network is being loaded
    assert not bench.widget.parameters["window"].native.isEnabled()
    gate.release()
    bench.wait(lambda: bench.widget.progress.value() == 64)
    assert bench.widget.progress.maximum() == 4 * 77

    bench.widget.run_button.click()
    assert bench.widget.run_button.text() == "Cancelling…"
    assert not bench.widget.run_button.isEnabled()
    gate.release()
    bench.finish()
    assert bench.widget.status.text().startswith("Cancelled")
    assert bench.widget.run_button.text() == "Run"
    assert bench.widget.run_button.isEnabled()
    assert bench.widget.parameters["window"].native.isEnabled()


def test_after_an_error_the_widget_can_be_used(bench, network, monkeypatch, messages, stack):
    def failing(*_, **__):
        raise RuntimeError("out of memory")

    bench.viewer.add_image(stack)
    with monkeypatch.context() as patch:
        patch.setattr(network, "classify_blocks", failing, raising=False)
        bench.widget.run_button.click()
        bench.finish()
    assert len(messages()) == 1
    assert bench.widget.status.text() == "Stopped by an error: 0 of 4 frames kept."

    bench.run()
    assert bench.widget.run.result.done.all()
    assert bench.widget.progress.value() == bench.widget.progress.maximum() > 0


def test_a_closed_widget_stops_its_run_and_listens_no_more(bench, gate, stack):
    image = bench.viewer.add_image(stack)
    bench.widget.run_button.click()
    run = bench.widget.run
    bench.viewer.window.remove_dock_widget(bench.widget)
    assert run.cancelled
    gate.release()
    bench.wait(lambda: run.is_over)
    bench.widget.deleteLater()
    bench.qtbot.wait(50)
    image.scale = (1, 2, 2)
    bench.viewer.add_image(stack)
    bench.viewer.layers.clear()
