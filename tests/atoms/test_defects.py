from __future__ import annotations

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import AtomImage, Atoms, find_defects
from napari_lattice_symmetry.atoms.common_lattice import common_basis
from napari_lattice_symmetry.atoms.score import match


def of_kind(defects, *kinds):
    chosen = np.isin(defects.kind, kinds)
    return np.stack([defects.y[chosen], defects.x[chosen]], axis=1)


@pytest.mark.parametrize("material", ["graphene", "MoS2", "SrTiO3 [001]", "Au [001]", "Si [110]"])
def test_vacancies_are_missing_atoms_and_nothing_else_is(material):
    settings = {"material": material, "spacing": 12, "size": 256, "seed": 3, "wander": 0.1}
    picture = AtomImage(vacancies=0.03, **settings).draw()
    found = find_defects(picture.image, picture.atoms)
    true, told = of_kind(picture.defects, "vacancy"), of_kind(found, "missing")
    inner = ((true > 14) & (true < 241)).all(axis=1)
    assert inner.sum() > 3
    rows, columns = match(told, true, 4)
    assert np.isin(np.flatnonzero(inner), columns).all()
    assert len(told) - len(rows) <= 1
    assert not len(find_defects(AtomImage(**settings).draw().image, picture.atoms[:0]))


def test_false_atoms_turn_no_lattice():
    y, x = np.mgrid[16:240:16, 16:240:16].reshape(2, -1)
    false = np.array([[62.0, 72], [119, 170], [180, 120]])
    places = np.concatenate([np.stack([y, x], axis=1), false])
    basis = common_basis(places, 16, np.ones(len(places)))
    np.testing.assert_allclose(np.abs(basis).sum(axis=1), 16, atol=0.5)


def test_a_site_where_an_atom_was_told_and_none_is_seen_is_missing():
    picture = AtomImage(material="MoS2", spacing=16, size=256, vacancies=0.03, seed=6).draw()
    true = of_kind(picture.defects, "vacancy")
    inner = ((true > 32) & (true < 223)).all(axis=1)
    places = np.concatenate([picture.atoms.positions, true[inner] + 1.5])
    found = find_defects(picture.image, Atoms.at(*places.T, spacing=16))
    rows, columns = match(of_kind(found, "missing"), true, 4)
    assert inner.sum() > 2
    assert set(np.flatnonzero(inner)) <= set(columns)
    assert np.linalg.norm(of_kind(found, "missing")[rows] - true[columns], axis=1).mean() < 1
    others = of_kind(found, "dimmer", "displaced", "extra")
    assert not len(match(others, true[inner], 5)[0])


def test_atoms_of_another_brightness_are_told_by_their_sublattice():
    picture = AtomImage(
        material="MoS2", spacing=14, size=256, heavier=0.02, partial=0.03, counts=1000, seed=5
    ).draw()
    found = find_defects(picture.image, picture.atoms)
    for kind, told in (("heavier", "brighter"), ("partial vacancy", "dimmer")):
        true = of_kind(picture.defects, kind)
        inner = ((true > 20) & (true < 235)).all(axis=1)
        rows, columns = match(of_kind(found, told), true, 4)
        assert np.isin(np.flatnonzero(inner), columns).mean() > 0.8
        assert len(rows) > 2


def test_an_extra_and_a_displaced_atom_are_told():
    picture = AtomImage(material="Au [001]", spacing=14, size=200, displacement=0.01).draw()
    atoms = picture.atoms
    middle = int(np.linalg.norm(atoms.positions - 100, axis=1).argmin())
    y, x = atoms.y.copy(), atoms.x.copy()
    y[middle] += 3
    extra = (atoms.y[middle + 3] + 7, atoms.x[middle + 3] + 7)
    changed = Atoms.at(np.append(y, extra[0]), np.append(x, extra[1]), spacing=14)
    found = find_defects(picture.image, changed)
    assert of_kind(found, "displaced") == pytest.approx(np.array([[y[middle], x[middle]]]))
    assert of_kind(found, "extra") == pytest.approx(np.array([extra]))


def test_a_movie_has_the_defects_of_each_frame():
    one, other = (
        AtomImage(spacing=12, size=160, vacancies=share, seed=1).draw() for share in (0, 0.03)
    )
    columns = {
        title: np.concatenate([one.atoms.columns()[title], other.atoms.columns()[title]])
        for title in ("y", "x")
    }
    frame = np.repeat([0, 1], [len(one.atoms), len(other.atoms)])
    atoms = Atoms.at(**columns, frame=frame, spacing=12)
    found = find_defects(np.stack([one.image, other.image]), atoms)
    assert set(found.frame[found.kind == "missing"].tolist()) == {1}


