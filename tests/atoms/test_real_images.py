"""Atoms of real images; what they show is told in the list beside them."""

from __future__ import annotations

import numpy as np
import pytest

import napari_lattice_symmetry as nls

SAMPLING = 0.0078125
BOND = 0.142


def test_the_silicon_atom_in_graphene_is_the_brightest(shared_data):
    image = np.load(shared_data / "atoms" / "graphene_stem_Si_2nm.npy")
    found = nls.atoms.find_atoms(image, pixel_size=SAMPLING, spacing=BOND / SAMPLING)
    brightest = int(np.nanargmax(found.intensity))
    assert (found.y[brightest], found.x[brightest]) == pytest.approx((138, 96), abs=4)
    assert found.intensity[brightest] > 2.5 * np.nanmedian(found.intensity)


def test_what_is_found_of_a_picture_that_others_simulated_is_there(shared_data):
    data = np.load(shared_data / "atoms" / "graphene_simulated_labelled.npz")
    true = data["positions"]  # rows before columns
    true = true[((true > 0) & (true < 511)).all(axis=1)]
    clump = (true > (350, 390)).all(axis=1)
    found = nls.atoms.find_atoms(data["image"], pixel_size=SAMPLING, spacing=BOND / SAMPLING)
    found = found[~(found.positions > (350, 390)).all(axis=1)]
    told = nls.atoms.score(found, true[~clump], 0.05, ignore=true[clump])
    assert told.precision > 0.92
    assert told.recall > 0.92
    assert np.abs(told.bias).max() < 0.003


def test_molybdenum_and_sulfur_are_told_apart_by_distance(shared_data):
    image = np.load(shared_data / "images" / "MoS2_stem_Exp-001-5.npy")
    found = nls.atoms.find_atoms(image, pixel_size=0.01367)
    cells = (512 * 0.01367) ** 2 / (0.316**2 * 3**0.5 / 2)
    label = nls.atoms.classify(image, found).label
    assert (label == "heavy").sum() == pytest.approx(cells, rel=0.15)
    assert 1.5 * cells < len(found) < 2.05 * cells
    assert np.nanmedian(found.neighbor) * 0.01367 == pytest.approx(0.183, rel=0.05)
