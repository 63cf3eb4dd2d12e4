"""The button in the dock of phase evolution that writes a report."""

from __future__ import annotations

import pytest
from napari.layers import Layer
from qtpy.QtCore import Qt

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.plugin.layers.result_layers import (
    result_layers as build_layers,
)
from napari_lattice_symmetry.plugin.selection.source import take_source

FRAMES = "Point at a map of classes to see the frame under it."


class Bench:
    def __init__(self, viewer, qtbot, model, stack):
        self.viewer, self.qtbot = viewer, qtbot
        self.image = viewer.add_image(stack, name="edge")
        source = take_source(self.image)
        parameters = AnalysisParameters(window=32, stride=8, samples=5)
        result = analyze(source.movie, parameters, model=model)
        self.layers = [
            viewer.add_layer(Layer.create(*each))
            for each in build_layers(result, source.geometry, maps=["labels"], origin=source.origin)
        ]
        _, self.widget = viewer.window.add_plugin_dock_widget(
            "napari-lattice-symmetry", "Phase evolution"
        )

    def write(self):
        button = self.widget.report_button
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        self.qtbot.waitUntil(lambda: not button.is_busy)
        assert button.isEnabled()
        assert button.text() == "Report…"


@pytest.fixture
def chosen(monkeypatch, tmp_path):
    """The file that is chosen in the dialog."""
    path = tmp_path / "edge.html"
    monkeypatch.setattr(
        "napari_lattice_symmetry.plugin.evolution.report_button.QFileDialog.getSaveFileName",
        lambda *_: (str(path.with_suffix("")), ""),
    )
    return path


@pytest.fixture
def bench(viewer, qtbot, network, stack):
    return Bench(viewer, qtbot, network, stack)


@pytest.fixture
def shown(make_shown_viewer, qtbot, network, stack):
    return Bench(make_shown_viewer(), qtbot, network, stack)


def test_a_click_writes_the_report(shown, chosen, messages):
    shown.write()
    assert messages() == [f"Wrote {chosen}."]
    text = chosen.read_text(encoding="utf-8")
    assert "4 of 4 finished" in text
    assert FRAMES in text
    assert "Growth of" not in text


def test_what_happens_to_the_layers_costs_the_frames_only(bench, chosen, messages):
    bench.image.name = "renamed"
    bench.write()
    assert FRAMES in chosen.read_text(encoding="utf-8")
    bench.image.data = bench.image.data + 1
    bench.write()
    assert "The frames are left out" in chosen.read_text(encoding="utf-8")
    bench.viewer.layers.remove(bench.image)
    bench.write()
    assert FRAMES not in chosen.read_text(encoding="utf-8")
    assert messages() == [f"Wrote {chosen}."] * 3


def test_without_a_result_there_is_a_sentence(bench, chosen, messages):
    for layer in bench.layers:
        bench.viewer.layers.remove(layer)
    bench.write()
    assert len(messages()) == 1
    assert "has no result yet: run an analysis of it" in messages()[0]
    assert not chosen.exists()


def test_a_place_that_cannot_be_written_is_one_sentence(bench, chosen, messages):
    chosen.mkdir()
    bench.write()
    assert len(messages()) == 1
    assert "cannot be written" in messages()[0]


def test_layers_gone_in_the_middle_do_no_harm(bench, chosen, messages):
    bench.qtbot.mouseClick(bench.widget.report_button, Qt.MouseButton.LeftButton)
    bench.viewer.layers.clear()
    bench.qtbot.waitUntil(lambda: not bench.widget.report_button.is_busy)
    assert messages() == [f"Wrote {chosen}."]
