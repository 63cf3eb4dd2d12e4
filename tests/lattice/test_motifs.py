"""Windows whose plane group is that of the drawn picture, by exact operations."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.motifs import (
    Motif,
    break_symmetry,
    draw_motif,
    orbit,
    random_cell,
    random_motif,
)
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS, family_of, settings


@pytest.mark.parametrize("group", PLANE_GROUPS)
def test_drawn_pictures_have_the_operations_of_their_group_and_no_others(group):
    """Look at pixels: an operation turns the picture into itself, or it is not of the group."""
    rng = np.random.default_rng([7, PLANE_GROUPS.index(group)])
    motif = random_motif(group, rng)
    assert motif.group == group
    rotations, translations = motif.operations()
    assert len(rotations) == next(
        each.order for each in settings(motif.family) if each.group == group
    )
    basis = random_cell(motif.family, 20, rng)
    # One period is drawn on a grid of its own axes, so that operations permute samples.
    n = 24
    grid = np.stack(np.meshgrid(np.arange(n), np.arange(n), indexing="ij"), axis=-1) / n

    def density(fraction):
        apart = fraction[..., np.newaxis, :] - motif.sites
        apart -= np.rint(apart)
        squares = np.square(apart @ basis).sum(axis=-1)
        return (motif.brightness * np.exp(-squares / 8)).sum(axis=-1)

    picture = density(grid)
    for turn, shift in zip(rotations, translations, strict=True):
        np.testing.assert_allclose(density(grid @ turn.T + shift), picture, atol=0.02)
    spectrum = np.fft.fft2(picture)
    itself = np.square(picture).sum()
    for each in settings(motif.family):
        turn = each.rotations[-1]
        if not any(np.array_equal(turn, one) for one in rotations):
            # Wherever it is moved to, the turned picture is another one.
            turned = np.fft.fft2(density(grid @ turn.T))
            likeness = np.fft.ifft2(spectrum * turned.conj()).real.max()
            assert likeness < 0.9999 * itself


def test_one_round_atom_is_never_p1():
    with pytest.raises(InputError, match="1 atoms that make p1"):
        random_motif("p1", np.random.default_rng(0), atoms=1)
    assert Motif(np.array([[0.2, 0.3]]), np.ones(1), "oblique").group == "p2"
    place = np.array([0.13, 0.21])
    for group, seen in (("pm", "pmm"), ("pg", "pmg"), ("cm", "cmm")):
        setting = next(each for each in settings(family_of(group)) if each.group == group)
        sites = orbit(place, setting)
        assert Motif(sites, np.ones(len(sites)), family_of(group)).group == seen


def test_a_cell_that_is_not_primitive_has_no_group():
    assert Motif(np.array([[0, 0], [0.5, 0.5]]), np.ones(2), "square").group is None


@pytest.mark.parametrize(
    ("higher", "lower"), [("pmm", "p2"), ("p4m", "p4"), ("p6m", "p6"), ("p6m", "p3m1")]
)
def test_moving_half_of_the_atoms_leaves_the_subgroup(higher, lower):
    rng = np.random.default_rng(5)
    motif = random_motif(higher, rng, special=0)
    broken = break_symmetry(motif, lower, 0.01, rng)
    assert (motif.group, broken.group) == (higher, lower)
    assert len(broken.sites) == len(motif.sites)
    nearest = (
        np.abs((d := broken.sites[:, np.newaxis] - motif.sites) - np.rint(d))
        .max(axis=2)
        .min(axis=1)
    )
    moved = nearest > 1e-9
    assert 0.3 <= moved.mean() <= 0.7
    assert nearest.max() < 0.02
    with pytest.raises(InputError, match="do not have the symmetry p4m"):
        break_symmetry(random_motif("p2", rng, family="square"), "p4m", 0.01, rng)


def test_windows_hold_the_cell_that_was_asked_for():
    rng = np.random.default_rng(2)
    motif, basis = random_motif("p4g", rng), random_cell("square", 16, rng)
    image = draw_motif(motif, basis, 96, rng)
    corner = np.array([40.0, 40.0])
    place = np.rint(corner + 2 * basis[0]).astype(int)
    # A shift by two cells is not whole pixels, but the picture is smooth.
    assert abs(image[place[1], place[0]] - image[40, 40]) < 0.5 * np.ptp(image)
    counted = draw_motif(motif, basis, 96, np.random.default_rng(2), counts=50)
    assert counted.max() < 100
    np.testing.assert_array_equal(counted, np.rint(counted))
    with pytest.raises(InputError, match="A rectangular lattice does not allow the plane group p3"):
        random_motif("p3", rng, family="rectangular")
