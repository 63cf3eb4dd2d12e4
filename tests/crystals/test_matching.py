"""Which crystal a map shows: right, ambiguous where it has to be, none of these."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.crystals import (
    common_lattice,
    comparison,
    fitting_prototypes,
    match,
    project,
    prototype,
    suggest_prototypes,
)
from napari_lattice_symmetry.crystals.phases import NONE_OF_THESE
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import AnalysisError, InputError
from napari_lattice_symmetry.lattice.basis import lattice_parameters, reduce_basis, rotation
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS
from napari_lattice_symmetry.spectrum import fit_lattices
from napari_lattice_symmetry.spectrum.lattice_fit import Flag

SIX = [prototype(name) for name in ("SrTiO3", "Si", "Fe", "Cu", "Ti", "MoS2")]


def lattices(bases, **more):
    """Make maps of the lattices with these bases, shape (..., 2, 2)."""
    a, b, gamma = np.vectorize(
        lambda *each: lattice_parameters(reduce_basis(np.reshape(each, (2, 2)))),
        signature="(),(),(),()->(),(),()",
    )(*np.moveaxis(np.reshape(bases, (*np.shape(bases)[:-2], 4)), -1, 0))
    return SimpleNamespace(a=a, b=b, gamma=gamma, unit="nm", **more)


def seen(crystal, zone=(0, 0, 1), strain=0.0, angle=0.0):
    stretch = np.diag([np.exp(strain), np.exp(-strain)])
    return project(prototype(crystal), zone).basis @ rotation(angle) @ stretch


@pytest.mark.parametrize("angle", [0, 20, 45, 77])
@pytest.mark.parametrize("candidate", range(len(SIX)))
def test_the_distortion_is_the_strain_whatever_its_direction(candidate, angle):
    crystal = SIX[candidate]
    found = match(lattices([seen(crystal.name, strain=0.02, angle=angle)]), [crystal], [(0, 0, 1)])
    assert found.distortion[0] == pytest.approx(0.02, rel=1e-5)
    assert found.likelihood[0] == pytest.approx(np.exp(-0.5 * (0.02 / 0.015) ** 2), rel=1e-5)


def test_phases_none_and_no_lattice_are_told_apart():
    maps = np.full((2, 3, 4, 2, 2), np.nan)
    maps[:, 0] = seen("SrTiO3")
    maps[:, 1, :2] = seen("Cu", (1, 1, 0), 0.005)
    maps[:, 2] = 3 * seen("Cu")
    maps[1, 1, :2] = seen("SrTiO3")
    nan = lattices(np.nan_to_num(maps, nan=1.0) + 0.1 * np.isnan(maps) * np.eye(2))
    for values in (nan.a, nan.b, nan.gamma):
        values[np.isnan(maps[..., 0, 0])] = np.nan
    found = match(nan, SIX)
    assert found.names == ["SrTiO3 [0 0 1]", "Cu [1 1 0]", NONE_OF_THESE]
    assert (found.labels[:, 0] == 1).all()
    assert (found.labels[0, 1] == [2, 2, 0, 0]).all()
    assert (found.labels[:, 2] == 3).all()
    np.testing.assert_allclose(found.fractions, [[0.4, 0.2, 0.4], [0.6, 0, 0.4]])
    assert np.isnan(found.distortion[found.labels == 3]).all()
    assert found.ranking((0, 0, 0))[0][0] == "SrTiO3 [0 0 1]"
    assert found.ranking((0, 2, 0))[0] == (NONE_OF_THESE, pytest.approx(1, abs=1e-3))
    ranked = [found.ranking((0, row, 0)) for row in range(3)]
    np.testing.assert_allclose([sum(chance for _, chance in each) for each in ranked], 1, rtol=1e-6)
    np.testing.assert_allclose(
        found.probability[0, :, 0], [each[0][1] for each in ranked], rtol=1e-6
    )
    assert [found.candidates[k].name for k in found.best[0, :2, 0]] == found.names[:2]
    assert found.best[0, 2, 0] == found.best[0, 1, 3] == -1
    assert found.ambiguity[0, 2, 0] == found.ambiguity[0, 1, 3] == 0
    assert np.isnan(found.probability[0, 1, 3])
    assert found.ranking((0, 1, 3)) == []


def test_what_cannot_be_told_apart_is_named_together():
    """Iron along [001] repeats every 0.2029 nm, gold every 0.2040 nm, 0.5 % apart."""
    crystals = [prototype("Fe"), prototype("Au"), prototype("SrTiO3")]
    found = match(lattices([seen("Fe")]), crystals, 1)
    (phase, _) = found.phases
    assert {found.candidates[k].name for k in (phase.candidate, *phase.alternatives)} == {
        "Fe [0 0 1]",
        "Au [0 0 1]",
    }
    exact = match(lattices([seen("Fe")]), crystals, 1, tolerance=0.002)
    assert exact.names == ["Fe [0 0 1]", NONE_OF_THESE]


def test_errors_of_the_fit_widen_the_tolerance():
    near = [seen("Cu", strain=0.02)]
    sure = lattices(near, a_error=np.zeros(1), b_error=np.zeros(1), gamma_error=np.zeros(1))
    unsure = lattices(
        near,
        a_error=np.full(1, 0.02 * 0.18),
        b_error=np.full(1, 0.02 * 0.18),
        gamma_error=np.full(1, np.rad2deg(0.02)),
    )
    copper = [prototype("Cu")]
    assert match(sure, copper, 1, tolerance=0.01).names == [NONE_OF_THESE]
    found = match(unsure, copper, 1, tolerance=0.01)
    assert found.names == ["Cu [0 0 1]", NONE_OF_THESE]
    spread = np.hypot(0.005, 0.02)
    assert found.likelihood.max() == pytest.approx(np.exp(-0.5 * (0.02 / spread) ** 2), rel=0.01)


def test_the_plane_group_decides_where_lattices_are_alike():
    maps = lattices([seen("MoS2")] * 3)
    crystals = [prototype("MoS2"), prototype("MoS2 (monolayer)")]
    assert len(match(maps, crystals, [(0, 0, 1)]).phases) == 2
    groups = np.array(["p6m", "p3m1", ""])
    found = match(maps, crystals, [(0, 0, 1)], groups=groups)
    best = [found.ranking(k)[0][0] for k in range(2)]
    assert best == ["MoS2 [0 0 1]", "MoS2 (monolayer) [0 0 1]"]
    with pytest.raises(InputError, match="Plane groups of shape"):
        match(maps, crystals, [(0, 0, 1)], groups=groups[:2])


def test_groups_and_errors_that_a_result_has_are_taken():
    maps = lattices(
        [seen("MoS2 (monolayer)", strain=0.02)] * 2,
        plane_group=np.array([PLANE_GROUPS.index("p3m1") + 1, PLANE_GROUPS.index("p6m") + 1]),
        strain_error_x=np.array([0.0, 2.0]),
        strain_error_y=np.array([0.0, 2.0]),
    )
    crystals = [prototype("MoS2"), prototype("MoS2 (monolayer)")]
    found = match(maps, crystals, [(0, 0, 1)], tolerance=0.04)
    np.testing.assert_allclose(
        found.likelihoods(slice(None)),
        [[0.05 * np.exp(-0.5), np.exp(-0.25)], [np.exp(-0.5), 0.05 * np.exp(-0.25)]],
        rtol=1e-5,
    )
    one_group = match(maps, crystals[:1], [(0, 0, 1)], tolerance=0.04)
    assert (one_group.labels == 1).all(), "a group that none of those has that fit rules none out"


def test_near_repeats_match_too():
    """A fit in noise may find the cell in which gallium is taken for arsenic."""
    finer = reduce_basis(np.array([[0.5, 0.5], [0.5, -0.5]]) @ seen("GaAs"))
    assert match(lattices([finer]), [prototype("GaAs")], [(0, 0, 1)]).labels[0] == 1


def test_a_result_of_simulated_frames(fake_model):
    """Copper to the left and strontium titanate to the right, turned by 20 degrees."""
    copper = project(prototype("Cu"), (1, 1, 0)).picture(0.016, (128, 128), angle=10)
    titanate = project(prototype("SrTiO3")).picture(0.016, (128, 256), angle=20)
    frame = np.hstack([copper / copper.max(), titanate / titanate.max()])
    movie = Movie(frame[np.newaxis], name="two", pixel_size=(0.016, 0.016), unit="nm")
    result = analyze(movie, window=128, stride=64, samples=2, lattice_maps=True, model=fake_model)
    found = match(result, SIX)
    assert [found.values[value][0] for value in found.labels[0, 0, [0, 2, 4]]] == [
        "Cu [1 1 0]",
        "SrTiO3 [0 0 1]",
        "SrTiO3 [0 0 1]",
    ]
    assert found.orientation[0, 0, 4] == pytest.approx(20, abs=0.5)
    assert found.fractions.shape == (1, len(found.phases))


@pytest.mark.parametrize("angle", [10, 65, 120, 165])
def test_a_crystal_that_looks_like_a_rhombus_is_turned_alike_in_all_windows(angle):
    """Both of its sides are as long, and a mirror takes one to the other; a turn does not."""
    noise = np.random.default_rng(0).normal(0, 5e-4, (20, 2, 2))
    reduced = np.array([reduce_basis(each) for each in seen("Si", (1, 1, 0), angle=angle) + noise])
    a, b = np.moveaxis(np.rad2deg(np.arctan2(reduced[..., 1], reduced[..., 0])), -1, 0)
    assert np.ptp((a - angle) % 180) > 50, "either side is the shorter one somewhere"
    maps = lattices(reduced, a_direction=a, b_direction=b)
    found = match(maps, [prototype("Si")], [(1, 1, 0)])
    assert np.abs((found.orientation - angle + 90) % 180 - 90).max() < 1


def test_fits_of_windows_match_with_their_errors():
    window = project(prototype("SrTiO3")).picture(0.02, (160, 160), angle=5)
    found = match(fit_lattices(window[np.newaxis], 0.02), SIX)
    assert found.names[0] == "SrTiO3 [0 0 1]"


def test_prototypes_that_fit_a_cell():
    found = fitting_prototypes(0.3905, 0.3905, 90, tolerance=0.005)
    assert found[0][0].name == "SrTiO3 [0 0 1]"
    assert found[0][1] < 1e-6
    hexagonal = [
        each.crystal for each, _ in fitting_prototypes(0.2461, 0.2461, 120, tolerance=0.01)
    ]
    assert {"graphene", "graphite"} <= set(hexagonal)
    with pytest.raises(InputError, match="is no cell"):
        fitting_prototypes(0.3, -1, 90)


def test_without_a_pixel_size_lattices_are_matched_by_their_shape_and_it_is_said():
    fitted = lattices([seen("Si", (1, 1, 0)), seen("Ti"), seen("SrTiO3")])
    fitted.unit = "pixel"
    fitted.a, fitted.b = 17 * fitted.a, 17 * fitted.b
    found = match(fitted, [prototype(name) for name in ("Si", "Ti", "Fe", "SrTiO3")], zones=1)
    assert found.by_shape
    assert "shape alone" in found.remark
    names = [found.names[label - 1] for label in found.labels]
    assert "Si [1 1 0]" in names[0]
    assert "Ti [0 0 1]" in names[1]
    assert {"SrTiO3 [0 0 1]", "Fe [0 0 1]", "Si [0 0 1]"} <= set(names[2].split(" or "))
    np.testing.assert_allclose(found.distortion, 0, atol=1e-6)
    sized = match(lattices([seen("SrTiO3")]), [prototype("Fe")], zones=1)
    assert sized.names == ["none of these"]
    assert sized.remark.endswith("fit Fe [0 0 1] if the pixel were 0.52 times as large.")
    assert match(lattices([seen("SrTiO3")]), SIX).remark == ""


def test_crystals_are_suggested_by_the_median_lattice_each_once():
    fitted = lattices([seen("SrTiO3")] * 3 + [seen("Ti")])
    found = suggest_prototypes(fitted, tolerance=0.01)
    names = [each.crystal for each, _ in found]
    assert "SrTiO3" in names[:2]
    assert len(names) == len(set(names))
    assert (np.diff([strain for _, strain in found]) >= 0).all()
    fitted.unit = "pixel"
    with pytest.raises(InputError, match="give the pixel size"):
        suggest_prototypes(fitted)


def test_what_lacks_is_told_in_one_sentence(movie, parameters, fake_model):
    with pytest.raises(InputError, match="has no lattices; analyze again with lattice maps"):
        match(analyze(movie, parameters, model=fake_model), SIX)
    with pytest.raises(InputError, match="There is no crystal to match"):
        match(lattices([seen("Cu")]), [])
    with pytest.raises(InputError, match="tolerance"):
        match(lattices([seen("Cu")]), SIX, tolerance=0.5)


def flagged(maps, *flags):
    """Give windows their flags."""
    maps.flags = np.array(flags)
    return maps


def test_windows_with_two_lattices_are_not_matched():
    alone, two = 0, int(Flag.TWO_LATTICES)
    maps = flagged(lattices([seen("Cu")] * 3), alone, two, two | int(Flag.MANY_PERIODS))
    found = match(maps, SIX)
    assert found.labels.tolist() == [1, 0, 0]
    assert np.isnan(found.distortion[1:]).all()
    maps = flagged(lattices([[[seen("Cu")] * 4]]), [[alone, alone, two, two]])
    maps.a[0, 0, 1] *= 1.5
    np.testing.assert_allclose(match(maps, SIX).fractions[0, [0, -1]], [0.5, 0.5])


def test_none_anywhere_says_what_would_fit_if_the_pixel_were_larger():
    """A pixel that is taken for 1.08 times what it is makes silicon 1.08 times as large."""
    silicon = lattices(1.08 * np.array([seen("Si", (1, 1, 0), angle=k) for k in range(0, 50, 5)]))
    found = match(silicon, [prototype("Si"), prototype("Cu"), prototype("MoS2")])
    assert found.names == [NONE_OF_THESE]
    assert found.scales[0][1] == pytest.approx(1 / 1.08, rel=1e-3)
    assert "these lattices fit Si [1 1 0] if the pixel were 0.93 times as large" in found.remark
    sheared = lattices([seen("Si", (1, 1, 0), strain=0.1, angle=k) for k in (0, 30, 60, 80)])
    assert "Si [1 1 0]" not in match(sheared, [prototype("Si")], [(1, 1, 0)]).remark


def test_a_long_movie_is_matched_block_by_block_in_little_memory(monkeypatch):
    """Likelihoods of all candidates would take 4 bytes each in every window, and copies of them."""
    monkeypatch.setattr(comparison, "_BLOCK", 500)
    crystals = [prototype(name) for name in ("Cu", "SrTiO3", "Fe", "LaMnO3", "TiO2 (rutile)")]
    one = lattices(np.array([seen("Cu"), seen("SrTiO3"), seen("Fe"), 1.5 * seen("Cu")]))

    def repeat(frames):
        rows = {k: np.resize(getattr(one, k), frames)[:, None, None] for k in ("a", "b", "gamma")}
        shape = (frames, 20, 20)
        return SimpleNamespace(unit="nm", **{k: np.broadcast_to(rows[k], shape) for k in rows})

    peaks, told = [], []
    for frames in (4, 40):
        maps = repeat(frames)
        tracemalloc.start()
        found = match(maps, crystals, 1, progress=lambda *each: told.append(each))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert len(found.candidates) > 20
    assert peaks[1] - peaks[0] < 40 * 36 * 400, "bytes a window"
    assert told[-1] == (16_000, 16_000)
    assert len(told) == 44
    np.testing.assert_array_equal(found.labels[4:], found.labels[:-4])
    whole = match(one, crystals, 1)
    np.testing.assert_array_equal(found.labels[:4, 3, 5], whole.labels)
    np.testing.assert_allclose(found.probability[:4, 3, 5], whole.probability)
    assert [phase.name for phase in found.phases] == [phase.name for phase in whole.phases]
    with pytest.raises(AnalysisError, match="was cancelled"):
        match(maps, crystals, 1, should_stop=lambda: True)


def test_of_two_phases_the_more_frequent_one_is_suggested_for():
    """The medians of a, b and gamma are those of a cell that neither has."""
    noise = np.random.default_rng(0).normal(0, 1e-3, (90, 2, 2))
    both = np.array([seen("Si", (1, 1, 0))] * 50 + [seen("SrTiO3")] * 40) + noise
    common = common_lattice(lattices(both))
    np.testing.assert_allclose(
        [common.a, common.b, common.gamma], [0.3325, 0.3325, 70.5], rtol=0.01
    )
    assert common.share == pytest.approx(50 / 90)
    assert str(common).endswith("(56% of the windows)")
    assert "Si" in [each.crystal for each, _ in suggest_prototypes(lattices(both), tolerance=0.01)]


def test_a_crystal_or_an_axis_that_is_listed_twice_counts_once():
    copper, other = prototype("Cu"), replace(prototype("Al"), name="Cu")
    fitted = lattices([seen("Cu")])
    again = replace(copper, atoms=copper.atoms.copy())
    assert match(fitted, [copper, again], zones=1).names == ["Cu [0 0 1]", NONE_OF_THESE]
    along = [(0, 0, 1), (0, 0, 2), (0, 0, 1), (1, 0, 0)]
    assert match(fitted, [copper], along).names == ["Cu [0 0 1]", NONE_OF_THESE]
    found = match(lattices([seen("Al")]), [copper, other, copper], zones=1)
    assert found.names == ["Cu (2) [0 0 1]", NONE_OF_THESE]
    same = match(fitted, [copper, replace(copper, name="copy")], zones=1)
    assert same.names[0] == "Cu [0 0 1] or copy [0 0 1]"


@pytest.mark.parametrize("zones", [[], [(0, 0, 0)], (0, 0, 1)])
def test_what_are_no_axes_is_told(zones):
    with pytest.raises(InputError, match="no zone axis"):
        match(lattices([seen("Cu")]), [prototype("Cu")], zones)


def test_an_index_that_is_no_whole_number_is_told():
    with pytest.raises(InputError, match=r"zones=2\.5"):
        match(lattices([seen("Cu")]), [prototype("Cu")], 2.5)


@pytest.mark.parametrize(("factor", "told"), [(10, "0.098"), (0.1, "9.80"), (1000, "0.00098")])
def test_a_pixel_size_in_another_unit_is_told(factor, told):
    """A size in angstrom that is taken for nm makes crystals ten times as large."""
    crystals = [prototype(name) for name in ("Cu", "MoS2")]
    fitted = lattices(1.02 * factor * np.array([seen("Cu"), seen("Cu", (1, 1, 0))]))
    assert match(fitted, crystals, zones=1).remark == ""  # of two lattices none is in most windows
    found = match(lattices(1.02 * factor * np.array([seen("Cu", (1, 1, 0))] * 3)), crystals)
    assert found.names == [NONE_OF_THESE]
    assert f"Cu [1 1 0] if the pixel were {told} times as large" in found.remark
    thrice = match(lattices(3 * np.array([seen("Cu", (1, 1, 0))] * 3)), crystals)
    assert "Cu [1 1 0]" not in thrice.remark
