"""The manifest: valid, complete, and no second list of what other modules know."""

from __future__ import annotations

from pathlib import Path

import pytest
from npe2 import PluginManifest

import napari_lattice_symmetry
from napari_lattice_symmetry.crystals.reading import FORMATS, VASP_NAMES
from napari_lattice_symmetry.io import SUFFIXES
from napari_lattice_symmetry.lattice import SIMULATIONS

PACKAGE = Path(napari_lattice_symmetry.__file__).parent
MANIFEST = PluginManifest.from_file(PACKAGE / "napari.yaml")


def test_it_is_valid():
    MANIFEST.validate_imports()
    assert MANIFEST.package_metadata is None or MANIFEST.package_metadata.name == MANIFEST.name


@pytest.mark.parametrize("command", MANIFEST.contributions.commands, ids=lambda c: c.id)
def test_commands_lead_somewhere(command):
    from npe2.manifest.utils import import_python_name

    assert callable(import_python_name(command.python_name))


def test_every_contribution_has_a_command():
    commands = {command.id for command in MANIFEST.contributions.commands}
    contributions = MANIFEST.contributions
    used = {
        item.command
        for items in (
            contributions.readers,
            contributions.writers,
            contributions.widgets,
            contributions.sample_data,
            *contributions.menus.values(),
        )
        for item in items
    }
    assert used == commands


def test_readers_take_what_io_reads_and_results():
    movies, structures = (reader.filename_patterns for reader in MANIFEST.contributions.readers)
    assert sorted(movies) == sorted(f"*{suffix}" for suffix in SUFFIXES)
    names = [*(f"*{suffix}" for suffix in FORMATS), *(f"{name}*" for name in VASP_NAMES)]
    assert sorted(structures) == sorted(names)


def test_samples_are_the_simulations():
    samples = [sample.key for sample in MANIFEST.contributions.sample_data]
    assert samples == [*SIMULATIONS, "atoms", "focal-series"]


def test_samples_and_commands_share_no_name():
    # napari registers both as actions by one kind of name, and opens no window where two are one.
    samples = {f"{MANIFEST.name}.{sample.key}" for sample in MANIFEST.contributions.sample_data}
    assert not samples & {command.id for command in MANIFEST.contributions.commands}


def test_the_menus_open_the_widget(viewer):
    def texts(menu):
        for action in menu.actions():
            yield action.text()
            if action.menu() is not None:
                yield from texts(action.menu())

    layers_menu = list(texts(viewer.window.layers_menu))
    plugins_menu = list(texts(viewer.window.plugins_menu))
    assert any("Lattice symmetry" in text for text in layers_menu)
    assert any("Lattice" in text for text in plugins_menu)
