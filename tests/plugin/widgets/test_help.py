"""The page of every dock: in the package, and in a window that opens on a click."""

import re
from importlib import import_module

import pytest
from napari.utils.shortcuts import default_shortcuts
from npe2 import PluginManifest
from qtpy.QtCore import QUrl
from qtpy.QtGui import QTextDocument
from qtpy.QtWidgets import QShortcut

from napari_lattice_symmetry.plugin.background.run_bar import CANCEL_KEYS, RUN_KEYS
from napari_lattice_symmetry.plugin.widgets.help import DOCS, HelpButton, HelpWindow

PLUGIN = "napari-lattice-symmetry"
TITLES = ("Crystal", "Watch a folder")
MANIFEST = PluginManifest.from_distribution(PLUGIN)
CONTRIBUTED = MANIFEST.contributions.widgets


@pytest.mark.parametrize("widget", CONTRIBUTED, ids=lambda widget: widget.display_name)
def test_every_dock_has_a_page_that_tells_of_it(widget):
    (command,) = (each for each in MANIFEST.contributions.commands if each.id == widget.command)
    module, name = command.python_name.split(":")
    page = DOCS / getattr(import_module(module), name).page
    assert widget.display_name in page.read_text(encoding="utf-8")


def test_every_page_tells_the_keys_of_its_dock(make_napari_viewer, fake_model):
    viewer, told = make_napari_viewer(), set()
    for contributed in CONTRIBUTED:
        _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, contributed.display_name)
        page = (DOCS / widget.page).read_text(encoding="utf-8")
        keys = {each.key().toString() for each in widget.findChildren(QShortcut)}
        assert "F1" in keys
        for key in keys & {RUN_KEYS, CANCEL_KEYS, "F1"}:
            assert re.search(rf"{re.escape(key)}(?!\w)", page), (widget.page, key)
            told.add(key)
    assert told == {RUN_KEYS, CANCEL_KEYS, "F1"}


def test_a_click_opens_the_page(qtbot):
    button = HelpButton("simulate.md")
    qtbot.addWidget(button)
    button.click()
    (window,) = button.findChildren(HelpWindow)
    assert window.isVisible()
    assert window.toPlainText().startswith("Simulate a lattice")


def test_images_are_no_wider_than_the_window(qtbot):
    window = HelpWindow("simulate.md", None)
    qtbot.addWidget(window)
    kind = QTextDocument.ResourceType.ImageResource.value
    image = window.loadResource(kind, window.source().resolved(QUrl("images/napari-simulate.png")))
    assert 0 < image.width() <= window.width()


def test_the_keys_of_docks_are_none_of_naparis():
    taken = {str(key) for keys in default_shortcuts.values() for key in keys}
    assert not taken & {RUN_KEYS.replace("Return", "Enter"), CANCEL_KEYS, "F1"}
    assert "Ctrl+R" in taken  # written alike
    told = (DOCS / "guide.md").read_text(encoding="utf-8")
    assert all(keys in told for keys in (RUN_KEYS, CANCEL_KEYS, "F1"))


def enabled_keys(dock):
    return sorted(
        each.key().toString() for each in dock.findChildren(QShortcut) if each.isEnabled()
    )


def test_keys_are_those_of_the_dock_in_front(make_shown_viewer, fake_model, qtbot):
    viewer = make_shown_viewer()
    docks = [viewer.window.add_plugin_dock_widget(PLUGIN, title)[0] for title in TITLES]
    every = sorted([RUN_KEYS, CANCEL_KEYS, "F1"])
    for front in docks:
        front.raise_()
        wanted = [every if dock is front else [] for dock in docks]
        qtbot.waitUntil(lambda wanted=wanted: list(map(enabled_keys, docks)) == wanted)
