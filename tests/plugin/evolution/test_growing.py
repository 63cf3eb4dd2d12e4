"""The dock of phase evolution while its movie is recorded."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import tifffile
from evolution_bench import FRAME_TIME, N_FRAMES, PIXEL, PLUGIN, hint, make_frames
from napari.layers import Layer

from napari_lattice_symmetry.analysis import iter_analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.evolution.curves import BRIGHTNESS
from napari_lattice_symmetry.io import growing
from napari_lattice_symmetry.plugin.evolution import brightness_controls, kinetics_tab
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.layers.origin import FRAME_NAMES
from napari_lattice_symmetry.plugin.layers.result_layers import result_layers
from napari_lattice_symmetry.results.growing import GrowingResult


class Recording:
    """A result that gets a row whenever a frame lands, shown as a watched folder shows it."""

    def __init__(self, viewer, qtbot, model):
        self.viewer, self.qtbot = viewer, qtbot
        self.frames = make_frames()
        calibration = {"pixel_size": (PIXEL, PIXEL), "unit": "nm", "frame_time": FRAME_TIME}
        movie = Movie(self.frames, name="film", **calibration)
        parameters = AnalysisParameters(window=32, stride=16, samples=5).answerable(model)
        self.analyzed = list(iter_analyze(movie, parameters, model=model))
        self.result = GrowingResult.begin(movie, parameters, model)
        self.landed = []
        self.geometry = LayerGeometry.of_calibration(movie)
        self.image = None
        self.land(0, 1)
        _, self.widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Phase evolution")
        self.widget.follower._timer.setInterval(50)
        self.curves, self.kinetics = self.widget.curves, self.widget.kinetics

    def land(self, *numbers):
        """Let frames land; those that are late move up the ones after them."""
        for number in numbers:
            self.landed = sorted([*self.landed, number])
            row = self.landed.index(number)
            self.result.make_room(row, str(number))
            self.result.insert(replace(self.analyzed[number], index=row, position=row))
        if self.image is None:
            self.image = self.viewer.add_image(
                self.frames[self.landed], name="film", **self.geometry.layer_arguments()
            )
            origin = {"source_layer": "film", "channel": None}
            for layer in result_layers(self.result, self.geometry, maps=["labels"], origin=origin):
                self.viewer.add_layer(Layer.create(*layer))
        self.image.data = self.frames[self.landed]
        self.image.metadata[FRAME_NAMES] = tuple(self.result.names)

    def wait(self, condition):
        self.qtbot.waitUntil(condition)

    def brightness(self):
        """Give the curve of the brightness that is drawn."""
        found = [curve for curve in self.curves.curves if curve.name == BRIGHTNESS]
        return found[0].values if found else np.zeros(0)


@pytest.fixture
def recording(make_shown_viewer, qtbot, fake_model):
    return Recording(make_shown_viewer(), qtbot, fake_model)


def test_the_brightness_of_new_frames_alone_is_measured(recording, monkeypatch):
    measured, plain = [], brightness_controls.measure_brightness

    def counting(movie, indices, **options):
        measured.extend(indices)
        return plain(movie, indices, **options)

    monkeypatch.setattr(brightness_controls, "measure_brightness", counting)
    controls = recording.widget.brightness
    controls.form["bright"].value = True
    controls.form["shown"].value = True
    recording.wait(lambda: len(recording.brightness()) == 2)
    controls.form["threshold"].value = 45

    recording.land(*range(2, 12), *range(13, N_FRAMES))
    recording.wait(lambda: np.isfinite(recording.brightness()).sum() == N_FRAMES - 1)
    recording.land(12)  # late, so that the frames after it move up
    recording.wait(lambda: np.isfinite(recording.brightness()).sum() == N_FRAMES)
    truth = (recording.frames > 45).mean(axis=(1, 2))
    np.testing.assert_allclose(recording.brightness(), truth, atol=0.005)
    assert controls.form["threshold"].value == 45
    assert len(measured) == N_FRAMES


def test_a_layer_that_lags_behind_is_waited_for(recording):
    recording.widget.brightness.form["shown"].value = True
    recording.wait(lambda: len(recording.brightness()) == 2)
    shown = recording.image.data, recording.image.metadata[FRAME_NAMES]
    recording.land(*range(2, 9))
    recording.image.data, recording.image.metadata[FRAME_NAMES] = shown
    recording.wait(lambda: len(recording.brightness()) == 9)
    assert np.isfinite(recording.brightness()).tolist() == [True] * 2 + [False] * 7
    assert "it has changed" not in recording.widget.status.text()
    recording.land()
    recording.wait(lambda: np.isfinite(recording.brightness()).all())


def test_a_frame_that_failed_is_measured_once_it_can_be_read(recording):
    recording.widget.brightness.form["shown"].value = True
    good = recording.analyzed[2]
    recording.analyzed[2] = replace(good, failure="corrupt")
    recording.land(2, 3)
    recording.wait(
        lambda: np.isfinite(recording.brightness()).tolist() == [True, True, False, True]
    )
    recording.result.insert(good)
    recording.wait(lambda: np.isfinite(recording.brightness()).all())


def test_the_interval_grows_until_it_is_chosen(recording):
    end = recording.kinetics.form["after"].native
    recording.widget.tabs.setCurrentWidget(recording.kinetics)
    recording.wait(lambda: "needs 7 analyzed frames" in hint(recording))
    assert end.maximum() == FRAME_TIME
    recording.land(*range(2, 20))
    recording.wait(lambda: bool(recording.kinetics.fits))
    assert end.maximum() == 19 * FRAME_TIME
    assert end.value() == 19 * FRAME_TIME / 2
    end.setValue(12)
    recording.land(*range(20, N_FRAMES))
    recording.wait(lambda: end.maximum() == (N_FRAMES - 1) * FRAME_TIME)
    assert end.value() == 12


def test_a_fit_is_finished_though_frames_come_in(recording, monkeypatch):
    begun, stopped, plain = [], [], kinetics_tab.compare_laws

    def slow(curve, end, *, should_stop):
        begun.append(end)
        for _ in range(20):
            time.sleep(0.05)
            if should_stop():
                stopped.append(end)
                return []
        return plain(replace(curve, draws=curve.draws[:3]), end, should_stop=should_stop)

    monkeypatch.setattr(kinetics_tab, "compare_laws", slow)
    recording.land(*range(2, 16))
    recording.widget.tabs.setCurrentWidget(recording.kinetics)
    for number in range(16, N_FRAMES):
        recording.land(number)
        recording.qtbot.wait(200)
    recording.wait(lambda: bool(recording.kinetics.fits))
    assert not stopped
    recording.wait(lambda: not recording.kinetics.is_busy)
    assert len(recording.kinetics.fit.curve.times) == N_FRAMES

    n_begun = len(begun)
    recording.kinetics.form["after"].native.setValue(20)
    recording.wait(lambda: len(begun) > n_begun)
    recording.kinetics.form["after"].native.setValue(22)
    recording.wait(lambda: not recording.kinetics.is_busy)
    assert stopped == [20]
    assert recording.kinetics.fit.initial_end == 22


def test_a_watched_folder_is_measured_as_it_fills(
    make_shown_viewer, network, qtbot, tmp_path, monkeypatch
):
    plain = growing.open_growing
    monkeypatch.setattr(growing, "open_growing", partial(plain, interval=0.05, patience=0.5))
    viewer, frames = make_shown_viewer(), make_frames()
    _, watch = viewer.window.add_plugin_dock_widget(PLUGIN, "Watch a folder")
    for name, value in {"window": 32, "stride": 16, "samples": 5}.items():
        watch.parameters[name].value = value
    watch.place.setText(str(tmp_path))
    watch.button.click()

    def write(*numbers):
        for number in numbers:
            tifffile.imwrite(tmp_path / f"frame_{number:02d}.tif", frames[number])

    write(0, 1)
    qtbot.waitUntil(lambda: watch.run.n_done == 2 and bool(watch.run.layers))
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Phase evolution")
    dock.brightness.form["bright"].value = True
    dock.brightness.form["shown"].value = True
    write(*range(2, N_FRAMES))

    def measured():
        found = [curve.values for curve in dock.curves.curves if curve.name == BRIGHTNESS]
        return bool(found) and np.isfinite(found[0]).sum() == N_FRAMES

    qtbot.waitUntil(measured)
    truth = (frames > 45).mean(axis=(1, 2))
    np.testing.assert_allclose(dock.curves.curves[-1].values, truth, atol=0.01)
    watch.stop()
    qtbot.waitUntil(lambda: watch.run.is_over)
