from __future__ import annotations

import csv

import numpy as np
import pytest
import tifffile

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import draw_atoms

SIDE, PIXEL = 192, 0.025


@pytest.fixture
def saved(tmp_path, fake_model):
    """A square crystal of 12 px, 2 % longer along x in the second of two frames."""
    frames = []
    for stretch in (1.0, 1.02):
        points = lattice_points(cell(12 * stretch, 12, 90), (SIDE, SIDE), (90, 90), 20)
        frames.append(draw_atoms(points, np.ones(len(points)), 2.0, (SIDE, SIDE)))
    movie = nls.Movie(np.array(frames), name="stretched", pixel_size=(PIXEL, PIXEL), unit="nm")
    path = tmp_path / "result.zarr"
    nls.analyze(movie, window=96, stride=48, samples=2, lattice_maps=True, model=fake_model).save(
        path
    )
    return path


def test_strain_is_printed_and_written(run, saved, tmp_path):
    outputs = [tmp_path / f"strain.{ending}" for ending in ("csv", "tif", "png")]
    to = [text for output in outputs for text in ("--to", output)]
    done = run("strain", saved, "--known", 12 * PIXEL, 12 * PIXEL, 90, "--frame", 1, *to)
    assert done.exit_code == 0, done.output
    assert "18 of 18 windows have the lattice of the reference" in done.output
    mean = float(next(line for line in done.output.splitlines() if "exx" in line).split()[2])
    assert mean == pytest.approx(1.0, abs=0.03)  # of both frames
    with outputs[0].open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 18
    last = {name: float(value) for name, value in rows[-1].items()}
    assert (last["frame"], last["x_nm"], last["y_nm"]) == pytest.approx(
        (1, 143.5 * PIXEL, 143.5 * PIXEL)
    )
    assert last["exx_percent"] == pytest.approx(2, abs=0.05)
    assert last["eyy_percent"] == pytest.approx(0, abs=0.05)
    assert 0 < last["exx_percent_error"] < 0.5
    assert tifffile.imread(outputs[1]).shape[-2:] == (3, 3)
    assert outputs[2].stat().st_size > 1000


def test_a_rectangle_is_the_reference(run, saved):
    done = run("strain", saved, "--in", 0, 0, 60, 60)
    assert done.exit_code == 0, done.output
    mean = float(next(line for line in done.output.splitlines() if "exx" in line).split()[2])
    assert abs(mean) < 1.1  # of both frames, against the median of a window in both


@pytest.fixture
def bent(tmp_path, fake_model):
    """A square crystal, a 30 degrees off x, on the right of a frame 2 % longer along a."""
    shape, basis = (192, 400), cell(12, 12, 90) @ rotation(30)
    along = basis[0] / np.linalg.norm(basis[0])
    longer = np.eye(2) + 0.02 * np.outer(along, along)
    image = np.zeros(shape)
    for left, change in ((True, np.eye(2)), (False, longer)):
        points = lattice_points(basis @ change, shape, (200, 90), 20)
        points = points[(points[:, 0] < 200) == left]
        image += draw_atoms(points, np.ones(len(points)), 2.0, shape)
    movie = nls.Movie(image[np.newaxis], name="bent", pixel_size=(PIXEL, PIXEL), unit="nm")
    path = tmp_path / "bent.zarr"
    nls.analyze(movie, window=96, stride=48, samples=2, lattice_maps=True, model=fake_model).save(
        path
    )
    return path


@pytest.mark.parametrize(
    ("axes", "expected"),
    [("image", (1.5, 0.5, 2 * np.sqrt(3) / 4)), ("crystal", (2.0, 0.0, 0.0))],
)
def test_strain_is_along_the_image_or_the_crystal(run, bent, tmp_path, axes, expected):
    table = tmp_path / "strain.csv"
    done = run("strain", bent, "--in", 0, 0, 100, 192, "--axes", axes, "--to", table)
    assert done.exit_code == 0, done.output
    with table.open(encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    right = [row for row in rows if row["x_nm"] > 250 * PIXEL]
    assert len(right) == 6
    found = [[row[f"{name}_percent"] for name in ("exx", "eyy", "exy")] for row in right]
    if axes == "crystal":  # a and b are as long: either may be the first
        found = [[max(each[:2]), min(each[:2]), each[2]] for each in found]
    np.testing.assert_allclose(found, [expected] * 6, atol=0.05)


def test_a_real_crystal_has_the_lattice_that_is_known_but_for_its_scan(
    run, shared_data, fake_model, tmp_path
):
    movie = nls.read_movie(shared_data / "images" / "STO_001_haadf_nsid.hf5")
    path, table = tmp_path / "result.zarr", tmp_path / "strain.csv"
    nls.analyze(movie, window=256, stride=60, samples=2, lattice_maps=True, model=fake_model).save(
        path
    )
    done = run("strain", path, "--material", "SrTiO3 [001]", "--to", table)
    assert done.exit_code == 0, done.output
    with table.open(encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert len(rows) >= 9
    for name in ("exx_percent", "eyy_percent", "exy_percent"):
        values = [row[name] for row in rows]
        assert abs(np.median(values)) < 1.0  # a scan that is not square, and its pixel size
        assert np.std(values) < 0.5
        assert all(0 < row[f"{name}_error"] < 1 for row in rows)


def test_windows_of_another_lattice_have_no_strain(run, saved, tmp_path):
    table = tmp_path / "strain.csv"
    done = run("strain", saved, "--known", 9 * PIXEL, 21 * PIXEL, 70, "--to", table)
    assert done.exit_code == 0, done.output
    assert "0 of 18 windows have the lattice of the reference" in done.output
    assert len(table.read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--in", 0, 0, 10, 10), "No window has its center in the rectangle 0, 0 to 10, 10 px"),
        (("--in", 0, 0, 60, 60, "--material", "MoS2"), "Give one reference"),
        (("--frame", 7), "Frame 7 was not analyzed"),
        (("--to", "strain.docx"), "strain.docx must end in .csv"),
        (("--known", 1, 1, 0), "There is no cell with a = 1"),
    ],
)
def test_bad_requests_get_one_sentence(run, saved, assert_one_sentence, arguments, says):
    assert_one_sentence(run("strain", saved, *arguments), says)


def test_a_result_without_lattices_or_pixel_size_is_refused(
    run, tmp_path, fake_model, assert_one_sentence
):
    frame = np.random.default_rng(0).poisson(20, (96, 96)).astype(float)
    plain = nls.analyze(frame, window=64, stride=32, samples=2, model=fake_model)
    plain.save("plain.zarr")
    assert_one_sentence(run("strain", "plain.zarr"), "analyze again with lattice maps")
    fitted = nls.analyze(
        frame, window=64, stride=32, samples=2, model=fake_model, lattice_maps=True
    )
    fitted.save("fitted.zarr")
    assert_one_sentence(run("strain", "fitted.zarr"), "No window of the reference has a lattice")
    assert_one_sentence(run("strain", "fitted.zarr", "--material", "MoS2"), "has no pixel size")
