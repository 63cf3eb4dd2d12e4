"""From a result in the analysis dock to the inspector, the evolution and the report."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow

from napari_lattice_symmetry.plugin.evolution.widget import EvolutionWidget
from napari_lattice_symmetry.plugin.inspect.widget import InspectorWidget


@pytest.fixture
def steps(shown_bench, stack):
    """The row, in the dock of an image without a result."""
    shown_bench.viewer.add_image(stack, name="movie")
    return shown_bench.widget.next_steps


def docks_of(widget, kind):
    window = widget.window()
    assert isinstance(window, QMainWindow)
    return [dock for dock in window.findChildren(QDockWidget) if isinstance(dock.widget(), kind)]


def is_in_front(dock):
    return not dock.visibleRegion().isEmpty()


def test_they_are_there_when_there_is_a_result(shown_bench, steps):
    assert not steps.isEnabled()
    shown_bench.run()
    assert steps.isEnabled()
    shown_bench.viewer.layers.selection.active = shown_bench.viewer.layers["movie"]
    assert steps.isEnabled()
    shown_bench.widget.maps.remove_button.click()
    assert not steps.isEnabled()


@pytest.mark.parametrize(
    ("name", "kind"), [("inspect_button", InspectorWidget), ("evolution_button", EvolutionWidget)]
)
def test_a_button_opens_a_dock_or_raises_it(shown_bench, steps, qtbot, name, kind):
    shown_bench.run()
    button, own = getattr(steps, name), shown_bench.widget.parent()
    for _ in range(2):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        shown_bench.wait(lambda: [is_in_front(dock) for dock in docks_of(steps, kind)] == [True])
        own.raise_()
        shown_bench.wait(lambda: is_in_front(own))
    assert shown_bench.widget.selection.result is shown_bench.widget.run.result


def test_the_report_button_writes_the_report(shown_bench, steps, qtbot, monkeypatch, tmp_path):
    shown_bench.run()
    path = tmp_path / "movie.html"
    monkeypatch.setattr(
        "napari_lattice_symmetry.plugin.evolution.report_button.QFileDialog.getSaveFileName",
        lambda *_: (str(path), ""),
    )
    qtbot.mouseClick(steps.report_button, Qt.MouseButton.LeftButton)
    (dock,) = docks_of(steps, EvolutionWidget)
    shown_bench.wait(lambda: not dock.widget().report_button.is_busy)
    assert "movie" in path.read_text(encoding="utf-8")
