"""The window on a large screen, dark and light: what is small on it, and what has more room."""

from __future__ import annotations

from qtpy.QtWidgets import QApplication
from window import PLUGIN, open_viewer, take_screenshot, wait_until

from napari_lattice_symmetry import AnalysisParameters

SIZE = (1920, 1060)  # a screen of 1920 x 1080 has a bar


def main() -> None:
    """Analyze three frames of the sample movie, and look at one with an inspected window."""
    viewer = open_viewer()
    viewer.window.resize(*SIZE)
    viewer.open_sample(PLUGIN, "growing-holes")
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
    wait_until(lambda: "periods" in widget.summary.window_text.text(), seconds=300)
    viewer.reset_view()  # the dock has its width by now
    widget.parameters.set_values(AnalysisParameters(window=96, stride=12, frame_step=42))
    widget.run_button.click()
    wait_until(lambda: widget.run.is_over, seconds=1200)
    viewer.dims.set_current_step(0, 84)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Inspect a window")
    wait_until(lambda: dock.inspection is not None, seconds=300)
    for theme, name in (("dark", "napari-large.png"), ("light", "napari-large-light.png")):
        viewer.theme = theme
        wait_until(lambda: not dock.requests.is_busy, seconds=300)
        take_screenshot(viewer, name)
    viewer.close()
    QApplication.processEvents()


if __name__ == "__main__":
    main()
