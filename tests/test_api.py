from __future__ import annotations

import ast
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

import napari_lattice_symmetry as nls

STUB = ast.parse(Path(nls.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
IMPORTS = [
    (alias.name, ".".join([nls.__name__, *([node.module] if node.module else [])]))
    for node in STUB.body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
]


@pytest.mark.parametrize(("name", "home"), IMPORTS)
def test_public_names_are_those_of_their_modules(name, home):
    value = getattr(nls, name)
    if isinstance(value, ModuleType):
        assert value is import_module(f"{home}.{name}")
    else:
        assert value is getattr(import_module(home), name)


def test_all_lists_agree():
    names = [name for name, _ in IMPORTS]
    assert len(names) > 25
    assert sorted(names) == sorted(nls.__all__) == sorted(dir(nls))


@pytest.mark.parametrize(
    "room",
    ["atoms", "cells", "crystals", "evolution", "inspection", "report", "structure", "watch"],
)
def test_rooms_have_what_they_list(room):
    module = getattr(nls, room)
    assert module.__all__
    assert set(module.__all__) <= set(dir(module))


def test_version_is_that_of_the_package():
    assert nls.__version__ == version("napari-lattice-symmetry")


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="analyse"):
        nls.analyse  # noqa: B018
