"""Find the atoms of simulated MoS2 with vacancies, go to the least sure one, and save that."""

from __future__ import annotations

from window import PLUGIN, open_viewer, take_screenshot, wait_until

from napari_lattice_symmetry.atoms import AtomImage

BOND = 0.1825  # nm, of Mo and S seen along c


def main() -> None:
    """Take the screenshot."""
    picture = AtomImage(material="MoS2", spacing=16, size=320, vacancies=0.02, counts=100).draw()
    pixel = BOND / picture.spacing
    viewer = open_viewer()
    viewer.add_image(picture.image, name="MoS2", scale=(pixel, pixel), units=("nm", "nm"))
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Atoms")
    wait_until(lambda: not dock.is_busy, seconds=60)
    dock.searching.form["confidence"].value = 0.1  # what is most likely none is to be seen, too
    dock.searching.bar.button.click()
    wait_until(lambda: not dock.is_busy, seconds=120)
    dock.tabs.setCurrentWidget(dock.review)
    dock.review.go_on()
    take_screenshot(viewer, "napari-atoms.png")
    viewer.close()


if __name__ == "__main__":
    main()
