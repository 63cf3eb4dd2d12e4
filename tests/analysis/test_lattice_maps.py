"""Lattice maps, distortion and agreement in the frame loop."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.cells import fitted_strain, plane_groups
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import (
    CLASSES,
    LABELS,
    at_least,
    pixel_distortion,
    solve_distortion,
)
from napari_lattice_symmetry.lattice.basis import cell, cell_area, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms
from napari_lattice_symmetry.lattice.motifs import Motif, draw_motif, random_cell, random_motif
from napari_lattice_symmetry.results import MAPS, load_result
from napari_lattice_symmetry.results.maps import AGREE, DISAGREE, LARGER, SMALLER
from napari_lattice_symmetry.spectrum import Flag, fit_lattices

LATTICE_MAPS = ("a", "b", "gamma", "orientation", "metric_labels", "flags", "superlattice")
LATTICE_MAPS += ("agreement",)

SHAPE = (160, 160)


def draw(basis: np.ndarray, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    points = lattice_points(basis, shape, (3.0, 4.0), pad=12)
    return draw_atoms(points, np.ones(len(points)), 2.0, shape)


@pytest.fixture(scope="module")
def model():
    return load_model("compact")


@pytest.fixture(scope="module")
def hexagons() -> np.ndarray:
    return cell(12.0, 12.0, 60.0)


def test_no_map_is_there_unless_asked_for(model):
    result = analyze(draw(cell(12, 12, 90)), model=model, samples=3, stride=32, answer="network")
    assert result.apparent_labels is None
    assert all(getattr(result, name) is None for name in LATTICE_MAPS)


def test_maps_give_the_lattice(model, hexagons, tmp_path):
    movie = Movie.from_array(draw(hexagons), pixel_size=(0.02, 0.02), unit="nm")
    path = tmp_path / "result.zarr"
    result = analyze(movie, model=model, output=path, samples=20, stride=16, lattice_maps=True)
    assert np.allclose(result.a, 0.24, rtol=0.003)
    assert np.allclose(result.b, 0.24, rtol=0.003)
    assert np.allclose(result.gamma, 60, atol=0.3)
    orientation = np.asarray(result.orientation) % 60
    assert np.all((orientation < 0.5) | (orientation > 59.5))
    assert np.all(result.metric_labels == LABELS["hexagonal"])
    assert np.all(result.flags == 0)
    assert np.all(result.agreement == AGREE)
    again = load_result(path)
    for name in LATTICE_MAPS:
        assert getattr(again, name).dtype == getattr(result, name).dtype
        np.testing.assert_array_equal(getattr(again, name), getattr(result, name))


def test_a_distortion_is_undone_and_the_apparent_class_kept(model, hexagons):
    distortion = np.array([[1.09, 0.06], [0.06, 0.95]])
    frame = draw(hexagons @ distortion.T)
    solved = solve_distortion(hexagons @ distortion.T, "hexagonal")
    result = analyze(
        frame, model=model, samples=20, stride=16, lattice_maps=True, distortion=solved.tolist()
    )
    assert np.all(result.labels == LABELS["hexagonal"])
    assert np.all(result.metric_labels == LABELS["hexagonal"])
    assert not np.any(result.apparent_labels == LABELS["hexagonal"])
    apparent = analyze(frame, model=model, samples=20, stride=16)
    np.testing.assert_array_equal(result.apparent_labels, apparent.labels)


def test_pixels_that_are_not_square_are_undone(model):
    flat = cell(12.0, 12.0, 90.0) * [1.0, 0.9]  # 12 px along x are as long as 10.8 along y
    movie = Movie.from_array(draw(flat), pixel_size=(0.02 / 0.9, 0.02), unit="nm")
    result = analyze(movie, model=model, samples=20, stride=16, lattice_maps=True)
    assert np.all(result.labels == LABELS["square"])
    assert np.allclose(result.a, 0.24, rtol=0.003)


def test_disagreement_is_told(model):
    """A tolerance of nearly nothing names no lattice of a scan with a little drift square."""
    frame = draw(cell(12.0, 12.1, 90.4))
    result = analyze(frame, model=model, samples=20, stride=32, lattice_maps=True, tolerance=0.001)
    assert np.all(result.metric_labels == LABELS["oblique"])
    called_square = result.network_labels == LABELS["square"]
    assert np.all(result.agreement[called_square] == DISAGREE)
    assert np.any(called_square)
    assert np.all(result.labels == LABELS["oblique"])  # the verdict holds to the tolerance


def test_noise_and_no_lattice_agree(model):
    frame = np.random.default_rng(3).poisson(20, SHAPE)
    result = analyze(frame, model=model, samples=20, stride=32, lattice_maps=True)
    assert np.all(result.labels == LABELS["noise"])
    assert np.all(result.agreement == AGREE)
    assert np.isnan(result.a).all()
    assert not result.superlattice.any()


def test_a_superlattice_has_a_map_and_is_kept(model, tmp_path):
    """Of every second atom that is dimmer spots are weak."""
    points = lattice_points(np.diag([24.0, 12.0]), SHAPE, (3.0, 4.0), pad=24)
    points = np.concatenate([points, points + [12, 0]])
    weights = np.repeat([0.7, 1.0], len(points) // 2)
    frame = np.random.default_rng(0).poisson(200 * draw_atoms(points, weights, 2.0, SHAPE))
    path = tmp_path / "result.zarr"
    result = analyze(frame, model=model, output=path, samples=3, stride=16)
    fits = fit_lattices(result.grid.windows(frame))
    larger = cell_area(fits.other_basis) > cell_area(fits.basis)
    expected = np.where(fits.flags & Flag.SUPERLATTICE, np.where(larger, LARGER, SMALLER), 0)
    assert expected.any()
    np.testing.assert_array_equal(result.superlattice[0], expected)
    np.testing.assert_array_equal(load_result(path).superlattice[0], expected)
    assert result.flags.max() < Flag.SUPERLATTICE


def test_a_lattice_where_the_fit_finds_none_is_a_disagreement():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    fringes = np.exp(3 * np.cos(2 * np.pi * (0.94 * x + 0.34 * y) / 10)) / 20
    frame = fringes + 0.1 * np.random.default_rng(3).standard_normal(SHAPE)
    polar = load_model("polar")  # which was never shown fringes
    result = analyze(frame, model=polar, samples=20, stride=32, lattice_maps=True)
    noise = result.network_labels == LABELS["noise"]
    assert not noise.all()
    assert not ((result.mean.max(axis=0) > 0.9) & (result.labels != LABELS["noise"])).any()
    np.testing.assert_array_equal(result.agreement, np.where(noise, AGREE, DISAGREE))


def test_probabilities_are_nested():
    mean = np.arange(6, dtype=float).reshape(6, 1) / 15
    p = dict(zip(CLASSES, mean[:, 0], strict=True))
    assert at_least(mean, "rectangular") == pytest.approx(p["rectangular"] + p["square"])
    assert at_least(mean, "centered rectangular") == pytest.approx(
        p["centered rectangular"] + p["square"] + p["hexagonal"]
    )
    assert at_least(mean.T, "oblique", axis=1) == pytest.approx(1 - p["noise"])


@pytest.mark.parametrize("matrix", [((1, 1), (1, 1)), ((1, 0), (0, 9)), ((np.nan, 0), (0, 1))])
def test_a_distortion_that_is_none_is_refused(matrix):
    with pytest.raises(InputError, match="distortion"):
        analyze(np.zeros((64, 64)), distortion=matrix)


def test_parameters_survive_json():
    parameters = AnalysisParameters(distortion=((1.0, 0.1), (0.0, 1.0)), lattice_maps=True)
    assert AnalysisParameters(**parameters.model_dump(mode="json")) == parameters


@pytest.mark.parametrize("distortion", [None, ((1.04, 0.06), (0.06, 0.97))])
def test_errors_of_strain_are_those_of_the_fit(fake_model, distortion):
    image = draw(cell(12, 14, 75) @ rotation(20))
    frame = count_electrons(image + 0.1, 20, np.random.default_rng(0))
    movie = Movie.from_array(frame, pixel_size=(0.022, 0.018), unit="nm")
    settings = {"window": 96, "stride": 32, "samples": 3, "distortion": distortion}
    result = analyze(movie, model=fake_model, lattice_maps=True, **settings)
    seen = pixel_distortion((0.022, 0.018)) if distortion is None else np.array(distortion)
    side = np.sqrt(0.022 * 0.018)
    fits = fit_lattices(result.grid.windows(frame), side, distortion=seen)
    for lattice_axes in (False, True):
        strain = result.strain(lattice_axes=lattice_axes)
        known = fitted_strain(fits, strain.reference, lattice_axes=lattice_axes)
        np.testing.assert_allclose(strain.errors[:, 0], known.errors, rtol=1e-4)
        np.testing.assert_allclose(strain.exx[0], known.exx, atol=1e-4)


def named(result):
    values = np.asarray(result.plane_group)[0, 0].tolist()
    return [MAPS["plane_group"].values.get(value, ("",))[0] for value in values]


def test_plane_groups_are_mapped_saved_and_undistorted(fake_model, tmp_path):
    """Two groups side by side, seen through a scan that is sheared; noise has none."""
    rng = np.random.default_rng(3)
    shear = np.array([[1.0, 0.08], [0.08, 1.0]])
    parts = []
    for name in ("p4m", "p31m") * 3:
        motif = random_motif(name, rng)
        basis = random_cell(motif.family, 12, rng) @ shear.T
        parts.append(draw_motif(motif, basis, 128, rng, counts=100))
    parts.append(rng.poisson(20, (128, 128)))
    path = tmp_path / "result.zarr"
    settings = {"window": 128, "stride": 128, "samples": 3, "distortion": shear}
    frame = np.hstack(parts)
    result = analyze(frame, model=fake_model, output=path, plane_groups=True, **settings)
    assert named(result) == ["p4m", "p31m"] * 3 + [""]
    expected = plane_groups(np.stack(parts), distortion=shear)
    probabilities = [each.probabilities[each.name] for each in expected[:-1]]
    assert np.median(probabilities) > 0.8
    found = np.asarray(result.group_probability)[0, 0]
    np.testing.assert_allclose(found, [*probabilities, np.nan], rtol=1e-3)
    departures = np.asarray(result.group_departure)[0, 0]
    assert (departures[:-1] < 5).all()
    np.testing.assert_allclose(departures, [100 * each.departure for each in expected], rtol=1e-3)
    np.testing.assert_array_equal(load_result(path).plane_group, result.plane_group)
    plain = analyze(frame, model=fake_model, plane_groups=True, **{**settings, "distortion": None})
    assert not {"p4m", "p31m"} & {*named(plain)}


@pytest.mark.parametrize(
    ("tolerance", "longer", "metric", "group"),
    [(0.01, 1.02, "rectangular", "pmm"), (0.1, 1.07, "square", "p4m")],
)
def test_the_plane_group_is_one_of_the_class_within_the_tolerance(
    fake_model, tolerance, longer, metric, group
):
    rng = np.random.default_rng(5)
    basis = cell(14, 14 * longer, 90) @ rotation(20)
    frame = draw_motif(random_motif("p4m", rng), basis, 128, rng, counts=300)
    settings = {"samples": 3, "plane_groups": True, "lattice_maps": True}
    result = analyze(frame, model=fake_model, tolerance=tolerance, **settings)
    assert CLASSES[int(result.metric_labels[0, 0, 0]) - 1] == metric
    assert named(result) == [group]


def test_a_group_within_the_tolerance_has_no_probability(fake_model):
    """Atoms of one orbit that differ in brightness, at so many counts that noise does not hide."""
    rng = np.random.default_rng(4)
    motif, basis = random_motif("p2", rng), random_cell("oblique", 16, rng)
    weaker = motif.brightness * rng.uniform(0.85, 1.15, len(motif.brightness))
    broken = Motif(motif.sites, weaker, "oblique")
    frame = np.hstack(
        [draw_motif(each, basis, 128, rng, counts=10_000) for each in (motif, broken)]
    )
    settings = {"window": 128, "stride": 128, "samples": 3, "plane_groups": True}
    result = analyze(frame, model=fake_model, **settings)
    assert named(result) == ["p2", "p2"]
    exact, tolerated = np.asarray(result.group_probability)[0, 0]
    assert exact > 0.8
    assert np.isnan(tolerated)
    assert "within noise" in MAPS["group_probability"].title


def test_a_result_gives_strain_against_a_region_a_cell_or_its_median(model):
    """One half of the frame is stretched by 3 % along x; square lattices lose no sign."""
    plain, stretched = cell(12, 12, 90), cell(12, 12, 90) @ np.diag([1.03, 1.0])
    sheared = cell(12, 12, 90) @ np.array([[1.0, 0.02], [0.0, 1.0]])
    movie = Movie.from_array(np.array([draw(each) for each in (plain, stretched, sheared)]))
    result = analyze(movie, model=model, samples=3, stride=32, lattice_maps=True)
    first = np.zeros(result.labels.shape, dtype=bool)
    first[0] = True
    of_region = result.strain(reference=first)
    of_cell = result.strain(reference=(12, 12, 90))
    for each in (of_region, of_cell):
        np.testing.assert_allclose(each.exx.mean(axis=(1, 2)), [0, 3, 0], atol=0.1)
        np.testing.assert_allclose(each.eyy.mean(axis=(1, 2)), [0, 0, 0], atol=0.1)
        np.testing.assert_allclose(each.exy.mean(axis=(1, 2)), [0, 0, 1], atol=0.1)
        np.testing.assert_allclose(each.rotation.mean(axis=(1, 2)), [0, 0, 0.57], atol=0.1)
    assert np.abs(result.strain().exx).max() < 3.2
    with pytest.raises(InputError, match="No window of the reference has a lattice"):
        result.strain(reference=~np.isfinite(result.a))
    with pytest.raises(InputError, match=r"shape \(1, 1\), the windows have"):
        result.strain(reference=np.ones((1, 1), dtype=bool))
    with pytest.raises(InputError, match="analyze again with lattice maps"):
        analyze(draw(plain), model=model, samples=3, stride=32).strain()
