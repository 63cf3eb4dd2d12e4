"""Name the columns of the sample of a focal series."""

from __future__ import annotations

from window import PLUGIN, open_viewer, take_screenshot, wait_until


def main() -> None:
    """Take the screenshot, with the network that is shipped."""
    viewer = open_viewer()
    viewer.open_sample(PLUGIN, "focal-series")
    viewer.layers.selection.active = viewer.layers[0]
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Atoms")
    dock.tabs.setCurrentWidget(dock.focal)
    wait_until(lambda: not dock.is_busy, seconds=120)
    dock.focal.bar.button.click()
    wait_until(lambda: not dock.is_busy, seconds=600)
    take_screenshot(viewer, "napari-focal.png")
    viewer.close()


if __name__ == "__main__":
    main()
