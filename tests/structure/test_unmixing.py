from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry import AnalysisParameters, Movie, MovieResult, analyze, simulate
from napari_lattice_symmetry.analysis.steps import StoppedError
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import CLASSES, LABELS
from napari_lattice_symmetry.spectrum import WindowGrid
from napari_lattice_symmetry.spectrum.cartesian import SIDE
from napari_lattice_symmetry.structure.unmixing import MAX_COMPONENTS, Unmixing, unmix


@pytest.fixture(scope="module")
def grains():
    return simulate("two-grains")


@pytest.fixture(scope="module")
def settings():
    return AnalysisParameters(window=128, stride=32, samples=5)


@pytest.fixture(scope="module")
def unmixed(grains, settings):
    return unmix(grains.movie, settings)


def true_labels(simulated, grid):
    """The class in the middle of every window."""
    middle = grid.window // 2
    rows, columns = (middle + grid.stride * np.arange(n) for n in grid.shape)
    return simulated.classes[:, rows[:, np.newaxis], columns]


def test_grains_are_found_without_labels_and_then_named(unmixed):
    assert unmixed.suggested == 3
    assert sorted(unmixed.names) == ["hexagonal", "noise", "square"]
    assert unmixed.probabilities.max(axis=1).min() > 0.8


def test_abundances_are_shares_and_lie_where_the_grains_are(unmixed, grains, settings):
    result = analyze(grains.movie, settings)
    assert unmixed.abundances.shape == (3, *result.labels.shape)
    assert unmixed.abundances.min() >= 0
    np.testing.assert_allclose(unmixed.abundances.sum(axis=0), 1, rtol=1e-5)
    truth = true_labels(grains, result.grid)
    for name, abundance in zip(unmixed.names, unmixed.abundances, strict=True):
        here = truth == LABELS[name]
        assert abundance[here].mean() > 0.6
        assert abundance[here].mean() > 3 * abundance[~here].mean()
    assert unmixed.agreement(result) > 0.8