def test_what_has_no_lattice_is_said():
    rng = np.random.default_rng(0)
    places = rng.uniform(5, 195, (2, 80))
    with pytest.raises(nls.LatticeSymmetryError, match="no common lattice"):
        find_defects(rng.uniform(size=(200, 200)), Atoms.at(*places, spacing=14))
    with pytest.raises(nls.LatticeSymmetryError, match="too few"):
        find_defects(np.ones((50, 50)), Atoms.at([1, 2], [3, 4]))
    with pytest.raises(nls.LatticeSymmetryError, match="in frame 4"):
        find_defects(np.ones((50, 50)), Atoms.at([1], [3], frame=[4]))


@pytest.mark.parametrize("method", ["activation", "lattice"])
def test_a_lone_atom_without_a_spacing_is_said(method):
    alone = Atoms.at([20], [30])
    with pytest.raises(nls.LatticeSymmetryError, match=r"no two atoms in a frame|too few"):
        find_defects(np.ones((64, 64)), alone, method=method)
    with pytest.raises(nls.LatticeSymmetryError, match="no two atoms in a frame"):
        nls.atoms.classify(np.ones((64, 64)), alone)


@pytest.fixture(scope="module")
def two_grains():
    """Two grains with vacancies, and what departs in them where nothing is wrong."""
    settings = {"spacing": 12, "size": 320, "second_grain": 0.35, "seed": 3, "counts": 400}
    return AtomImage(vacancies=0.05, **settings).draw()


def test_each_grain_has_its_own_lattice(two_grains):
    atoms = nls.atoms.find_grains(two_grains.atoms)
    grain = atoms.more["grain"]
    assert set(grain.tolist()) == {0, 1, 2}
    found = find_defects(two_grains.image, atoms)
    true, told = of_kind(two_grains.defects, "vacancy"), of_kind(found, "missing")
    inner = ((true > 14) & (true < 305)).all(axis=1)
    near = [
        np.linalg.norm(true[:, None] - atoms.positions[grain == each], axis=-1).min(axis=1)
        for each in (1, 2)
    ]
    apart = np.abs(near[0] - near[1]) > 3 * 12
    rows, columns = match(told, true, 4)
    for own, other in (near, near[::-1]):
        judged = np.flatnonzero(inner & apart & (own < other))
        assert len(judged) > 2
        assert np.isin(judged, columns).all()
    assert len(told) - len(rows) <= 1
    assert any(each.startswith("Between grains, so not judged: ") for each in found.remarks)


def test_a_grain_without_its_own_lattice_is_said(two_grains):
    try:
        said = find_defects(two_grains.image, two_grains.atoms).remarks
    except nls.LatticeSymmetryError as error:
        said = [str(error)]
    assert "tell" in said[0]
    assert "grains apart first" in said[0]
    atoms = nls.atoms.find_grains(two_grains.atoms)
    few = np.flatnonzero(atoms.more["grain"] == 2)[:8]
    kept = np.sort(np.append(np.flatnonzero(atoms.more["grain"] == 1), few))
    said = find_defects(two_grains.image, atoms[kept]).remarks
    assert "Without a lattice of their own, so not judged: 1 grain of frame 0." in said


def test_a_frame_that_cannot_be_judged_is_left_out_and_named():
    picture = AtomImage(spacing=12, size=160, vacancies=0.03, seed=1).draw()
    n = len(picture.atoms)
    rows = np.concatenate([np.arange(n), np.arange(3), np.arange(n)])
    atoms = picture.atoms[rows].with_columns(frame=np.repeat([0, 1, 2], [n, 3, n]))
    found = find_defects(np.stack([picture.image] * 3), atoms)
    assert found.left_out == (1,)
    assert found.remarks == ("Too few atoms or no common lattice, so left out: frame 1.",)
    assert set(found.frame.tolist()) == {0, 2}
    lives = nls.atoms.follow_defects(found, atoms)
    assert lives.frames.tolist() == [0, 2]
    assert lives.detection != lives.detection or lives.detection == 1
    assert find_defects(picture.image, picture.atoms).remarks == ()
