from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import AtomImage, find_atoms, iter_find_atoms, score
from napari_lattice_symmetry.atoms.finding.engine import FinderEngine
from napari_lattice_symmetry.atoms.finding.finder import REGISTRY, load_finder
from napari_lattice_symmetry.atoms.finding.network import finder_network
from napari_lattice_symmetry.atoms.finding.scaling import Resampling, normalize

SPACING = 14


@pytest.fixture(scope="module")
def picture():
    return AtomImage(material="MoS2", spacing=SPACING, size=128, counts=60, seed=4).draw()


@pytest.mark.parametrize("spacing", [5, 14, 40])
@pytest.mark.parametrize("material", ["graphene", "Au [001]", "Si [110]"])
def test_atoms_are_found_at_every_scale(material, spacing):
    seen = AtomImage(material=material, spacing=spacing, size=max(64, 6 * spacing)).draw()
    told = score(
        find_atoms(seen.image, spacing=spacing), seen.atoms, 0.35 * spacing, ignore=seen.faint
    )
    assert told.f1 > 0.96


def test_places_are_refined_and_both_are_kept(picture):
    found = find_atoms(picture.image, spacing=SPACING)
    raw = nls.atoms.Atoms.at(found.raw_y, found.raw_x)
    told = [score(each, picture.atoms, 5, ignore=picture.faint).error for each in (found, raw)]
    assert told[0] < 0.5 < 1.5 * told[1]
    assert (found.y_error[np.isfinite(found.y_error)] < 2).all()
    assert found.spacing == SPACING
    unrefined = find_atoms(picture.image, spacing=SPACING, refine=False)
    assert np.array_equal(unrefined.y, found.raw_y)
    assert np.isnan(unrefined.sigma).all()


def test_the_lattice_tells_the_scale(picture):
    found = find_atoms(picture.image)
    assert found.spacing == pytest.approx(SPACING, rel=0.15)
    assert score(found, picture.atoms, 5, ignore=picture.faint).f1 > 0.97


@pytest.mark.parametrize(("times", "is_said"), [(0.5, True), (1, False), (1.6, True)])
def test_a_wrong_spacing_is_said(picture, times, is_said):
    found = find_atoms(picture.image, spacing=times * SPACING, samples=0)
    assert len(found) > 50
    assert [f"spacing of {times * SPACING:.3g} px" in each for each in found.remarks] == (
        [True] * is_said
    )


def test_nothing_found_by_a_spacing_is_said():
    nothing = nls.atoms.Atoms.at([], [], spacing=35)
    assert nothing.remarks == ("No atom was found; the spacing of 35 px may be too large.",)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("smooth", [0, 1, 3])
def test_noise_is_said_to_show_no_columns(seed, smooth):
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(160, 160)), smooth)
    found = find_atoms(noise, spacing=10, refine=False)
    assert len(found) > 10
    assert found.remarks[0].startswith("No clear columns in frame 0: ")


@pytest.mark.parametrize("material", ["MoS2", "Au [001]", "Si [110]"])
def test_dark_atoms_are_said_to_need_the_negative(material):
    seen = AtomImage(material=material, spacing=10, size=128, counts=30, seed=8).draw()
    assert not find_atoms(seen.image, spacing=10, refine=False).remarks
    negative = seen.image.max() - seen.image
    both = np.stack([seen.image, negative])
    (said,) = [
        each for each in find_atoms(both, spacing=10, refine=False).remarks if "clear" in each
    ]
    assert said.startswith("No clear columns in frame 1: ")
    assert "negative" in said


def test_without_a_lattice_the_pixel_size_tells_it():
    seen = AtomImage(
        material="single atoms", spacing=20, size=160, support=0.02, density=0.3, counts=300
    ).draw()
    with pytest.raises(nls.LatticeSymmetryError, match="give the pixel size"):
        find_atoms(np.random.default_rng(0).poisson(50, (96, 96)))
    found = find_atoms(seen.image, pixel_size=0.01, spacing=20)
    assert found.pixel_size == (0.01, 0.01)
    assert score(found, seen.atoms, 0.07, ignore=seen.faint).f1 > 0.9


