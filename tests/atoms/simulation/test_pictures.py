from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.spatial import Delaunay

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import AtomImage
from napari_lattice_symmetry.atoms.simulation.materials import MATERIALS

PERFECT = {"displacement": 0.0, "tails": 0.0, "background": 0.0, "counts": 1e6, "size": 128}


@pytest.mark.parametrize("material", MATERIALS)
def test_every_material_has_its_columns_where_they_are_told(material):
    picture = AtomImage(material=material, spacing=16, **{**PERFECT, "displacement": 0.01}).draw()
    atoms = picture.atoms
    assert np.median(atoms.neighbor) == pytest.approx(16, rel=0.05)
    inner = (np.abs(atoms.positions - 63.5) < 50).all(axis=1)
    y, x = np.rint(atoms.positions[inner]).astype(int).T
    heights = picture.image[y, x] / atoms.intensity[inner]
    assert 0.85 < np.median(heights) < 1.3
    assert picture.image.max() < 2.5e6


def test_contrast_goes_with_the_atomic_number():
    atoms = AtomImage(material="MoS2", **PERFECT).draw().atoms
    heights = {name: np.median(atoms.intensity[atoms.label == name]) for name in ("Mo", "S")}
    assert heights["S"] / heights["Mo"] == pytest.approx(2 * (16 / 42) ** 1.7, rel=1e-3)


def test_defects_are_told_and_vacancies_are_no_atoms():
    settings = {"material": "MoS2", "spacing": 10, "size": 256, "seed": 3}
    picture = AtomImage(vacancies=0.05, partial=0.1, heavier=0.02, adatoms=0.02, **settings).draw()
    kinds = Counter(picture.defects.kind.tolist())
    assert {"vacancy", "partial vacancy", "heavier", "adatom"} == set(kinds)
    whole = AtomImage(**settings).draw()
    n = len(whole.atoms)
    assert kinds["vacancy"] / n == pytest.approx(0.05, abs=0.03)
    halves = picture.atoms.label[picture.atoms.more["defect"] == "partial vacancy"]
    assert set(halves) <= {"S"}
    assert (picture.atoms.more["occupancy"] > 0).all()
    assert not len(whole.defects)


def test_what_is_told_of_a_column_is_what_is_left_of_it():
    settings = {"spacing": 10, "size": 256, "seed": 3, "zone": (0, 0, 1)}
    gold = AtomImage(material="Au [001]", partial=0.2, **settings).draw().atoms
    whole = AtomImage(material="Au [001]", **settings).draw().atoms
    share = gold.intensity / np.median(whole.intensity)
    assert gold.more["occupancy"] == pytest.approx(share, rel=1e-6)
    assert len(set(gold.more["occupancy"].round(6).tolist())) > 1
    layer = {"material": "MoS2", "spacing": 10, "size": 256, "seed": 3}
    atoms = AtomImage(antisites=0.1, **layer).draw().atoms
    named = {
        name: np.median(atoms.intensity[(atoms.label == name) & (atoms.more["defect"] == "")])
        for name in ("Mo", "S")
    }
    wrong = atoms.more["defect"] == "antisite"
    assert wrong.sum() > 5
    for label, height in zip(atoms.label[wrong], atoms.intensity[wrong], strict=True):
        assert height == pytest.approx(named[label], rel=1e-4)
    atoms = AtomImage(lighter=0.05, heavier=0.05, **layer).draw().atoms
    unlike = np.isin(atoms.more["defect"], ("lighter", "heavier"))
    assert set(atoms.label[unlike]) == {"X"}
    assert set(atoms.label[~unlike]) == {"Mo", "S"}


def test_columns_of_two_grains_keep_apart():
    atoms = AtomImage(second_grain=0.5, size=256, displacement=0).draw().atoms
    assert atoms.neighbor.min() > 0.69 * 18.2


def test_a_rotated_bond_makes_five_and_seven_rings():
    atoms = AtomImage(rotated_bond=True, size=256, spacing=14, displacement=0).draw().atoms
    near = np.linalg.norm(atoms.positions - 128, axis=1) < 60
    points = atoms.positions[near]
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    inner = np.linalg.norm(points - 128, axis=1) < 40
    bonds = ((distances > 0) & (distances < 1.35 * 14)).sum(axis=1)
    assert (bonds[inner] == 3).all()
    # In a triangulation of the centers of rings each has as many neighbors as it has sides.
    assert Counter(ring_sizes(points, 128, 1.35 * 14)) == {5: 2, 7: 2}


