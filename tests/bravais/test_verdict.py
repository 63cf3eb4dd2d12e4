import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.bravais import verdict_training
from napari_lattice_symmetry.bravais.evidence import evidence, shares_by_scale
from napari_lattice_symmetry.bravais.registry import REGISTRY
from napari_lattice_symmetry.bravais.truth import Truth
from napari_lattice_symmetry.bravais.verdict import Judges, load_judges
from napari_lattice_symmetry.bravais.verdict_images import KINDS, ExampleChunk, draw_examples
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import draw_atoms
from napari_lattice_symmetry.networks.registry import file_sha256
from napari_lattice_symmetry.spectrum.fitting import fit_lattices
from napari_lattice_symmetry.spectrum.lattice_fit import Flag

SURE = 0.9
NOISE = nls.LABELS["noise"]


def rectangles(ratio, size=128, n=4):
    """Draw windows on a rectangle of 10 periods, turned, with some noise."""
    images = (
        nls.LatticeImage(
            lattice="rectangular",
            a=size / 10,
            b=ratio * size / 10,
            size=size,
            orientation=20 * i + 3,
            counts=200,
            seed=i,
        )
        for i in range(n)
    )
    return np.stack([image.draw() for image in images])


def test_fringes_are_no_lattice_that_anybody_is_sure_of():
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:128, :128]
    waves = [
        np.exp(3 * np.cos(2 * np.pi * (0.94 * x + 0.34 * y) / period)) / 20
        for period in (8, 10, 12)
    ]
    windows = np.stack(waves) + 0.1 * rng.standard_normal((3, 128, 128))
    verdict = nls.classify(windows)
    sure = verdict.mean.max(axis=1) > SURE
    assert not (sure & (verdict.label != NOISE)).any()
    assert (verdict.flags & Flag.ONE_DIRECTION).all()
    # What a network says that was never shown fringes: the reason why there is a verdict.
    assert (nls.load_model("polar").classify(windows).label != NOISE).all()
    assert (verdict.network.label == NOISE).all()


def test_what_pixels_alias_is_not_named_for_sure():
    rng = np.random.default_rng(5)
    windows = []
    for turn in rng.uniform(0, 360, 60):
        basis, origin = cell(4, 4, 60) @ rotation(turn), tuple(rng.uniform(0, 4, 2))
        atoms = lattice_points(basis, (128, 128), origin, 8)
        windows.append(draw_atoms(atoms, np.ones(len(atoms)), 0.8, (128, 128)))
    verdict = nls.classify(np.stack(windows), samples=20)
    wrong = verdict.label != nls.CLASSES.index("hexagonal") + 1
    assert 0 < wrong.sum() < 15  # where the fit takes the larger cell
    assert not (wrong & (verdict.mean.max(axis=1) > SURE)).any()


def test_more_periods_than_the_network_resolves_are_named_by_the_fit():
    image = nls.LatticeImage(
        lattice="hexagonal", a=4, size=128, width=0.2, counts=200, orientation=10
    )
    verdict = nls.classify(image.draw()[np.newaxis])
    assert nls.CLASSES[verdict.label[0] - 1] == "hexagonal"
    assert verdict.flags[0] & Flag.MANY_PERIODS


@pytest.mark.parametrize("size", [64, 128])
def test_a_tolerance_means_the_same_in_all_windows(size):
    square = nls.LABELS["square"] - 1
    within = nls.classify(rectangles(1.02, size), samples=30).mean[:, square]
    beyond = nls.classify(rectangles(1.08, size), samples=30).mean[:, square]
    wider = nls.classify(rectangles(1.08, size), samples=30, tolerance=0.15).mean[:, square]
    assert within.min() > 0.5 > beyond.max()
    assert wider.min() > 0.5


def test_a_tolerance_of_zero_is_as_tight_as_the_errors():
    found = nls.classify(rectangles(1.03), samples=30, tolerance=0)
    assert {nls.CLASSES[label - 1] for label in found.label} == {"rectangular"}
    assert {nls.CLASSES[label - 1] for label in found.fits.label} == {"square"}


def test_padding_is_not_judged():
    windows = rectangles(1.2, n=3)
    windows[0, :30] = 0
    windows[1] = 5
    verdict = nls.classify(windows, samples=5)
    assert verdict.label[:2].tolist() == [0, 0]
    assert np.isnan(verdict.mean[:2]).all()
    assert verdict.label[2] == nls.LABELS["rectangular"]
    np.testing.assert_allclose(verdict.thinned_totals.sum(axis=1), 1)


