from __future__ import annotations

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.errors import AnalysisError, InputError
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms

SHAPE = (240, 300)
DISTORTION = np.array([[1.05, 0.06], [0.06, 0.96]]) / np.sqrt(1.05 * 0.96 - 0.06**2)


def crystal(basis, distortion=DISTORTION, within=None):
    """An image of a lattice after a distortion; atoms where `within` says so."""
    atoms = lattice_points(basis @ distortion.T, SHAPE, (150, 120), 20)
    atoms = atoms if within is None else atoms[within(atoms)]
    image = draw_atoms(atoms, np.ones(len(atoms)), 2.0, SHAPE)
    return count_electrons(image + 0.2, 20, np.random.default_rng(0)).astype(np.float32)


@pytest.mark.parametrize(
    ("known", "basis"),
    [
        ("hexagonal", cell(12, 12, 60)),
        ("square", cell(12, 12, 90)),
        ((12, 17, 80), cell(12, 17, 80)),
    ],
)
def test_the_distortion_is_found(known, basis):
    found = nls.measure_distortion(crystal(basis @ rotation(23)), known)
    np.testing.assert_allclose(found.matrix, DISTORTION, atol=0.004)
    assert found.residual < 0.005
    assert found.agreeing == found.resolved == found.windows
    assert nls.AnalysisParameters(distortion=found.rows).distortion == found.rows


def test_the_lattice_is_as_it_was_after_correction():
    found = nls.measure_distortion(crystal(cell(12, 12, 60)), "hexagonal")
    assert found.ratio == pytest.approx(1, abs=0.005)
    assert found.gamma == pytest.approx(60, abs=0.3)
    assert str(found).startswith("stretched 1.16")
    assert f"{found.windows} of {found.windows} windows of {found.window} px agree" in str(found)


def test_lengths_can_be_given_in_nanometers():
    frame = crystal(cell(12, 12, 60), distortion=1.1 * DISTORTION)
    found = nls.measure_distortion(frame, (0.24, 0.24, 60), pixel_side=0.02)
    np.testing.assert_allclose(found.matrix, 1.1 * DISTORTION, atol=0.006)


def test_grains_that_are_turned_agree():
    one = crystal(cell(12, 12, 60), within=lambda atoms: atoms[:, 0] < 150)
    other = crystal(cell(12, 12, 60) @ rotation(17), within=lambda atoms: atoms[:, 0] >= 150)
    found = nls.measure_distortion(one + other, "hexagonal")
    np.testing.assert_allclose(found.matrix, DISTORTION, atol=0.01)


def test_a_region_is_all_that_counts():
    one = crystal(cell(12, 12, 60), within=lambda atoms: atoms[:, 0] < 140)
    other = crystal(cell(12, 15, 80), within=lambda atoms: atoms[:, 0] >= 140)
    region = np.zeros(SHAPE, dtype=bool)
    region[10:230, 5:140] = True
    found = nls.measure_distortion(one + other, "hexagonal", region)
    np.testing.assert_allclose(found.matrix, DISTORTION, atol=0.006)
    elsewhere = nls.measure_distortion(one + other, "hexagonal", ~region)
    assert np.abs(elsewhere.matrix - DISTORTION).max() > 0.05


def test_different_crystals_do_not_agree():
    cells = [cell(12, 12, 60), cell(12, 15, 85), cell(12, 19, 75), cell(12, 13, 78)]
    strips = [
        crystal(one, within=lambda atoms, i=i: atoms[:, 0] // 75 == i)
        for i, one in enumerate(cells)
    ]
    with pytest.raises(AnalysisError, match="distorted differently"):
        nls.measure_distortion(sum(strips), "hexagonal", window=72)


def test_another_cell_is_not_taken_for_a_distortion():
    with pytest.raises(AnalysisError, match=r"2\.0 : 1, which no scan does; type the a, b"):
        nls.measure_distortion(crystal(cell(12, 24, 90), distortion=np.eye(2)), "square")


def test_what_cannot_be_measured_is_told():
    frame = crystal(cell(12, 12, 60))
    noise = np.random.default_rng(0).normal(size=SHAPE)
    small = np.zeros(SHAPE, dtype=bool)
    small[10:55, 10:55] = True
    with pytest.raises(InputError, match="'cubic' does not fix a lattice"):
        nls.measure_distortion(frame, "cubic")
    with pytest.raises(InputError, match="region is empty"):
        nls.measure_distortion(frame, "hexagonal", np.zeros(SHAPE, dtype=bool))
    with pytest.raises(InputError, match="not one of a"):
        nls.measure_distortion(frame, "hexagonal", small[:50])
    with pytest.raises(InputError, match="holds no window"):
        nls.measure_distortion(frame, "hexagonal", small, window=60)
    with pytest.raises(AnalysisError, match="No lattice is seen"):
        nls.measure_distortion(noise, "hexagonal")
    with pytest.raises(AnalysisError, match="No lattice is resolved"):
        nls.measure_distortion(noise, "hexagonal", window=100)


@pytest.mark.parametrize(
    "file", ["images/MoS2_stem_Exp-001-5.npy", "images/stm_graphite_vasudevan2018_MOESM4.tif"]
)
def test_sheared_crystals_are_hexagonal_after_it(shared_data, file):
    frame = nls.read_movie(shared_data / file).frame(0)
    found = nls.measure_distortion(frame, "hexagonal")
    grid = nls.WindowGrid(frame.shape, found.window, 24)
    before = nls.fit_lattices(grid.windows(frame))
    after = nls.fit_lattices(grid.windows(frame), distortion=found.matrix)
    assert (before.label == nls.LABELS["hexagonal"]).mean() < 0.1
    assert (after.label == nls.LABELS["hexagonal"]).mean() > 0.6
