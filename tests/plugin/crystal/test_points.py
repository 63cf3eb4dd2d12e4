"""Structure files dropped on napari."""

from __future__ import annotations

import numpy as np
import pytest
from ase.io import write

from napari_lattice_symmetry.atoms import Atoms
from napari_lattice_symmetry.crystals import prototype, read_structure
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.crystal.points import get_reader

PLUGIN = "napari-lattice-symmetry"


def test_a_crystal_opens_as_its_columns(make_napari_viewer, tmp_path):
    write(tmp_path / "titanate.cif", prototype("SrTiO3").atoms)
    (layer,) = make_napari_viewer().open(tmp_path / "titanate.cif", plugin=PLUGIN)
    assert layer.name == "titanate [0 0 1]"
    assert [str(unit) for unit in layer.units] == ["nanometer", "nanometer"]
    strontium = layer.data[layer.features["column"] == "Sr"]
    apart = np.linalg.norm(strontium[:, np.newaxis] - strontium, axis=2)
    np.testing.assert_allclose((apart + 9 * np.eye(len(apart))).min(axis=1), 0.3905, atol=1e-6)
    assert np.ptp(layer.data, axis=0).min() > 2.5
    assert set(layer.features["mean Z"]) == {8, 15, 38}
    assert layer.metadata["plane group"] == "p4m"
    colors = {
        kind: layer.face_color[layer.features["column"] == kind] for kind in ("Sr", "O/Ti", "O")
    }
    assert len(np.unique(np.concatenate(list(colors.values())), axis=0)) == 3


def test_a_cluster_opens_as_its_atoms(make_napari_viewer, tmp_path):
    path = tmp_path / "cluster.xyz"
    path.write_text("2\n\nAu 0 0 0\nCu 1 2 3\n", encoding="utf-8")
    (layer,) = make_napari_viewer().open(path, plugin=PLUGIN)
    np.testing.assert_allclose(layer.data, [[0, 0], [0.2, 0.1]])
    assert list(layer.features["atom"]) == ["Au", "Cu"]


@pytest.mark.parametrize("ending", ["xyz", "extxyz"])
def test_atoms_that_were_saved_open_where_they_were_in_nanometers(
    make_napari_viewer, tmp_path, ending
):
    path = tmp_path / f"found.{ending}"
    size = (0.02, 0.02)
    atoms = Atoms.at([10, 40], [20, 30], frame=[0, 1], label=["Mo", "S"], pixel_size=size)
    atoms.save(path)
    (layer,) = make_napari_viewer().open(path, plugin=PLUGIN)
    np.testing.assert_allclose(layer.data, [[0, 0.2, 0.4], [1, 0.8, 0.6]])
    assert [str(unit) for unit in layer.units] == ["pixel", "nanometer", "nanometer"]
    assert layer.features["label"].tolist() == ["Mo", "S"]
    with pytest.raises(InputError, match="found in an image, in nm"):
        read_structure(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cloud.xyz", "0.1 0.2 0.3\n0.4 0.5 0.6\n"),
        ("settings.in", "units metal\natom_style atomic\n"),
        ("notes.docx", "4\n"),
    ],
)
def test_other_files_are_left_to_others(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert get_reader(str(path)) is None
    assert get_reader([str(path)]) is None


def test_every_published_geometry_is_known(shared_data):
    files = sorted((shared_data / "crystals").glob("*.in"))
    assert len(files) > 40
    assert all(get_reader(str(file)) is not None for file in files)


def test_a_damaged_file_gets_one_sentence(tmp_path):
    path = tmp_path / "half.cif"
    path.write_text("data_x\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"^half\.cif "):
        get_reader(str(path))(str(path))