def ring_sizes(points, center, bond):
    """Sizes of the rings that are no hexagons, by joining triangles across long sides."""
    triangles = Delaunay(points)
    parent = np.arange(len(triangles.simplices))
    corners = [set(each) for each in triangles.simplices.tolist()]
    for a, neighbors in enumerate(triangles.neighbors):
        for b in neighbors:
            shared = sorted(corners[a] & corners[b]) if b >= 0 else []
            if len(shared) == 2 and np.linalg.norm(np.subtract(*points[shared])) > bond:
                parent[parent == parent[b]] = parent[a]
    for ring in np.unique(parent):
        members = sorted(set().union(*(corners[i] for i in np.flatnonzero(parent == ring))))
        middle = points[members].mean(axis=0)
        if np.linalg.norm(middle - center) < 35 and len(members) != 6:
            yield len(members)


def test_the_truth_follows_the_rows_of_a_drifting_scan():
    picture = AtomImage(wander=0.5, probe=0.15, spacing=16, **PERFECT, seed=1).draw()
    still = AtomImage(probe=0.15, spacing=16, **PERFECT, seed=1).draw()
    assert np.abs(picture.atoms.x[:20] - still.atoms.x[:20]).max() > 2
    inner = (np.abs(picture.atoms.positions - 63.5) < 45).all(axis=1)
    off = []
    for y, x in picture.atoms.positions[inner]:
        i, j = round(y), round(x)
        part = picture.image[i - 5 : i + 6, j - 5 : j + 6] ** 2
        off.append((part.sum(axis=0) @ np.arange(j - 5, j + 6)) / part.sum() - x)
    assert np.abs(np.mean(off)) < 0.15
    assert np.std(off) < 0.4


def test_seeds_repeat_and_differ():
    one = AtomImage(size=64, seed=5).draw().image
    assert np.array_equal(one, AtomImage(size=64, seed=5).draw().image)
    assert not np.array_equal(one, AtomImage(size=64, seed=6).draw().image)


@pytest.mark.parametrize(
    ("material", "column", "total"),
    [
        ("MoS2", [37, 18, 17, 16, 10], 202271),
        ("Au [001]", [7, 19, 8, 11, 12], 177917),
        ("SrTiO3 [001]", [21, 19, 26, 20, 13], 220236),
    ],
)
def test_pixels_are_those_that_networks_learned_from(material, column, total):
    shares = {"lighter": 0.05, "heavier": 0.05, "antisites": 0.05, "partial": 0.1, "adatoms": 0.05}
    settings = {"spacing": 10, "size": 96, "seed": 3, "counts": 40, "vacancies": 0.03, "clumps": 1}
    image = AtomImage(material=material, **settings, **shares).draw().image
    assert image[8::20, 48].tolist() == column
    assert image.sum() == total


def test_an_unknown_material_is_said():
    with pytest.raises(nls.LatticeSymmetryError, match="'unobtainium' is no material"):
        AtomImage(material="unobtainium").draw()


def test_a_file_with_a_structure_is_drawn(tmp_path):
    from ase.build import bulk

    bulk("NaCl", "rocksalt", 5.64, cubic=True).write(tmp_path / "salt.cif")
    atoms = AtomImage(material=str(tmp_path / "salt.cif"), size=96, spacing=12).draw().atoms
    assert set(atoms.label) == {"Cl"}  # the heaviest of a mixed column


def test_single_atoms_lie_anywhere_but_not_on_each_other():
    atoms = AtomImage(material="single atoms", support=0.2, density=0.4, spacing=12).draw().atoms
    assert len(atoms) > 50
    assert atoms.neighbor.min() > 0.69 * 12


def test_atoms_in_and_below_clumps_count_neither_way():
    settings = {"spacing": 12, "size": 256, "seed": 5}
    whole, heaped = AtomImage(**settings).draw(), AtomImage(clumps=3, **settings).draw()
    assert len(heaped.atoms) < len(whole.atoms)
    assert set(map(tuple, heaped.atoms.positions)) < set(map(tuple, whole.atoms.positions))
    assert len(heaped.faint) - len(whole.faint) >= len(whole.atoms) - len(heaped.atoms)
    assert heaped.image.sum() > 1.02 * whole.image.sum()
    assert not len(heaped.defects)


def test_the_background_slopes_and_rows_flicker():
    settings = {"spacing": 12, "size": 256, "counts": 1e4, "background": 1.0}
    flat = AtomImage(**settings).draw().image
    sloping = AtomImage(slope=2.0, **settings).draw().image - flat
    gradient = [np.polyfit(np.arange(256), sloping.mean(axis=axis), 1)[0] * 256 for axis in (0, 1)]
    assert np.hypot(*gradient) == pytest.approx(2e4, rel=0.02)
    rows = AtomImage(flicker=0.1, **settings).draw().image.sum(axis=1) / flat.sum(axis=1)
    assert rows.std() == pytest.approx(0.1, rel=0.2)
    assert AtomImage(frame=1, flicker=0.1, **settings).draw().image.sum(axis=1) / flat.sum(
        axis=1
    ) != pytest.approx(rows, abs=0.01)
