"""What forms remember can be forgotten: in every dock, by a button that is in sight."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from npe2 import PluginManifest
from qtpy.QtCore import Qt
from sight import bring_into_sight

import napari_lattice_symmetry
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.memory import remember, stored

PLUGIN = "napari-lattice-symmetry"
SOURCE = Path(napari_lattice_symmetry.__file__).parent / "plugin"
REMEMBERED = {
    name
    for file in SOURCE.rglob("*.py")
    for name in re.findall(r'remembered_as="(\w+)"', file.read_text(encoding="utf-8"))
}
CONTRIBUTED = PluginManifest.from_distribution(PLUGIN).contributions.widgets
TITLES = [widget.display_name for widget in CONTRIBUTED]


@pytest.fixture
def forms(monkeypatch):
    """Collect the forms that remember, by the name under which they do."""
    made = {}
    plain = ModelForm.__init__

    def note(form, *args, remembered_as=None, **options):
        plain(form, *args, remembered_as=remembered_as, **options)
        if remembered_as is not None:
            made[remembered_as] = form

    monkeypatch.setattr(ModelForm, "__init__", note)
    return made


def test_what_is_remembered_can_be_forgotten(make_shown_viewer, forms, qtbot):
    viewer = make_shown_viewer()
    viewer.window.resize(1280, 800)
    seen = set()
    for title in TITLES:
        forms.clear()
        dock, _ = viewer.window.add_plugin_dock_widget(PLUGIN, title)
        for name, form in forms.items():
            bring_into_sight(form.reset_button)
            qtbot.waitUntil(form.reset_button.isVisible)
            settings = form.values()
            remember(name, settings, type(settings).model_fields)
            qtbot.mouseClick(form.reset_button, Qt.MouseButton.LeftButton)
            assert stored("forms").value(name) is None, (title, name)
            seen.add(name)
        viewer.window.remove_dock_widget(dock)
    assert seen == REMEMBERED
