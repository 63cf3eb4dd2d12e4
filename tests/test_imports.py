"""What an import must not drag in, seen from outside: every look is an interpreter of its own."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from loading import libraries_after, modules_after

import napari_lattice_symmetry
from napari_lattice_symmetry.atoms.finding.examples import ExampleChunk as AtomChunk
from napari_lattice_symmetry.bravais.dataset import Chunk
from napari_lattice_symmetry.bravais.verdict_images import ExampleChunk

ROOT = Path(napari_lattice_symmetry.__file__).parent
HOUSE = Path(__file__).parents[1]
MAX_LINES, MAX_MODULES = 400, 15

ENGINES = {"keras", "tensorflow"}
GUI = {"magicgui", "napari", "qtpy", "superqt", "vispy"}
FORMATS = {"dask", "h5py", "imageio", "tifffile", "zarr"}
HEAVY = ENGINES | GUI | FORMATS | {"matplotlib"}
OURS = {"napari_lattice_symmetry"}

LEFT_OF_PLUGIN = [
    *(
        "analysis",
        "atoms",
        "bravais",
        "cells",
        "cli",
        "commands",
        "crystals",
        "data",
        "errors",
        "evolution",
        "files",
    ),
    *("inspection", "io", "lattice", "networks", "report", "results", "settings", "spectrum"),
    "structure",
]

COMMANDS = """
from importlib import import_module
from npe2 import PluginManifest
manifest = PluginManifest.from_distribution("napari-lattice-symmetry")
contributions = manifest.contributions
modules = {c.id: c.python_name.split(":")[0] for c in contributions.commands}
"""


def test_package_loads_nothing_but_itself():
    loaded = modules_after("import napari_lattice_symmetry")
    assert "napari_lattice_symmetry" in loaded
    assert len(loaded - modules_after("import ast, lazy_loader, warnings")) < 5


def test_no_package_left_of_the_plugin_loads_a_heavy_library():
    """All in one interpreter: what none of them loads no single one does."""
    names = ", ".join(f"napari_lattice_symmetry.{package}" for package in LEFT_OF_PLUGIN)
    loaded = libraries_after(f"import {names}")
    assert loaded >= {"numpy", "pydantic", "scipy"}
    assert not loaded & HEAVY
    others = loaded - libraries_after(
        "import click, lazy_loader, numpy, pydantic.fields, scipy.stats"
    )
    assert {name for name in others - sys.stdlib_module_names if name[0] != "_"} <= OURS


def test_public_names_load_no_heavy_library():
    loaded = libraries_after("from napari_lattice_symmetry import *")
    assert "numpy" in loaded
    assert not loaded & HEAVY


def test_opening_a_result_loads_none_of_the_modules_that_run_networks():
    loaded = modules_after("import napari_lattice_symmetry.results")
    rooms = ("bravais.classifier", "networks.dropout", "networks.engines", "networks.keras_loading")
    assert not loaded & {f"napari_lattice_symmetry.{room}" for room in rooms}


def test_opening_a_file_loads_no_engine(tmp_path):
    path = tmp_path / "movie.npy"
    loaded = libraries_after(
        "import numpy, napari_lattice_symmetry as nls\n"
        f"numpy.save({str(path)!r}, numpy.zeros((2, 8, 8)))\n"
        f"assert nls.read_movie({str(path)!r}).shape == (2, 8, 8)"
    )
    assert not loaded & (ENGINES | GUI | {"matplotlib"})


@pytest.mark.parametrize("order", [AtomChunk, Chunk, ExampleChunk])
def test_processes_that_simulate_load_no_engine(order):
    loaded = libraries_after(f"import {order.__module__}")
    assert not loaded & (ENGINES | GUI)


def test_discovery_loads_nothing_of_the_package():
    loaded = libraries_after(f"{COMMANDS}\nassert modules")
    assert not loaded & (ENGINES | {"matplotlib", "napari", "numpy", "qtpy"})


def test_readers_and_samples_load_no_engine_and_no_window():
    loaded = libraries_after(
        f"{COMMANDS}\n"
        "for each in (*contributions.readers, *contributions.sample_data):\n"
        "    import_module(modules[each.command])"
    )
    assert "napari_lattice_symmetry" in loaded
    assert not loaded & (ENGINES | GUI | {"matplotlib"})


def test_widgets_load_no_engine():
    loaded = libraries_after(
        f"{COMMANDS}\nfor each in contributions.widgets: import_module(modules[each.command])"
    )
    assert "qtpy" in loaded
    assert not loaded & (ENGINES | {"matplotlib"})


def imported_in(tree):
    """Names that a module imports, in functions too, but not what it needs for types alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imported_in(node)


def circle(sources):
    """Find modules that import each other, of the text of each by its name; None if none do."""
    graph = {name: set() for name in sources}
    for name, text in sources.items():
        for target in imported_in(ast.parse(text)):  # a module, or a name in one
            module = target if target in sources else target.rpartition(".")[0]
            graph[name] |= {module} & {*sources}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def test_no_modules_import_each_other_not_even_inside_functions():
    sources = {}
    for path in ROOT.rglob("*.py"):
        parts = (ROOT.name, *path.relative_to(ROOT).with_suffix("").parts)
        name = ".".join(parts).removesuffix(".__init__")
        sources[name] = path.read_text(encoding="utf-8")
    assert len(sources) > 150
    assert circle(sources) is None


def test_a_circle_is_seen_wherever_it_hides():
    hidden = "def load():\n    from package.store import read\n"
    for_types = "if TYPE_CHECKING:\n    from package.store import read\n"
    store = {"package": "", "package.store": "from package.result import Result\n"}
    found = circle({**store, "package.result": hidden})
    assert {*found} == {"package.result", "package.store"}
    assert circle({**store, "package.result": for_types}) is None


def test_modules_and_folders_are_small():
    modules = list(ROOT.rglob("*.py"))
    long = [path for path in modules if path.read_text("utf-8").count("\n") > MAX_LINES]
    tests = (HOUSE / "tests").rglob("*.py")
    counts = Counter(path.parent for path in (*modules, *tests))
    assert not long
    assert not [folder for folder, count in counts.items() if count > MAX_MODULES]


def test_contributing_draws_the_rooms_in_the_order_of_the_contract():
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    text = (HOUSE / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawing = text.split("`lint-imports` checks it:\n\n")[1].split("\n\n")[0]
    rooms = (re.split(" {2,}", line.strip())[0] for line in drawing.splitlines())
    assert [room for room in rooms if not room.startswith("|")] == layers  # else it goes on
