from __future__ import annotations

import re

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from scipy.ndimage import zoom

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.cli import main
from napari_lattice_symmetry.lattice import LABELS
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms

PIXEL = 0.02


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Two frames of a honeycomb with the lattice of MoS2, its two kinds of atoms unlike."""
    basis = cell(0.3161, 0.3161, 120) @ rotation(12) / PIXEL
    shape = (320, 330)
    points = lattice_points(basis, shape, (100, 100), 30)
    atoms = np.concatenate([points, points + (2 * basis[0] + basis[1]) / 3])
    bright = np.repeat([1.0, 0.4], len(points))
    image = draw_atoms(atoms, bright, 1.8, shape) + 0.1
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("cell") / "movie.npy"
    np.save(path, np.array([count_electrons(image, 40, rng) for _ in range(2)]))
    return path


def run(*arguments):
    return CliRunner().invoke(main, ["cell", *map(str, arguments)])


def test_cell_group_atoms_and_pixel_size_are_printed_and_written(path, tmp_path):
    outputs = [tmp_path / f"cell.{ending}" for ending in ("tif", "csv", "cif", "png")]
    to = [text for output in outputs for text in ("--to", output)]
    done = run(path, "--pixel-size", PIXEL, "--material", "MoS2", *to)
    assert done.exit_code == 0, done.output
    assert "8 of 8 windows" in done.output
    assert "Plane group: p3m1, with probability" in done.output
    assert "(3m.)" in done.output
    assert "As MoS2: pixels of 0.0200" in done.output
    assert re.search(r"Those of the movie are off by [+-]0\.\d% and [+-]0\.\d%", done.output)
    assert all(output.stat().st_size > 100 for output in outputs)
    again = run(path, "--to", outputs[0])
    assert again.exit_code == 1
    assert "exists; choose another name" in again.output


def test_of_a_real_crystal_overlapping_atoms_and_the_other_cell_are_told(shared_data):
    silicon = run(shared_data / "images/Si_110_haadf_5nm.png").output
    assert "atom 4e (.m.)" in silicon
    assert silicon.count("atom ") == 1
    place = re.search(r"at 0\.0000, (0\.\d+) ± (0\.0\d+), .*; overlaps another", silicon)
    assert float(place[1]) == pytest.approx(1 / 8, abs=0.003), "of the maxima it is 0.111"
    assert float(place[2]) < 0.01
    perovskite = run(shared_data / "images/perovskite_110_ADF_atomap.hdf5").output
    assert "Weak spots speak for a larger cell, rectangular, 29.5 x 84" in perovskite


def test_what_the_cell_leaves_lies_on_the_frames_of_a_real_image(shared_data, tmp_path):
    file = shared_data / "images" / "STO_001_haadf_nsid.hf5"
    done = run(file, "--to", tmp_path / "sto.residual.tif")
    assert done.exit_code == 0, done.output
    movie = nls.read_movie(file)
    with tifffile.TiffFile(tmp_path / "sto.residual.tif") as written:
        left = written.asarray()
        numerator, denominator = written.pages[0].tags["XResolution"].value
        assert written.imagej_metadata["unit"] == "nm"
    assert denominator / numerator == pytest.approx(movie.pixel_size[1], rel=1e-4)
    frame = movie.frame(0).astype(float)
    assert left.shape == frame.shape
    inside = np.isfinite(left)
    assert inside.any(axis=0).sum() * inside.any(axis=1).sum() == inside.sum() > 200**2
    assert left[inside].std() < 0.6 * frame[inside].std()
    # With the mean cell it is the image: what is left of columns is alike in all cells.
    periodic = (frame - left)[inside]
    assert np.corrcoef(periodic, frame[inside])[0, 1] > 0.8


def test_what_the_cell_leaves_of_a_movie_has_its_frames(path, tmp_path):
    done = run(path, "--window", 128, "--in", 20, 20, 200, 160, "--to", tmp_path / "residual.tif")
    assert done.exit_code == 0, done.output
    left = tifffile.imread(tmp_path / "residual.tif")
    assert left.shape == np.load(path).shape
    assert np.isfinite(left[:, 20:148, 20:148]).all()
    assert np.isnan(left[:, :20]).all()
    counts = np.load(path)[:, 20:148, 20:148]
    assert np.nanstd(left) == pytest.approx(np.sqrt(counts.mean()), rel=0.1), "noise of counts"
    again = run(path, "--to", tmp_path / "residual.tif")
    assert "exists; choose another name" in again.output


def test_one_window_of_one_frame_can_be_chosen(path):
    done = run(path, "--frame", 1, "--window", 128, "--at", 150, 160)
    assert done.exit_code == 0, done.output
    assert "1 of 1 windows" in done.output
    assert "pixel, gamma = 120" in done.output or "pixel, gamma = 119.9" in done.output
    assert re.search(r"a = 15\.8\d* ± 0\.0\d+, b = 15\.8\d* ± 0\.0\d+ pixel", done.output)


def test_pixels_are_square_and_the_tolerance_small_where_that_is_asked_for(path, tmp_path):
    def sizes(output):
        found = re.search(r"pixels of (\S+) .*, (\S+) ± \S+ nm along y", output).groups()
        return [float(size) for size in found]

    chosen = ("--frame", 0, "--material", "MoS2")
    done = run(path, *chosen, "--pixel-size", 2 * PIXEL, "--square-pixels")
    assert done.exit_code == 0, done.output
    along_x, along_y = sizes(done.output)
    assert along_x == along_y
    assert "Those of the movie are off by +100" in done.output or "+99.9" in done.output
    flat = tmp_path / "flat.npy"  # pixels 4 % lower than wide
    frame = zoom(np.load(path)[0].astype(float), (1 / 0.96, 1), order=3)
    np.save(flat, frame[np.newaxis])
    assert sizes(run(flat, *chosen).output) == pytest.approx([PIXEL, 0.96 * PIXEL], rel=0.005)
    along_x, along_y = sizes(run(flat, *chosen, "--square-pixels").output)
    assert along_x == along_y
    assert run(path, "--tolerance", 0.7).exit_code == 2


def test_the_tolerance_decides_of_a_real_image(shared_data):
    file = shared_data / "images" / "STO_001_haadf_nsid.hf5"
    assert "Plane group: p4m within the tolerance" in run(file).output
    strict = run(file, "--tolerance", 0.02)
    assert strict.exit_code == 0, strict.output
    assert "Plane group: p1: no symmetry holds within the tolerance of 2%." in strict.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--frame", 2), "has the frames 0 to 1; there is no frame 2."),
        (("--at", 5, 5), "around 5, 5 leaves the frame of 330 x 320 px."),
        (("--window", 64), "average: 4.1 periods in the window, fewer than 6."),
        (("--in", 0, 0, 40, 40, "--window", 128), "No window of 128 px lies in the region"),
        (("--to", "cell.docx"), "cell.docx must end in .tif"),
        (("--to", "cell.png", "--to", "cell.cif"), "a .cif needs --pixel-size"),
        (("--known", 1, 1, 0), "There is no cell with a = 1, b = 1, gamma = 0 degrees."),
        (("--at", "nan", 5), "Places of --at, --in and --grain are numbers of pixels."),
        (("--in", 0, 0, 40, "inf"), "Places of --at, --in and --grain are numbers of pixels."),
        (("--of", "square"), "Give --of, a class, or --grain, a place, with --result"),
        (("--square-pixels",), "Give --material or --known with --square-pixels."),
    ],
)
def test_bad_requests_get_one_sentence(path, arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(path, *arguments)
    assert done.exit_code == 1
    assert sentence in done.output
    assert done.output.startswith("Error: ")
    assert not list(tmp_path.iterdir())


def test_a_rectangle_and_a_cell_that_is_typed_are_taken(path):
    done = run(path, "--window", 128, "--in", 150, 20, 300, 160, "--known", 0.3161, 0.3161, 60)
    assert done.exit_code == 0, done.output
    assert "2 of 2 windows" in done.output
    assert "As a = 0.3161, b = 0.3161 nm, gamma = 60°: pixels of 0.0" in done.output
    size = re.search(r"pixels of (\S+) ±", done.output)
    assert float(size[1]) == pytest.approx(PIXEL, rel=2e-3)


def test_the_windows_of_a_class_in_a_result_are_averaged(path, tmp_path, fake_model):
    movie = nls.read_movie(path)
    result = nls.analyze(movie, window=112, stride=104, samples=2, model=fake_model)
    result.maps["labels"][:] = LABELS["noise"]
    result.maps["labels"][1, 0] = LABELS["hexagonal"]
    saved = tmp_path / "result.zarr"
    result.save(saved)
    chosen = ("--frame", 1, "--result", saved)
    done = run(path, *chosen, "--of", "hexagonal")
    assert done.exit_code == 0, done.output
    assert "2 of 2 windows" in done.output
    none = run(path, *chosen, "--of", "square")
    assert "No window of the class square was found in frame 1." in none.output
    assert "Give --of, a class, or --grain, a place, with --result" in run(path, *chosen).output
    sized = run(path, *chosen, "--of", "hexagonal", "--window", 64)
    assert "leave --window out" in sized.output
    assert "Give one of --at, --in and --result." in run(path, *chosen, "--at", 99, 99).output
    first = tmp_path / "first.zarr"
    nls.analyze(movie, window=112, samples=2, model=fake_model, last_frame=0).save(first)
    missing = run(path, "--frame", 1, "--result", first, "--of", "hexagonal")
    assert "has nothing of frame 1" in missing.output
    np.save(tmp_path / "other.npy", np.zeros((300, 300)))
    other = run(tmp_path / "other.npy", "--result", saved, "--of", "hexagonal")
    assert "is not the result of this movie" in other.output


def test_a_real_crystal_tells_its_group_its_atoms_and_the_pixel_size(shared_data, tmp_path):
    file, atoms = shared_data / "images" / "STO_001_haadf_nsid.hf5", tmp_path / "cell.cif"
    done = run(file, "--material", "SrTiO3 [001]", "--to", atoms)
    assert done.exit_code == 0, done.output
    assert "Plane group: p4m within the tolerance; the image departs from it by" in done.output
    assert "atom 1a (4mm) at 0.0000" in done.output
    assert "atom 1b (4mm) at 0.5000" in done.output
    found = re.search(r"pixels of (\S+) ± \S+ nm along x, (\S+) ±", done.output)
    scale = nls.read_movie(file).pixel_size[::-1]
    assert [float(each) for each in found.groups()] == pytest.approx(scale, rel=0.01)
    assert "_cell_length_a 3.9" in atoms.read_text(encoding="utf-8")


@pytest.mark.parametrize(("place", "group"), [((100, 256), "p4m"), ((420, 256), "p6m")])
def test_the_grains_of_a_sample_have_their_groups_and_pixel_size(tmp_path, place, group):
    file = tmp_path / "grains.tif"
    assert CliRunner().invoke(main, ["simulate", "two-grains", "-o", str(file)]).exit_code == 0
    gamma = 90 if group == "p4m" else 120
    done = run(file, "--at", *place, "--window", 120, "--known", 0.3, 0.3, gamma)
    assert done.exit_code == 0, done.output
    assert f"Plane group: {group}, with probability" in done.output
    symmetry = "4mm" if group == "p4m" else "6mm"
    assert f"atom 1a ({symmetry}) at 0.0000, 0.0000, height" in done.output
    found = re.search(r"pixels of (\S+) ± (\S+) nm along x, (\S+) ± (\S+) nm along y", done.output)
    x, x_error, y, y_error = map(float, found.groups())
    true = nls.read_movie(file).pixel_size
    assert (y, x) == pytest.approx(true, rel=5e-3)
    assert abs(x - true[1]) < 4 * x_error
    assert abs(y - true[0]) < 4 * y_error


def test_the_grain_at_a_place_is_averaged(path, tmp_path, fake_model):
    movie = nls.read_movie(path)
    result = nls.analyze(
        movie, window=112, stride=56, samples=2, model=fake_model, lattice_maps=True
    )
    result.maps["labels"][:] = LABELS["hexagonal"]
    saved = tmp_path / "result.zarr"
    result.save(saved)
    done = run(path, "--frame", 1, "--result", saved, "--grain", 60, 60)
    assert done.exit_code == 0, done.output
    places = nls.places_of_grain(result, (60, 60), [1])
    assert f"{len(places)} of {len(places)} windows" in done.output
    assert "Of p6m it breaks turns by" in done.output  # it is p3m1
    both = run(path, "--result", saved, "--grain", 60, 60, "--of", "hexagonal")
    assert "Give --of, a class, or --grain, a place, with --result" in both.output
