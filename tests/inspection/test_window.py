from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from stored_figures import assert_as_stored

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import AnalysisError, InputError
from napari_lattice_symmetry.inspection.window import (
    inspect_window,
    place_window,
    reciprocal_spots,
    region_window,
)
from napari_lattice_symmetry.inspection.window_plot import plot_inspection
from napari_lattice_symmetry.lattice import CLASSES, COLORS
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.symmetry_elements import symmetry_elements
from napari_lattice_symmetry.results.plots import new_figure

IMAGES = Path(__file__).parent / "images"
SETTINGS = AnalysisParameters(window=128, samples=5)


def draw(basis, shape=(160, 160)):
    """An image of round atoms on a lattice, gray 0 to 30."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros(shape)
    for px, py in lattice_points(basis, shape, (3.0, 5.0), pad=10):
        image += np.exp(-((x - px) ** 2 + (y - py) ** 2) / 8)
    noise = np.random.default_rng(0).normal(0, 0.02, shape)
    return 30 * (image + noise)


@pytest.fixture
def hexagonal():
    return cell(12, 12, 60) @ rotation(10)


def test_the_numbers_are_those_of_the_map(movie, parameters, fake_model):
    result = analyze(movie, parameters, model=fake_model)
    y, x = result.grid.window_at(1, 3)
    center = (y.start + 15.5, x.start + 15.5)
    inspection = inspect_window(movie, 2, center, parameters, fake_model)
    assert inspection.corner == (y.start, x.start)
    np.testing.assert_array_equal(inspection.pixels, movie.frame(2)[y, x])
    np.testing.assert_array_equal(inspection.mean, result.mean[:, 2, 1, 3])
    np.testing.assert_array_equal(inspection.std, result.std[:, 2, 1, 3])
    assert inspection.entropy == result.entropy[2, 1, 3]
    assert inspection.mutual_information == result.mutual_information[2, 1, 3]
    assert inspection.label == result.labels[2, 1, 3]


@pytest.mark.parametrize(
    ("center", "corner"),
    [((40, 40), (24, 24)), ((0, 0), (0, 0)), ((99, 40), (68, 24)), ((-50, 900), (0, 168))],
)
def test_a_window_stays_in_the_frame(center, corner):
    assert place_window(center, 32, (100, 200)) == corner


def test_a_window_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match="101 px does not fit into frames of 100 x 200 px"):
        place_window((0, 0), 101, (100, 200))


def test_the_spots_lie_on_the_peaks_of_the_spectrum(hexagonal, fake_model):
    inspection = inspect_window(
        Movie.from_array(draw(hexagonal)), 0, (80, 80), SETTINGS, fake_model
    )
    strengths = []
    for x, y in inspection.spots:
        if np.hypot(x, y) < 14:  # the first order
            row, column = round(y) + 32, round(x) + 32
            around = inspection.spectrum[row - 1 : row + 2, column - 1 : column + 2]
            strengths.append(around.max())
    assert len(strengths) == 6
    assert min(strengths) > 0.5
    assert np.median(inspection.spectrum) < 0.05


def test_spots_end_at_the_nyquist_frequency_and_there_are_none_without_a_lattice():
    assert np.abs(reciprocal_spots(cell(4, 5, 90), 40)).max() <= 20
    assert np.abs(reciprocal_spots(cell(14, 15, 90), 400)).max() <= 32
    assert reciprocal_spots(np.full((2, 2), np.nan), 40).shape == (0, 2)


def test_with_a_correction_the_cell_is_true_and_the_spots_are_as_seen(hexagonal, fake_model):
    sheared = np.array([[1.0, 0.12], [0.0, 1.0]])
    seen = draw(hexagonal @ sheared.T)
    movie = Movie.from_array(seen, pixel_size=(0.02, 0.02), unit="nm")
    settings = SETTINGS.model_copy(update={"distortion": tuple(map(tuple, sheared.tolist()))})
    corrected = inspect_window(movie, 0, (80, 80), settings, fake_model)
    plain = inspect_window(movie, 0, (80, 80), SETTINGS, fake_model)
    assert corrected.fit.lattice == "hexagonal"
    assert corrected.fit.a == pytest.approx(0.24, rel=0.01)
    assert plain.fit.lattice != "hexagonal"
    assert corrected.apparent_label == plain.label
    assert plain.apparent_label is None
    for spot in plain.spots[np.hypot(*plain.spots.T) < 14]:
        assert np.hypot(*(corrected.spots - spot).T).min() < 0.2


def test_pixels_need_not_be_square(hexagonal, fake_model):
    wide = draw(hexagonal @ np.diag([0.8, 1.0]))  # a pixel is longer along x
    movie = Movie.from_array(wide, pixel_size=(0.02, 0.025), unit="nm")
    inspection = inspect_window(movie, 0, (80, 80), SETTINGS, fake_model)
    assert inspection.fit.lattice == "hexagonal"
    assert inspection.fit.a == pytest.approx(0.24, rel=0.01)
    np.testing.assert_allclose(
        np.sort(np.linalg.norm(inspection.seen_basis * (0.025, 0.02), axis=1)), 0.24, rtol=0.01
    )


def test_the_text_tells_everything(hexagonal, fake_model):
    movie = Movie.from_array(draw(hexagonal), name="film", pixel_size=(0.02, 0.02), unit="nm")
    inspection = inspect_window(movie, 0, (80, 80), SETTINGS, fake_model)
    rows = dict(line.split("\t") for line in inspection.text().splitlines())
    assert rows["movie"] == "film"
    assert rows["window"] == "128 px from x 16, y 16 px"
    assert rows["class"] == CLASSES[inspection.label - 1]
    assert rows["a"].endswith(" nm")
    value, error = (float(part) for part in rows["a"].removesuffix(" nm").split(" ± "))
    assert value == pytest.approx(0.24, rel=0.01)
    assert 0 < error < 0.01
    assert rows["gamma"].endswith("°")
    assert rows["class of the lattice"] == "hexagonal (tolerance 4 %)"
    assert rows["agreement"].startswith("network and lattice")
    assert rows["plane group"] == inspection.group.remarks
    assert inspection.group.name == "p6m"
    assert {f"P({name})" for name in CLASSES} < set(rows)
    assert rows["network"] == "compact, 5 samples, seed 0"


def test_without_a_lattice_the_text_says_why(fake_model):
    noise = np.random.default_rng(0).normal(55, 1, (160, 160))
    inspection = inspect_window(Movie.from_array(noise), 0, (80, 80), SETTINGS, fake_model)
    text = inspection.text()
    assert "not resolved" in text
    assert "\na\t" not in text
    assert "agreement\tnetwork and lattice agree" in text  # noise, and no spots


def test_missing_pixels_are_not_analyzed(fake_model, tmp_path):
    frame = np.full((160, 160), 5.0)
    frame[:50] = np.nan
    inspection = inspect_window(Movie.from_array(frame), 0, (0, 0), SETTINGS, fake_model)
    assert inspection.label == 0
    assert "class\tnot analyzed" in inspection.text()
    plot_inspection(inspection).savefig(tmp_path / "figure.png")


def test_a_frame_that_cannot_be_read_is_one_sentence(fake_model):
    import dask.array as da

    def fail(block):
        raise OSError("the disk is gone")

    frames = da.zeros((2, 160, 160), chunks=(1, 160, 160)).map_blocks(
        fail, dtype=float, meta=np.empty(0)
    )
    with pytest.raises(AnalysisError, match="frame 1 cannot be read"):
        inspect_window(Movie.from_array(frames), 1, (80, 80), SETTINGS, fake_model)


def test_the_figure_shows_window_spectrum_probabilities_and_cell(hexagonal, fake_model, tmp_path):
    movie = Movie.from_array(draw(hexagonal), name="film")
    inspection = inspect_window(movie, 0, (80, 80), SETTINGS, fake_model)
    figure = plot_inspection(inspection)
    window, spectrum, bars, mean = figure.axes
    assert inspection.cell.group.name == inspection.group.name == "p6m"
    assert mean.get_title() == "mean cell, p6m"
    axes, lines = symmetry_elements("p6m")
    assert len(mean.lines) == len(axes) + len(lines) + 1  # and the atoms
    np.testing.assert_array_equal(window.images[0].get_array(), inspection.pixels)
    np.testing.assert_allclose(spectrum.images[0].get_array() ** 2, inspection.spectrum, atol=1e-6)
    np.testing.assert_allclose(spectrum.collections[0].get_offsets(), inspection.spots)
    assert [bar.get_height() for bar in bars.patches] == pytest.approx(inspection.mean.tolist())
    assert [to_hex(bar.get_facecolor()) for bar in bars.patches] == [
        color.lower() for color in COLORS.values()
    ]
    assert_as_stored(figure, IMAGES / "inspection.png", tmp_path)


def test_the_figure_of_a_narrow_dock_holds_its_texts(hexagonal, fake_model):
    movie = Movie.from_array(draw(hexagonal), name="film")
    inspection = inspect_window(movie, 0, (80, 80), SETTINGS, fake_model)
    figure = plot_inspection(inspection, new_figure(2.85, 2.15))
    figure.draw_without_rendering()
    window, spectrum, bars, mean = figure.axes
    texts = [window.title, spectrum.title, mean.title, bars.title, *bars.get_xticklabels()]
    extents = [text.get_window_extent() for text in texts]
    assert not extents[0].overlaps(extents[1])
    assert not extents[1].overlaps(extents[2])
    edge = figure.bbox.padded(1)
    for text, extent in zip(texts, extents, strict=True):
        assert edge.x0 <= extent.x0 < extent.x1 <= edge.x1, text
        assert edge.y0 <= extent.y0 < extent.y1 <= edge.y1, text


def test_without_a_plane_group_there_is_no_cell(fake_model):
    noise = np.random.default_rng(0).poisson(20, (128, 128)).astype(float)
    inspection = inspect_window(Movie.from_array(noise), 0, (64, 64), SETTINGS, fake_model)
    assert inspection.cell is None
    assert len(plot_inspection(inspection).axes) == 3


def test_a_region_gives_the_window_over_it():
    inside = np.zeros((90, 120), dtype=bool)
    inside[20:61, 10:40] = True
    assert region_window(inside) == ((40.0, 24.5), 40)
    inside[:] = False
    inside[50, 70] = True
    assert region_window(inside) == ((50.0, 70.0), 32)
    assert region_window(np.ones((90, 120), dtype=bool))[1] == 90
    with pytest.raises(InputError, match="region is empty"):
        region_window(np.zeros((90, 120), dtype=bool))
