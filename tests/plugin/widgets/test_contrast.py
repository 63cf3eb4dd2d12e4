"""Texts of docks, and links of their pages, can be read in both themes: measured on pixels."""

from functools import partial

import numpy as np
import pytest
from napari.layers import Layer
from npe2 import PluginManifest
from qtpy.QtCore import QUrl
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QAbstractButton, QLabel, QTabBar, QTabWidget, QWidget

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.plugin.layers.result_layers import result_layers
from napari_lattice_symmetry.plugin.selection.source import take_source
from napari_lattice_symmetry.plugin.widgets.help import DOCS, HelpButton, HelpWindow

PLUGIN = "napari-lattice-symmetry"
TITLES = [
    widget.display_name for widget in PluginManifest.from_distribution(PLUGIN).contributions.widgets
]
ENOUGH = 4.5  # of level AA of the Web Content Accessibility Guidelines 2.2


def luminance(rgb):
    """Relative luminance of colors (..., 3) in sRGB, 0 to 255."""
    c = np.asarray(rgb) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    light, dark = np.maximum(one, other), np.minimum(one, other)
    return (light + 0.05) / (dark + 0.05)


def pixels(widget):
    """Colors of what a widget shows, (n, 3)."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits().asarray(image.sizeInBytes()), np.uint8)
    rows = rows.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()]
    return rows.reshape(-1, 3)


def best_contrast(widget):
    """Contrast of the text against the most frequent color, its background."""
    colors, counts = np.unique(pixels(widget), axis=0, return_counts=True)
    y = luminance(colors)
    return contrast(y, y[counts.argmax()]).max()


def faint_texts(dock):
    return [
        (type(widget).__name__, text, round(float(best_contrast(widget)), 1))
        for widget in dock.findChildren(QWidget)
        if isinstance(widget, (QLabel, QAbstractButton, QTabBar))
        and widget.isVisible()
        and widget.isEnabled()
        and (text := widget.tabText(0) if isinstance(widget, QTabBar) else widget.text())
        and best_contrast(widget) < ENOUGH
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_texts_of_docks_stand_out(theme, make_shown_viewer, fake_model, qtbot):
    viewer = make_shown_viewer()
    viewer.theme = theme
    image, _ = viewer.open_sample(PLUGIN, "two-grains")
    source = take_source(image)
    result = analyze(source.movie, window=128, stride=64, samples=2, model=fake_model)
    for layer in result_layers(result, source.geometry, origin=source.origin):
        viewer.add_layer(Layer.create(*layer))
    for title in TITLES:
        dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, title)
        pages = [(tab, i) for tab in widget.findChildren(QTabWidget) for i in range(tab.count())]
        for tab, page in pages or [(None, 0)]:
            if tab is not None:
                tab.setCurrentIndex(page)
            qtbot.waitUntil(partial(check, title, widget))
        viewer.window.remove_dock_widget(dock)


def check(title, widget):
    assert faint_texts(widget) == [], title


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_links_of_pages_stand_out(theme, make_shown_viewer, qtbot):
    viewer = make_shown_viewer()
    viewer.theme = theme
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Simulate a lattice")
    button = widget.findChild(HelpButton)
    button.click()
    (page,) = button.findChildren(HelpWindow)
    page.setSource(QUrl.fromLocalFile(str(DOCS / "guide.md")))  # has links, as others do
    colors, counts = np.unique(pixels(page.viewport()), axis=0, return_counts=True)
    paper = luminance(colors[counts.argmax()])
    written = {
        part.format.foreground().color().getRgb()[:3]
        for block in blocks(page.document())
        for part in block.textFormats()
        if part.format.isAnchor()
    }
    assert written
    assert all(contrast(luminance(color), paper) > ENOUGH for color in written)
    page.close()


def blocks(document):
    block = document.begin()
    while block.isValid():
        yield block
        block = block.next()
