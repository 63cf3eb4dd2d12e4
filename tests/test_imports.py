"""What an import must not drag in, seen from outside: every look is an interpreter of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

ENGINES = {"keras", "tensorflow"}
GUI = {"magicgui", "napari", "qtpy", "superqt", "vispy"}
FORMATS = {"dask", "h5py", "imageio", "tifffile", "zarr"}
HEAVY = ENGINES | GUI | FORMATS | {"matplotlib"}

LEFT_OF_PLUGIN = ["analysis", "bravais", "cli", "data", "errors", "io", "lattice", "spectrum"]

COMMANDS = """
from importlib import import_module
from npe2 import PluginManifest
manifest = PluginManifest.from_distribution("napari-lattice-symmetry")
contributions = manifest.contributions
modules = {c.id: c.python_name.split(":")[0] for c in contributions.commands}
"""


def loaded_by(statements):
    """Top-level modules after `statements`, and the processor time in s that they took."""
    code = (
        "import json, sys, time\n"
        "start = time.process_time()\n"
        f"{statements}\n"
        "names = {name.split('.')[0] for name in sys.modules}\n"
        "print(json.dumps([sorted(names), time.process_time() - start]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, seconds = json.loads(done.stdout.splitlines()[-1])
    return set(names), seconds


def test_package_loads_nothing_but_itself():
    loaded, seconds = loaded_by("import napari_lattice_symmetry")
    assert "napari_lattice_symmetry" in loaded
    assert not loaded & (HEAVY | {"numpy", "pydantic", "scipy", "skimage"})
    assert seconds < 0.3


@pytest.mark.parametrize("package", LEFT_OF_PLUGIN)
def test_no_package_left_of_the_plugin_loads_a_heavy_library(package):
    loaded, seconds = loaded_by(f"import napari_lattice_symmetry.{package}")
    assert not loaded & HEAVY
    assert seconds < 3  # NumPy, SciPy and pydantic, on a slow machine


def test_public_names_load_no_heavy_library():
    loaded, _ = loaded_by("from napari_lattice_symmetry import *")
    assert "numpy" in loaded
    assert not loaded & HEAVY


def test_opening_a_file_loads_no_engine(tmp_path):
    path = tmp_path / "movie.npy"
    loaded, _ = loaded_by(
        "import numpy, napari_lattice_symmetry as nls\n"
        f"numpy.save({str(path)!r}, numpy.zeros((2, 8, 8)))\n"
        f"assert nls.read_movie({str(path)!r}).shape == (2, 8, 8)"
    )
    assert not loaded & (ENGINES | GUI | {"matplotlib"})


def test_discovery_loads_nothing_of_the_package():
    loaded, _ = loaded_by(f"{COMMANDS}\nassert modules")
    assert not loaded & (ENGINES | {"matplotlib", "napari", "numpy", "qtpy"})


def test_readers_and_samples_load_no_engine_and_no_window():
    loaded, _ = loaded_by(
        f"{COMMANDS}\n"
        "for each in (*contributions.readers, *contributions.sample_data):\n"
        "    import_module(modules[each.command])"
    )
    assert "napari_lattice_symmetry" in loaded
    assert not loaded & (ENGINES | GUI | {"matplotlib"})


def test_widgets_load_no_engine():
    loaded, _ = loaded_by(
        f"{COMMANDS}\nfor each in contributions.widgets: import_module(modules[each.command])"
    )
    assert "qtpy" in loaded
    assert not loaded & (ENGINES | {"matplotlib"})
