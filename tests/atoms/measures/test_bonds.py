"""Bonds and rings of pictures whose atoms are known, and of a real grain boundary."""

from __future__ import annotations

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import (
    AtomImage,
    Atoms,
    find_bonds,
    find_rings,
    known_bonds,
)
from napari_lattice_symmetry.atoms.table import join

BOND = 0.142


def graphene(**more):
    picture = AtomImage(spacing=16, size=200, displacement=0.03, **more).draw()
    return picture.atoms


@pytest.mark.parametrize(
    ("material", "lengths", "angles"),
    [
        ("graphene", [BOND], [120]),
        ("MoS2", [0.1825], [120]),
        ("SrTiO3 [001]", [0.2761], [90]),
        ("Au [111]", [0.1665], [60]),
    ],
)
def test_bonds_of_materials_are_those_of_their_cells(material, lengths, angles):
    known = known_bonds(material)
    assert known.lengths == pytest.approx(lengths, abs=2e-4)
    assert known.angles == pytest.approx(angles)


def test_bonds_of_graphene_have_its_length_and_angle():
    atoms = graphene()
    size = BOND / 16
    bonds = find_bonds(Atoms.at(atoms.y, atoms.x, pixel_size=(size, size)))
    assert bonds.unit == "nm"
    assert np.median(bonds.length) == pytest.approx(BOND, rel=0.01)
    assert np.median(bonds.angle) == pytest.approx(120, abs=1)
    stretched = Atoms.at(atoms.y / 2, atoms.x, pixel_size=(2 * size, size))
    assert find_bonds(stretched).length == pytest.approx(bonds.length)


def test_a_rotated_bond_makes_two_five_and_two_seven_rings_at_its_place():
    rings = find_rings(graphene(rotated_bond=True, seed=2))
    counts = rings.counts()
    assert (counts[5], counts[7]) == (2, 2)
    assert set(counts) == {5, 6, 7}
    odd = rings[rings.size != 6]
    assert np.hypot(odd.y - 100, odd.x - 100).max() < 3.5 * 16
    hexagon = 1.5 * 3**0.5 * 16**2
    assert np.median(rings.area[rings.size == 6]) == pytest.approx(hexagon, rel=0.03)


def test_a_missing_atom_makes_a_ring_of_twelve():
    atoms = graphene()
    middle = int(np.hypot(atoms.y - 100, atoms.x - 100).argmin())
    rings = find_rings(atoms[np.arange(len(atoms)) != middle])
    assert rings.counts()[12] == 1
    assert len(rings) == len(find_rings(atoms)) - 2


def test_frames_have_rings_of_their_own():
    atoms = graphene(rotated_bond=True)
    both = join([atoms, atoms.with_columns(frame=np.full(len(atoms), 3))])
    one, two = find_rings(atoms), find_rings(both)
    assert len(two) == 2 * len(one)
    assert sorted(set(two.frame.tolist())) == [0, 3]
    np.testing.assert_allclose(two[two.frame == 3].x, one.x)
    np.testing.assert_allclose(two[two.frame == 3].area, one.area)


def test_of_two_bonds_that_cross_the_longer_one_makes_no_ring():
    square = Atoms.at([0, 0, 10, 10.0], [0, 10, 0, 9.0])
    assert find_rings(square, longest=15).counts() == {3: 2}
    assert find_rings(square).counts() == {4: 1}


def test_tables_are_written_and_what_has_no_bonds_is_said(tmp_path):
    atoms = graphene()
    find_bonds(atoms).save(tmp_path / "b.csv")
    find_rings(atoms).save(tmp_path / "r.csv")
    assert (tmp_path / "b.csv").read_text().startswith("frame,first,second,length_px\n")
    assert (tmp_path / "r.csv").read_text().startswith("frame,size,y,x,area_px2\n")
    with pytest.raises(nls.LatticeSymmetryError, match="no two atoms in a frame"):
        find_bonds(atoms[:1])
    with pytest.raises(nls.LatticeSymmetryError, match="must be positive"):
        find_bonds(atoms, longest=-1)
    with pytest.raises(nls.LatticeSymmetryError, match="no material"):
        known_bonds("unobtainium")
    assert len(find_rings(Atoms.at([0, 10], [0, 0]))) == 0


def test_a_real_grain_boundary_of_graphene_has_five_and_seven_rings(shared_data):
    image = np.load(shared_data / "atoms" / "graphene_stem_grainboundary_4nm.npy")
    size = 0.0078125
    # Below the usual confidence, as most columns of this image are doubtful.
    atoms = nls.atoms.find_atoms(image, pixel_size=size, spacing=BOND / size, confidence=0.1)
    bonds, rings = find_bonds(atoms), find_rings(atoms)
    assert np.median(bonds.length) == pytest.approx(BOND, rel=0.03)
    counts = rings.counts()
    assert counts[6] > 100
    assert counts[5] >= 5
    assert counts[7] >= 5
