"""Drive the dock "Simulate a lattice", and save what is seen to docs/images/."""

from __future__ import annotations

from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from window import LEFT, PLUGIN, open_viewer, take_screenshot, wait_until


def main() -> None:
    """Draw a disordered lattice and a plane group, and see at which disorder a lattice is lost."""
    viewer = open_viewer("light")
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Simulate a lattice")
    dock.parameters.reset()  # of what was set before
    dock.parameters["lattice"].value = "centered rectangular"
    dock.parameters["disorder"].value = 0.1
    wait_until(lambda: dock.verdict is not None and not dock.is_busy, seconds=300)
    QTest.mouseClick(dock.send_button, LEFT)
    take_screenshot(viewer, "napari-simulate.png")

    dock.parameters.tabs.setCurrentIndex(1)
    dock.parameters["plane_group"].value = "p4g"
    drawn = dock.parameters.values().model_copy(
        update={"a": 20.0, "size": 200, "width": 0.08, "disorder": 0.0}
    )
    dock.parameters.set_values(drawn)
    wait_until(lambda: dock.verdict is not None and not dock.is_busy, seconds=300)
    take_screenshot(viewer, "napari-simulate-group.png")
    dock.parameters.reset()
    dock.parameters["lattice"].value = "centered rectangular"
    dock.parameters["disorder"].value = 0.1

    dock.tabs.setCurrentWidget(dock.sweep)
    dock.parameters.tabs.setCurrentIndex(2)
    dock.sweep.form["last"].value = 0.3
    QTest.mouseClick(dock.sweep.run_button, LEFT)
    wait_until(lambda: not dock.sweep.is_running, seconds=600)
    take_screenshot(viewer, "napari-sweep.png")
    viewer.close()
    QApplication.processEvents()


if __name__ == "__main__":
    main()
