"""Docks on a small screen: the image keeps more than half of it, and no text is cut off."""

from functools import partial

from cut_off import texts_cut_off
from napari.layers import Layer
from npe2 import PluginManifest
from qtpy.QtWidgets import QDockWidget, QShortcut, QTabWidget

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.plugin.background.run_bar import RunBar
from napari_lattice_symmetry.plugin.layers.result_layers import result_layers
from napari_lattice_symmetry.plugin.selection.source import take_source
from napari_lattice_symmetry.plugin.widgets.help import DOCS

PLUGIN = "napari-lattice-symmetry"
WIDTH, HEIGHT = 1280, 800
NAPARI = 330
"""Pixels that napari's own docks take on the left."""
CONTRIBUTED = PluginManifest.from_distribution(PLUGIN).contributions.widgets
GUIDE = (DOCS / "guide.md").read_text(encoding="utf-8")
TITLES = [widget.display_name for widget in CONTRIBUTED]


def test_docks_leave_the_image_its_room_and_texts_theirs_and_tell_their_keys(
    make_shown_viewer, fake_model, qtbot
):
    viewer = make_shown_viewer()
    viewer.window.resize(WIDTH, HEIGHT)
    image, _ = viewer.open_sample(PLUGIN, "two-grains")
    source = take_source(image)
    result = analyze(source.movie, window=128, stride=64, samples=2, model=fake_model)
    for layer in result_layers(result, source.geometry, origin=source.origin):
        viewer.add_layer(Layer.create(*layer))  # whose names and shares take room
    canvas = viewer.window._qt_viewer.canvas.native
    for title in (*TITLES, TITLES[0]):  # once more, where another one was
        dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, title)
        pages = [(tab, i) for tab in widget.findChildren(QTabWidget) for i in range(tab.count())]
        for tab, page in pages or [(None, 0)]:
            if tab is not None:
                tab.setCurrentIndex(page)
            qtbot.waitUntil(partial(check, title, dock, widget, canvas))
        for bar in widget.findChildren(RunBar):
            if bar.findChildren(QShortcut):
                assert f"*{bar.button.text().replace('&', '')}*" in GUIDE, title
        viewer.window.remove_dock_widget(dock)


def check(title, dock, widget, canvas):
    """Hold a dock to be narrow, the image wider than half of the window, and no text cut off."""
    assert dock.window().width() == WIDTH, title
    assert dock.width() <= 262, title  # beside a class map, whose controls are 351 wide
    left = {
        each.windowTitle(): each.width()
        for each in dock.window().findChildren(QDockWidget)
        if each.isVisible() and each.x() < canvas.mapTo(dock.window(), canvas.pos()).x()
    }
    more = max(0, max(left.values()) - NAPARI)  # that is not ours: tests before this one may do it
    assert canvas.width() + more > WIDTH / 2, (title, left)
    assert texts_cut_off(widget) == [], title