@pytest.mark.parametrize("tolerance", [-0.01, 0.3, np.nan, "wide"])
def test_a_tolerance_out_of_range_is_told(tolerance):
    with pytest.raises(InputError, match=r"not from 0 to 0\.2"):
        nls.classify(np.ones((1, 64, 64)), tolerance=tolerance)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, "any"])
def test_a_seed_out_of_range_is_told(seed):
    with pytest.raises(InputError, match="whole number from 0"):
        nls.classify(np.ones((1, 64, 64)), seed=seed)


def test_the_judges_are_those_that_were_shipped():
    for name in ("compact", "polar"):
        network = REGISTRY.entries[name]
        entry = network["verdict"]
        assert file_sha256(REGISTRY.folder / entry["file"]) == entry["sha256"]
        assert load_judges(network["sha256"]) is load_judges(network["sha256"])


def test_every_kind_is_drawn_with_a_truth_that_is_a_probability():
    for draw, often in KINDS.values():
        window, truth = draw(np.random.default_rng(0), 64)
        assert often > 0
        assert window.shape == (64, 64)
        assert np.isfinite(window).all()
        for tolerance in (0, 0.04):
            assert truth.target(tolerance).sum() == pytest.approx(1)
            assert truth.target(tolerance).min() > -1e-12


def test_a_truth_knows_its_tolerance():
    truth = Truth((np.diag([10.0, 10.3]),), (1.0,))
    assert truth.target(0)[nls.LABELS["rectangular"] - 1] == 1
    assert truth.target(0.04)[nls.LABELS["square"] - 1] == 1


def test_evidence_is_finite_whatever_is_shown():
    windows, *_ = draw_examples(30, (1, 2, 3), 48)
    windows[0], windows[1, :9] = 0, np.nan
    fits, network = fit_lattices(windows), nls.load_model().classify(windows, samples=3)
    seen = evidence(network, fits, shares_by_scale(windows), 0.04)
    assert np.isfinite(seen).all()
    assert np.abs(seen).max() < 20


def test_missing_pixels_count_as_the_mean_of_their_window_at_any_offset():
    windows = rectangles(1.2).astype(np.float32)
    windows[:, 5:9, 30:70] = np.nan
    shares = shares_by_scale(windows)
    np.testing.assert_allclose(shares_by_scale(windows + np.float32(2**20)), shares, atol=1e-3)
    filled = np.where(np.isnan(windows), np.nanmean(windows, axis=(1, 2), keepdims=True), windows)
    np.testing.assert_allclose(shares, shares_by_scale(filled), atol=1e-6)


def test_evidence_that_was_not_written_to_its_end_is_not_kept(tmp_path, monkeypatch):
    def stopped(path, **arrays):
        path.write_bytes(b"PK")
        raise KeyboardInterrupt

    monkeypatch.setattr(verdict_training, "draw_chunks", lambda orders, _: [orders[0].draw()])
    monkeypatch.setattr(np, "savez", stopped)
    with pytest.raises(KeyboardInterrupt):
        verdict_training._evidence(
            tmp_path / "training.npz", [ExampleChunk(0, 0, 5, 4)], 1, None, progress=False
        )
    assert not list(tmp_path.iterdir())


def test_judges_are_taught_alike_from_a_seed(tmp_path, monkeypatch):
    monkeypatch.setattr(verdict_training, "_CHUNK", 40)
    settings = {"windows": 80, "epochs": 2, "workers": 1, "progress": False}
    path = verdict_training.train_verdict(tmp_path / "one", **settings)
    again = verdict_training.train_verdict(tmp_path / "one", **settings)  # from the evidence kept
    judges = Judges.read(path.read_bytes())
    for one, other in zip(judges.weights, Judges.read(again.read_bytes()).weights, strict=True):
        np.testing.assert_array_equal(one, other)
    with np.load(tmp_path / "one" / "validation.npz") as held_out:
        p = judges.probabilities(held_out["seen"], held_out["repeating"])
    np.testing.assert_allclose(p.sum(axis=-1), 1)
    with pytest.raises(InputError, match="other settings"):
        verdict_training.train_verdict(tmp_path / "one", **settings | {"seed": 5})
