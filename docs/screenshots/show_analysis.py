"""Every sixth frame of the sample movie analyzed, the preview, the inspector and the evolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPoint
from qtpy.QtGui import QCursor
from qtpy.QtWidgets import QApplication
from window import PLUGIN, open_viewer, take_screenshot, wait_until

from napari_lattice_symmetry import CLASSES, AnalysisParameters
from napari_lattice_symmetry.plugin.layers.result_group import show_map

if TYPE_CHECKING:
    import napari

    from napari_lattice_symmetry.plugin.analyze.widget import AnalysisWidget


def main() -> None:
    """Open the sample movie, analyze it, and show classes and uncertainty."""
    viewer = open_viewer()
    viewer.open_sample(PLUGIN, "growing-holes")
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
    wait_until(lambda: "periods" in widget.summary.window_text.text(), seconds=60)
    viewer.reset_view()  # the dock has its width by now
    widget.parameters.set_values(AnalysisParameters(window=96, stride=12, frame_step=6))
    show_preview(viewer, widget)

    widget.run_button.click()
    wait_until(lambda: widget.run.n_done >= widget.run.n_frames // 2, seconds=1200)
    take_screenshot(viewer, "napari-running.png")
    wait_until(lambda: widget.run.is_over, seconds=1200)
    viewer.dims.set_current_step(0, 84)
    QCursor.setPos(widget.window().mapToGlobal(QPoint(600, 300)))  # the status bar tells of this
    take_screenshot(viewer, "napari.png")

    show_map(viewer.layers, widget.run.layers[0], "entropy")
    take_screenshot(viewer, "napari-uncertainty.png")
    show_inspector(viewer, widget)
    show_evolution(viewer, widget)
    viewer.close()
    QApplication.processEvents()


def show_preview(viewer: napari.Viewer, analysis: AnalysisWidget) -> None:
    """Let the preview follow the time slider to a frame with holes."""
    said: list[str] = []
    analysis.preview.told.connect(said.append)
    analysis.preview.box.setChecked(True)
    wait_until(lambda: analysis.preview.layer is not None, seconds=300)  # it loads the network
    viewer.dims.set_current_step(0, 84)
    wait_until(lambda: "frame 84" in said[-1] and "coarse" not in said[-1], seconds=60)
    take_screenshot(viewer, "napari-preview.png")
    analysis.preview.box.setChecked(False)


def show_inspector(viewer: napari.Viewer, analysis: AnalysisWidget) -> None:
    """Look at one window of the class map, at the edge of a hole."""
    classes = next(layer for layer in analysis.run.layers if layer.name.startswith("classes"))
    classes.visible = True
    viewer.layers.selection.active = classes
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Inspect a window")
    wait_until(lambda: dock.inspection is not None, seconds=300)
    dock.move_by(4, -3)
    wait_until(lambda: not dock.requests.is_busy, seconds=60)
    take_screenshot(viewer, "napari-inspector.png")
    viewer.window.remove_dock_widget(dock.parent())


def show_evolution(viewer: napari.Viewer, analysis: AnalysisWidget) -> None:
    """Analyze the movie in windows that see its holes, and show what became of it, and how fast."""
    analysis.parameters.set_values(AnalysisParameters(window=64, stride=32))
    analysis.run_button.click()
    wait_until(lambda: analysis.run.is_over, seconds=1200)
    viewer.dims.set_current_step(0, 80)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Phase evolution")
    dock.curves.holes.setChecked(True)
    dock.brightness.form["shown"].value = True
    wait_until(lambda: len(dock.curves.curves) == len(CLASSES) + 2, seconds=300)
    take_screenshot(viewer, "napari-evolution.png")
    dock.tabs.setCurrentWidget(dock.kinetics)
    dock.kinetics.form["after"].native.setValue(100)
    wait_until(lambda: dock.kinetics.fit is not None and not dock.kinetics.is_busy, seconds=300)
    take_screenshot(viewer, "napari-kinetics.png")


if __name__ == "__main__":
    main()