def test_spectra_have_the_spots_of_their_lattices(unmixed):
    """Square: spots at right angles; hexagonal: 60 degrees apart; 128 / 12 cycles a window."""
    ky, kx = np.mgrid[-SIDE // 2 : SIDE // 2, -SIDE // 2 : SIDE // 2]
    for name, spectrum in zip(unmixed.names, unmixed.spectra, strict=True):
        np.testing.assert_allclose(spectrum[1:, 1:], spectrum[:0:-1, :0:-1], rtol=1e-5)
        brightest = np.unravel_index(spectrum.argmax(), spectrum.shape)
        radius = np.hypot(ky[brightest], kx[brightest])
        if name == "noise":
            continue
        first = {"square": 1, "hexagonal": 2 / np.sqrt(3)}[name]
        assert radius == pytest.approx(first * 128 / 12, abs=1)
        angle = np.arctan2(ky[brightest], kx[brightest])
        turn = {"square": np.pi / 2, "hexagonal": np.pi / 3}[name]
        y, x = np.round(radius * np.array([np.sin(angle + turn), np.cos(angle + turn)])).astype(int)
        near = spectrum[
            SIDE // 2 + y - 1 : SIDE // 2 + y + 2, SIDE // 2 + x - 1 : SIDE // 2 + x + 2
        ]
        assert near.max() > 0.5 * spectrum.max()


def test_six_lattices_are_six_components(settings):
    assert sorted(unmix(simulate("gallery").movie, settings).names) == sorted(CLASSES)


def test_grains_of_one_class_are_told_apart(shared_data, settings):
    """Two grains of iron, both square, are one color on a class map."""
    image = np.load(shared_data / "images" / "Fe_bcc100_grainboundary.npy")
    unmixed = unmix(Movie.from_array(image), settings)
    assert unmixed.names == ["square 1", "square 2"]
    one, other = unmixed.abundances
    assert ((one > 0.9).mean(), (other > 0.9).mean()) > (0.2, 0.2)


def test_the_number_can_be_chosen(grains, settings, fake_model):
    for components in (1, 2, MAX_COMPONENTS):
        unmixed = unmix(grains.movie, settings, components, model=fake_model)
        assert len(unmixed.spectra) == len(unmixed.abundances) == components
        assert unmixed.suggested == 3
    for components in (0, MAX_COMPONENTS + 1):
        with pytest.raises(InputError, match=f"{components} components are out of range"):
            unmix(grains.movie, settings, components, model=fake_model)


def test_what_shows_nothing_has_no_shares(settings, fake_model):
    frames = simulate("two-grains").movie.frames.astype(np.float32).repeat(3, axis=0)
    frames[1] = 7
    frames[2, :200] = np.nan
    unmixed = unmix(Movie(frames), settings, 2, model=fake_model)
    assert np.isnan(unmixed.abundances[:, 1]).all()
    assert np.isnan(unmixed.abundances[:, 2, :3]).all()
    assert np.isfinite(unmixed.abundances[:, 0]).all()
    assert (unmixed.labels[1] == 0).all()
    assert (unmixed.labels[0] > 0).all()


def test_a_movie_of_nothing_is_one_sentence(settings, fake_model):
    with pytest.raises(InputError, match="only 0 windows show something"):
        unmix(Movie(np.ones((2, 256, 256)), name="dark"), settings, model=fake_model)


def test_names_are_numbered_where_classes_repeat():
    probabilities = np.eye(6)[[0, 3, 0]].astype(np.float32)
    abundances = np.array([[[[0.2, 0.6, np.nan]]], [[[0.5, 0.2, np.nan]]], [[[0.3, 0.2, np.nan]]]])
    settings, grid = AnalysisParameters(window=128, stride=16), WindowGrid((128, 160), 128, 16)
    spectra = np.zeros((3, SIDE, SIDE))
    unmixed = Unmixing(spectra, abundances, probabilities, np.ones(3), 3, settings, grid)
    assert unmixed.names == ["square 1", "hexagonal", "square 2"]
    np.testing.assert_array_equal(unmixed.labels, [[[4, 1, 0]]])
    result = MovieResult.empty(Movie(np.ones((1, 128, 160))), settings)
    assert np.isnan(unmixed.agreement(result))
    result.labels[:] = [[[4, 2, 1]]]
    assert unmixed.agreement(result) == 0.5


@pytest.mark.parametrize(
    "other", [{"window": 64, "stride": 18}, {"first_frame": 1, "last_frame": 1}]
)
def test_other_windows_are_not_compared(other):
    """Of 512 px, both of these windows make 25 x 25."""
    settings = AnalysisParameters(window=128, stride=16, first_frame=0, last_frame=0)
    grid = WindowGrid((512, 512), 128, 16)
    shares, spectra = np.ones((1, 1, *grid.shape)), np.zeros((1, SIDE, SIDE))
    unmixed = Unmixing(spectra, shares, np.eye(6)[:1], np.ones(1), 1, settings, grid)
    frames = Movie(np.ones((2, 512, 512)), name="run")
    result = MovieResult.empty(frames, settings.model_copy(update=other))
    assert result.labels.shape == unmixed.labels.shape
    with pytest.raises(InputError, match="The result of run has other windows"):
        unmixed.agreement(result)


def test_it_tells_how_far_it_is_and_stops_when_told(grains, settings, fake_model):
    seen = []
    unmix(grains.movie, settings, model=fake_model, progress=lambda *n: seen.append(n))
    assert seen[-1] == (338, 338)  # 169 windows, twice
    with pytest.raises(StoppedError):
        unmix(grains.movie, settings, model=fake_model, should_stop=lambda: True)


def test_the_network_is_told_of_a_distortion(grains, settings, fake_model, monkeypatch):
    asked = []
    plain = fake_model.classify
    monkeypatch.setattr(
        fake_model,
        "classify",
        lambda *a, distortion=None: asked.append(distortion) or plain(*a),
        raising=False,
    )
    sheared = settings.model_copy(update={"distortion": ((1.0, 0.1), (0.0, 1.0))})
    unmix(grains.movie, sheared, 2, model=fake_model)
    assert len(asked) == 2
    np.testing.assert_array_equal(asked[0], [[1, 0.1], [0, 1]])


def test_the_network_of_the_parameters_is_taken(grains, settings, fake_model, monkeypatch):
    monkeypatch.setattr(
        "napari_lattice_symmetry.structure.unmixing.load_model", lambda *_: fake_model
    )
    assert len(unmix(grains.movie, settings, 2).names) == 2
