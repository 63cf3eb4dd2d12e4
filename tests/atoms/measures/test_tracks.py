"""Atoms and vacancies followed through movies whose every atom is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import KDTree

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import Atoms, Defects, follow_defects, measure_drift, track

N_FRAMES, SPACING = 20, 20.0
Y, X = np.mgrid[0:400:20, 0:400:20].reshape(2, -1).astype(float)


def sheet(rng, missed=0.0, n_frames=N_FRAMES):
    """A lattice under drift and thermal motion, of whose atoms some are missed; and its drift."""
    drift = np.cumsum(rng.uniform(-7, 7, (n_frames, 2)), axis=0)
    drift -= drift[0]
    frame = np.repeat(np.arange(n_frames), len(Y))
    site = np.tile(np.arange(len(Y)), n_frames)
    place = np.stack([Y, X], axis=1)[site] + drift[frame] + rng.normal(0, 0.5, (len(site), 2))
    kept = rng.uniform(size=len(site)) >= missed
    atoms = Atoms.at(*place.T, frame=frame, more={"site": site}, spacing=SPACING)
    return atoms[kept], drift


def test_atoms_keep_their_numbers_under_drift_and_where_some_are_missed():
    atoms, drift = sheet(np.random.default_rng(0), missed=0.1)
    followed = track(atoms)
    assert np.abs(measure_drift(atoms) - drift).max() < 0.3
    pairs = np.unique(np.stack([followed.more["track"], followed.more["site"]]), axis=1)
    tracks, sites = pairs
    assert len(np.unique(tracks)) == len(tracks)  # none of two sites
    # A site of which three frames in a row are missed, one in a thousand, gets a second number.
    assert len(sites) < len(Y) * (1 + 2 * N_FRAMES * 0.1**3)
    still = np.stack([followed.more["still_y"], followed.more["still_x"]], axis=1)
    at = np.stack([Y, X], axis=1)[followed.more["site"]]
    assert np.abs(still - at).max() < 4


def test_a_known_drift_is_taken_and_frames_without_atoms_are_passed_over():
    atoms, drift = sheet(np.random.default_rng(1), n_frames=5)
    some = atoms[atoms.frame != 2]
    followed = track(some, drift=drift)
    assert len(np.unique(followed.more["track"])) == len(Y)
    assert len(np.unique(track(some, gap=0, drift=drift).more["track"])) == 2 * len(Y)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"radius": 0}, "follows no atom"),
        ({"gap": -1}, "gap of -1"),
        ({"drift": [[0, 0]]}, r"shape \(1, 2\) is not that of 2 frames"),
        ({"drift": [[0, 0], [np.nan, 0]]}, "not known in all frames"),
    ],
)
def test_what_cannot_be_followed_is_said(settings, said):
    atoms = Atoms.at([0, 10, 0, 10], [0, 0, 0, 0], frame=[0, 0, 1, 1])
    with pytest.raises(nls.LatticeSymmetryError, match=said):
        track(atoms, **settings)
    with pytest.raises(nls.LatticeSymmetryError, match="no two atoms in a frame"):
        track(atoms[:1])


def lost(rng, drift, seen_of, *, n=60, mean_life=10):
    """Vacancies that come and go at random, how many there are, and those that were seen."""
    site = rng.choice(len(Y), n, replace=False)
    birth, life = rng.integers(-mean_life, N_FRAMES, n), rng.geometric(1 / mean_life, n)
    time = np.arange(N_FRAMES)
    there = (time >= birth[:, np.newaxis]) & (time < (birth + life)[:, np.newaxis])
    i, frame = np.nonzero(there & (rng.uniform(size=there.shape) < seen_of))
    place = np.stack([Y, X], axis=1)[site[i]] + drift[frame] + rng.normal(0, 1, (len(i), 2))
    return Defects.at(["missing"] * len(i), *place.T, frame=frame), there.sum(axis=0)


def test_of_few_that_were_all_seen_it_is_not_certain_that_none_is_missed():
    rng = np.random.default_rng(4)
    atoms, drift = sheet(rng, n_frames=5)
    place = np.array([Y[210], X[210]]) + drift
    lives = follow_defects(Defects.at(["missing"] * 5, *place.T, frame=np.arange(5)), atoms)
    assert lives.detection == 1
    assert lives.count.tolist() == [1] * 5
    assert lives.count_error.min() > 0.4  # 3 of 3 seen: a share of 0.8 on average


@pytest.mark.parametrize("seen_of", [0.95, 0.8])
def test_the_count_of_vacancies_is_right_where_some_are_missed(seen_of):
    rng = np.random.default_rng(3)
    atoms, drift = sheet(rng)
    inside, lives = [], []
    for _ in range(15):
        defects, true = lost(rng, drift, seen_of)
        followed = follow_defects(defects, atoms)
        inside.append(np.abs(followed.count - true) <= 1.96 * followed.count_error)
        lives.append([followed.mean_life, followed.detection])
        assert (followed.alive >= followed.visible).all()
        assert (followed.alive <= true).all()
    life, detection = np.mean(lives, axis=0)
    assert detection == pytest.approx(seen_of, abs=0.03)
    assert life == pytest.approx(10, rel=0.2)
    assert 0.9 < np.mean(inside) < 0.99


def test_lives_that_are_cut_off_are_said_to_be():
    atoms = Atoms.at(*np.tile([Y, X], 8), frame=np.repeat(np.arange(8), len(Y)), spacing=SPACING)
    kind = ["missing"] * 6 + ["extra"]
    frame = [0, 1, 4, 6, 7, 7, 4]
    y = [50, 50, 90, 90, 90, 130, 50]
    lives = follow_defects(Defects.at(kind, y, [50] * 7, frame=frame), atoms)
    assert lives.birth.tolist() == [0, 4, 7]
    assert lives.end.tolist() == [1, 7, 7]
    assert lives.is_older.tolist() == [True, False, False]
    assert lives.lives_on.tolist() == [False, True, True]
    assert lives.number.tolist() == [0, 0, 1, 1, 1, 2, -1]
    assert lives.alive.tolist() == [1, 1, 0, 0, 1, 1, 1, 2]
    assert lives.counts()["born"].tolist() == [0, 0, 0, 0, 1, 0, 0, 1]
    assert lives.counts()["ended"].tolist() == [0, 1, 0, 0, 0, 0, 0, 0]


def test_nothing_lost_is_no_life(tmp_path):
    atoms, _ = sheet(np.random.default_rng(5), n_frames=3)
    lives = follow_defects(Defects.at([], [], []), atoms)
    assert len(lives) == 0
    assert lives.alive.tolist() == [0, 0, 0]
    assert np.isnan(lives.detection)
    assert np.isinf(lives.mean_life)
    lives.save(tmp_path / "lives.csv")
    assert (tmp_path / "lives.csv").read_text().startswith("defect,kind,y,x,birth,end")
    with pytest.raises(nls.LatticeSymmetryError, match=r"must end in \.csv"):
        lives.save(tmp_path / "lives.txt")


def test_vacancies_of_the_sample_movie_are_counted_from_its_pixels():
    sample = nls.atoms.sample_movie(frames=4, seed=101)
    spacing, side = 13.5, sample.movie.shape[1]
    atoms = nls.atoms.find_atoms(sample.movie, spacing=spacing)
    lives = follow_defects(nls.atoms.find_defects(sample.movie, atoms), atoms)
    true = sample.atoms
    whole = true.positions[true.frame == 0]
    edge = 0.3 * spacing  # nearer to the border nothing is told
    whole = whole[((whole > edge) & (whole < side - 1 - edge)).all(axis=1)]
    gone = [
        int((KDTree(true.positions[true.frame == k]).query(whole)[0] > 5).sum()) for k in range(4)
    ]
    assert gone[-1] > 5
    assert np.abs(lives.alive - gone).max() <= 1
    numbers = track(atoms).more["track"]
    stay = int((np.bincount(numbers) == 4).sum())
    assert stay == pytest.approx(int((true.frame == 3).sum()), abs=8)
