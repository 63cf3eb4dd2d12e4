"""Displacements, polarization and grains of pictures whose atoms are known."""

from __future__ import annotations

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import (
    AtomImage,
    Atoms,
    displacements,
    find_grains,
    polarization,
)

SPACING = 14.0


def draw(material="graphene", **more):
    more = {"spacing": SPACING, "size": 224} | more
    return AtomImage(material=material, **more).draw()


def test_an_atom_off_its_site_is_seen_to_be_and_how_far():
    picture = draw("SrTiO3 [001]", displacement=0.0)
    moved = int(np.hypot(picture.atoms.y - 112, picture.atoms.x - 112).argmin())
    y = picture.atoms.y.copy()
    y[moved] += 1.5
    atoms = displacements(picture.image, picture.atoms.with_columns(y=y))
    assert atoms.more["displacement_y"][moved] == pytest.approx(1.5, abs=0.05)
    others = np.delete(atoms.more["displacement"], moved)
    assert np.nanmax(others) < 0.3
    assert np.isfinite(others).mean() > 0.9


def test_displacements_spread_as_atoms_do_and_strain_counts_as_none():
    picture = draw(displacement=0.03)
    away = displacements(picture.image, picture.atoms).more["displacement"]
    rayleigh = 1.177 * 0.03 * SPACING * np.sqrt(1 + 1.57 / 12)  # the median of twelve others errs
    assert np.nanmedian(away) == pytest.approx(rayleigh, rel=0.1)
    even = draw(displacement=0.0)
    strained = even.atoms.with_columns(y=even.atoms.y * (1 + 1e-4 * even.atoms.y))
    away = displacements(even.image, strained).more["displacement"]
    assert np.nanmedian(away) < 0.1


def test_polarization_is_how_far_a_class_lies_off_the_center_of_the_others():
    atoms = draw("SrTiO3 [001]", orientation=0).atoms
    shift = np.where(atoms.label == "Ti", 1.0, 0.0)
    moved = atoms.with_columns(y=atoms.y + shift, x=atoms.x - 0.5 * shift)
    told = polarization(moved, "Ti", 4).more
    known = np.isfinite(told["polarization"])
    assert not known[atoms.label == "Sr"].any()
    inside = (np.abs(atoms.positions - 112) < 112 - 1.2 * SPACING).all(axis=1)
    assert known[inside & (atoms.label == "Ti")].all()
    assert np.mean(told["polarization_y"][known]) == pytest.approx(1, abs=0.1)
    assert np.mean(told["polarization_x"][known]) == pytest.approx(-0.5, abs=0.1)


def test_a_neighbor_that_is_missing_leaves_the_polarization_open():
    atoms = Atoms.at([0, 0, 10, 10, 5, 50], [0, 10, 0, 10, 5, 50], label=list("AAAABA"))
    assert np.isfinite(polarization(atoms, "B", 4).more["polarization"][4])
    assert np.isnan(polarization(atoms[1:], "B", 4).more["polarization"][3])
    with pytest.raises(nls.LatticeSymmetryError, match="there are: A, B"):
        polarization(atoms, "Ti", 4)
    with pytest.raises(nls.LatticeSymmetryError, match="3 or more"):
        polarization(atoms, "B", 2)


@pytest.mark.parametrize(("material", "turned"), [("graphene", 12), ("SrTiO3 [001]", 30)])
def test_two_grains_are_told_apart_and_by_how_much_they_are_turned(material, turned):
    picture = draw(material, size=288, second_grain=0.5, misorientation=turned, displacement=0.03)
    atoms = find_grains(picture.atoms)
    grain, direction = atoms.more["grain"], atoms.more["orientation"]
    assert set(grain.tolist()) == {0, 1, 2}
    assert (grain == 0).mean() < 0.2
    one, two = (np.median(direction[grain == number]) for number in (1, 2))
    fold = 60 if material == "graphene" else 90
    apart = abs(one - two)
    assert min(apart, fold - apart) == pytest.approx(turned, abs=1)
    away = displacements(picture.image, atoms).more["displacement"]
    assert np.isfinite(away).mean() > 0.8
    assert np.isnan(away[grain == 0]).all()


def test_a_single_crystal_is_one_grain_and_atoms_in_disorder_are_of_none():
    assert set(find_grains(draw(displacement=0.03).atoms).more["grain"].tolist()) == {1}
    places = np.random.default_rng(0).uniform(0, 200, (2, 150))
    assert (find_grains(Atoms.at(*places)).more["grain"] == 0).mean() > 0.6
    with pytest.raises(nls.LatticeSymmetryError, match="must be positive"):
        find_grains(Atoms.at(*places), tolerance=0)
