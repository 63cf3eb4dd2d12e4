from __future__ import annotations

import ast
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import napari_lattice_symmetry as nls


@pytest.mark.parametrize("name", sorted(nls._MODULE_OF))
def test_public_names_are_those_of_their_modules(name):
    home = import_module(f"napari_lattice_symmetry.{nls._MODULE_OF[name]}")
    assert getattr(nls, name) is getattr(home, name)


def test_all_lists_agree():
    assert set(nls.__all__) == {*nls._MODULE_OF, "__version__"}
    assert dir(nls) == sorted(nls.__all__)
    tree = ast.parse(Path(nls.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    told_to_editors = {
        alias.name: node.module.removeprefix("napari_lattice_symmetry.")
        for node in imports
        for alias in node.names
    }
    assert told_to_editors == nls._MODULE_OF


def test_version_is_that_of_the_package():
    assert nls.__version__ == version("napari-lattice-symmetry")


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        nls.analyse  # noqa: B018
