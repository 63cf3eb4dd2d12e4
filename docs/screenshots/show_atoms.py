"""Find the atoms of simulated crystals, doubt them, and show what they say together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from window import PLUGIN, open_viewer, take_screenshot, wait_until

from napari_lattice_symmetry.atoms import AtomImage

if TYPE_CHECKING:
    import napari

BOND = 0.1825  # nm, of Mo and S seen along c
CARBON = 0.142  # nm, of two atoms of graphene


def main() -> None:
    """Take all screenshots."""
    show_review()
    show_rings()
    show_vacancies()


def open_dock(viewer: napari.Viewer) -> Any:
    """Open the dock beside what is open."""
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Atoms")
    wait_until(lambda: not dock.is_busy, seconds=60)
    return dock


def open_picture(name: str, bond: float, **settings: Any) -> tuple[napari.Viewer, Any]:
    """Show a picture of known atoms, with the dock beside it."""
    picture = AtomImage(**settings).draw()
    pixel = bond / picture.spacing
    viewer = open_viewer()
    viewer.add_image(picture.image, name=name, scale=(pixel, pixel), units=("nm", "nm"))
    return viewer, open_dock(viewer)


def press(dock: Any, button: Any) -> None:
    """Press a button, and wait for what comes of it."""
    button.click()
    wait_until(lambda: not dock.is_busy, seconds=600)


def show_review() -> None:
    """Go to the least sure column of MoS2 with vacancies."""
    settings = {"material": "MoS2", "spacing": 16, "size": 320, "vacancies": 0.02, "counts": 100}
    viewer, dock = open_picture("MoS2", BOND, **settings)
    dock.searching.form["confidence"].value = 0.1  # what is most likely none is to be seen, too
    press(dock, dock.searching.bar.button)
    dock.tabs.setCurrentWidget(dock.review)
    dock.review.go_on()
    take_screenshot(viewer, "napari-atoms.png")
    viewer.close()


def show_rings() -> None:
    """Mark the five- and seven-rings around a rotated bond, with the angles known of graphene."""
    settings = {"material": "graphene", "spacing": 18, "size": 320, "rotated_bond": True}
    viewer, dock = open_picture("graphene", CARBON, **settings)
    dock.searching.form["confidence"].value = 0.5
    dock.searching.form["spacing"].value = 18
    press(dock, dock.searching.bar.button)
    press(dock, dock.measures.buttons["rings"])
    dock.plots.quantity.setCurrentText("bond angles")
    dock.plots.material.setCurrentText("graphene")
    dock.tabs.setCurrentWidget(dock.plots)
    take_screenshot(viewer, "napari-atoms-rings.png")
    viewer.close()


def show_vacancies() -> None:
    """Measure the sample that loses atoms: displacements, vacancies, and how many over time."""
    viewer = open_viewer()
    viewer.open_sample(PLUGIN, "atoms")
    viewer.layers.selection.active = viewer.layers[0]
    dock = open_dock(viewer)
    dock.searching.form["confidence"].value = 0.5
    dock.searching.form["spacing"].value = 13.5
    dock.searching.frames.setCurrentText("all frames")
    press(dock, dock.searching.bar.button)
    dock.tabs.setCurrentWidget(dock.measures)
    dock.measures.form["names"].value = "S, Mo"
    dock.measures.form["stretch"].value = 15
    for kind in ("label", "displacement", "defects"):
        press(dock, dock.measures.buttons[kind])
    dock.color.setCurrentIndex(dock.color.findData("label"))
    dock.color.activated.emit(dock.color.currentIndex())
    viewer.dims.set_current_step(0, 7)
    viewer.reset_view()
    take_screenshot(viewer, "napari-atoms-measure.png")
    wait_until(lambda: not dock.is_busy, seconds=60)
    viewer.window.remove_dock_widget(dock)
    _, evolution = viewer.window.add_plugin_dock_widget(PLUGIN, "Phase evolution")
    evolution.tabs.setCurrentWidget(evolution.lives)
    wait_until(evolution.lives.canvas.isVisible, seconds=60)
    take_screenshot(viewer, "napari-atoms-lives.png")
    viewer.close()


if __name__ == "__main__":
    main()