def test_a_movie_gives_one_table_a_frame_at_a_time(picture):
    blank = np.zeros_like(picture.image)
    movie = nls.Movie.from_array(
        np.stack([picture.image, blank, picture.image]), pixel_size=(0.02, 0.02), unit="nm"
    )
    tables = list(iter_find_atoms(movie, spacing=SPACING))
    assert [len(each) > 0 for each in tables] == [True, False, True]
    found = find_atoms(movie, spacing=SPACING)
    assert np.unique(found.frame).tolist() == [0, 2]
    assert found.calibrated
    assert np.array_equal(tables[2].y, tables[0].y)


def test_missing_pixels_are_borne(picture):
    image = picture.image.copy()
    image[:20, :20] = np.nan
    found = find_atoms(image, spacing=SPACING)
    away = (picture.atoms.positions > 24).any(axis=1)
    near = ~away
    told = score(found, picture.atoms[away], 5, ignore=picture.atoms[near])
    assert told.recall > 0.97


@pytest.mark.parametrize(
    ("frame", "settings", "said"),
    [
        (np.zeros((64, 64)), {"spacing": 10}, "constant"),
        (np.full((64, 64), np.nan), {"spacing": 10}, "constant or missing"),
        (np.eye(64), {"spacing": 3}, "3.0 px apart"),
        (np.eye(16), {"spacing": 8}, "too small"),
        (np.ones((64, 64, 3, 2)), {"spacing": 8}, "not a movie"),
        (np.random.default_rng(0).uniform(size=(64, 64, 3)), {"spacing": 8}, "too small"),
        (np.eye(64), {"spacing": 8, "pixel_size": -1}, "positive"),
        (np.eye(64), {"spacing": 8, "sampling": 1}, "sampling"),
    ],
)
def test_what_cannot_be_searched_is_said(frame, settings, said):
    with pytest.raises(nls.LatticeSymmetryError, match=said):
        find_atoms(frame, **settings)


def test_the_engine_computes_what_keras_does(tmp_path):
    model = finder_network(4)
    model.save(tmp_path / "network.keras")
    engine = FinderEngine((tmp_path / "network.keras").read_bytes())
    seen = np.random.default_rng(0).normal(size=(24, 36, 2)).astype(np.float32)
    theirs = model.predict_on_batch(seen[np.newaxis])[0, ..., 0]
    assert engine.logits(seen, 0)[0] == pytest.approx(theirs, abs=1e-4)
    thinned = pickle.loads(pickle.dumps(engine)).logits(seen, 3)
    assert thinned.shape == (3, 24, 36)
    assert np.array_equal(thinned[:2], engine.logits(seen, 2))
    assert thinned.std(axis=0).max() > 0
    assert engine.logits(seen[:22, :33], 0).shape == (1, 22, 33)


def test_other_networks_are_refused(tmp_path):
    (tmp_path / "x.keras").write_bytes(b"no")
    with pytest.raises(nls.LatticeSymmetryError, match="no network that finds atoms"):
        load_finder(tmp_path / "x.keras")
    with pytest.raises(nls.LatticeSymmetryError, match="is no network"):
        load_finder("polar")


def test_the_shipped_network_is_small():
    file = REGISTRY.find("atoms")
    assert file.path.stat().st_size < 8e6
    assert len(file.read()) > 1e5


def test_places_go_to_what_is_seen_and_back():
    resampling = Resampling.to_spacing((100, 130), 17)
    places = np.array([[0.0, 0], [99, 129], [40.5, 3]])
    assert resampling.to_frame(resampling.to_seen(places)) == pytest.approx(places)
    ramp = np.add.outer(np.arange(100.0), np.arange(130.0))
    seen = resampling.resample(ramp)
    where = resampling.to_frame(np.array([[20, 30]]))[0]
    assert seen[20, 30] == pytest.approx(where.sum(), abs=0.3)


def test_what_is_seen_does_not_depend_on_gain_and_offset():
    image = np.random.default_rng(0).poisson(5, (40, 40)).astype(float)
    assert normalize(image * 30 - 7) == pytest.approx(normalize(image), abs=1e-3)
