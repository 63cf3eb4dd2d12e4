from __future__ import annotations

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import AtomImage, classify, find_atoms, score
from napari_lattice_symmetry.atoms.table import join


@pytest.mark.parametrize(
    ("material", "heavy", "light"), [("MoS2", "Mo", "S"), ("SrTiO3 [001]", "Sr", "Ti")]
)
def test_two_sublattices_are_told_apart_at_a_low_dose(material, heavy, light):
    picture = AtomImage(material=material, spacing=12, size=192, counts=15, seed=2).draw()
    told = classify(picture.image, picture.atoms)
    names = {heavy: "heavy", light: "light"}
    true = np.array([names[each] for each in picture.atoms.label.tolist()])
    assert (told.label == true).mean() > 0.98
    assert told.more["class_probability"].min() >= 1 / 3


@pytest.mark.parametrize("material", ["graphene", "Au [001]"])
def test_one_kind_of_column_is_one_class(material):
    picture = AtomImage(material=material, spacing=12, size=192, counts=30).draw()
    assert set(classify(picture.image, picture.atoms).label.tolist()) == {"atom"}


def test_a_brighter_atom_stays_of_its_site():
    picture = AtomImage(material="MoS2", spacing=12, size=192, heavier=0.03, seed=4).draw()
    told = classify(picture.image, picture.atoms)
    odd = picture.atoms.more["defect"] == "heavier"
    sites = AtomImage(material="MoS2", spacing=12, size=192, seed=4).draw().atoms
    true = np.where(sites.label == "Mo", "heavy", "light")
    assert odd.sum() > 3
    assert (told.label == true)[odd].mean() > 0.9


def test_found_atoms_are_scored_by_class():
    picture = AtomImage(material="MoS2", spacing=12, size=128, seed=1).draw()
    names = np.where(picture.atoms.label == "Mo", "heavy", "light")
    found = classify(picture.image, find_atoms(picture.image, spacing=12))
    told = score(found, picture.atoms.with_columns(label=names), 4, ignore=picture.faint)
    assert told.classes["heavy"].f1 > 0.97
    assert told.classes["light"].f1 > 0.97


def test_other_numbers_of_classes_are_refused():
    picture = AtomImage(size=64, spacing=12).draw()
    with pytest.raises(nls.LatticeSymmetryError, match="7 classes"):
        classify(picture.image, picture.atoms, classes=7)
    assert len(classify(picture.image, picture.atoms[:0])) == 0


def test_classes_have_the_names_and_probabilities_that_are_asked_for():
    pictures = [AtomImage(material="MoS2", spacing=12, size=128, seed=k).draw() for k in (1, 2)]
    movie = np.stack([picture.image for picture in pictures])
    tables = [
        picture.atoms.with_columns(frame=np.full(len(picture.atoms), k))
        for k, picture in enumerate(pictures)
    ]
    true = join(tables)
    told = classify(movie, true, names=("S", "Mo"))
    assert (told.label == true.label).mean() > 0.98
    both = told.more["probability_S"] + told.more["probability_Mo"]
    np.testing.assert_allclose(both, 1)
    np.testing.assert_allclose(
        np.maximum(told.more["probability_S"], told.more["probability_Mo"]),
        told.more["class_probability"],
    )
    for names, said in ((("S", "S"), "have to be different"), (list("abcd"), "cannot be told")):
        with pytest.raises(nls.LatticeSymmetryError, match=said):
            classify(movie, true, names=names)
    with pytest.raises(nls.LatticeSymmetryError, match="too few to tell 2 classes; 8 are needed"):
        classify(movie, true[:5], names=("S", "Mo"))
