from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS
from napari_lattice_symmetry.results import load_result
from napari_lattice_symmetry.results.areas import area_fractions

SETTINGS = ("--window", "32", "--stride", "16", "--samples", "3")


@pytest.fixture
def growth():
    """A TIFF of 4 frames, square (gray 5) on the left and hexagonal (gray 35) on the right."""
    noise = np.random.default_rng(0).normal(0, 1, (4, 48, 80))
    edge = np.array([64, 48, 32, 16])[:, None, None]
    stack = np.where(np.arange(80) < edge, 5, 35) + noise
    tifffile.imwrite(
        "growth.tif",
        stack.astype(np.float32),
        imagej=True,
        resolution=(50, 50),
        metadata={"axes": "TYX", "unit": "nm", "finterval": 2.0},
    )
    return stack


def test_every_parameter_is_an_option(run):
    told = " ".join(run("analyze", "--help").stdout.split())
    for name in AnalysisParameters.model_fields:
        assert f"--{name.replace('_', '-')} " in told
    assert "[default: 128; 32<=x<=4096]" in told


def test_options_become_parameters(run, growth, stand_in):
    values = {
        "window": 40,
        "stride": 8,
        "samples": 2,
        "network": "published",
        "answer": "network",
        "engine": "tensorflow",
        "seed": 5,
        "first_frame": 1,
        "last_frame": 3,
        "frame_step": 2,
        "distortion": ((1.0, 0.1), (0.0, 1.0)),
        "lattice_maps": True,
        "plane_groups": True,
        "tolerance": 0.03,
    }
    assert set(values) == set(AnalysisParameters.model_fields)
    given = {**values, "distortion": (1.0, 0.1, 0.0, 1.0), "lattice_maps": (), "plane_groups": ()}
    options = []
    for name, value in given.items():
        parts = value if isinstance(value, tuple) else (value,)
        options += [f"--{name.replace('_', '-')}", *parts]
    done = run("analyze", "growth.tif", *options)
    assert done.exit_code == 0, done.output
    assert load_result("growth.zarr").parameters == AnalysisParameters(**values)


def test_analyze_writes_result_table_and_figures(run, growth, stand_in):
    done = run("analyze", "growth.tif", "--output", "out/run.zarr", *SETTINGS)
    assert done.exit_code == 0, done.output
    result = load_result("out/run.zarr")
    assert result.done.all()
    assert result.pixel_size == pytest.approx((0.02, 0.02))
    assert (result.unit, result.frame_time) == ("nm", 2.0)
    assert result.provenance["network"] == "fake"
    assert result.provenance["weights_sha256"] == stand_in.sha256
    with Path("out/run_fractions.csv").open(newline="") as file:
        hexagonal = [float(row["hexagonal"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(hexagonal, result.fractions[:, 3], atol=1e-6)
    assert (np.diff(hexagonal) > 0).all()
    for figure in ("out/run_fractions.png", "out/run_maps.png"):
        assert Path(figure).read_bytes().startswith(b"\x89PNG")
    for name in ("run.zarr", "run_fractions.csv", "run_fractions.png", "run_maps.png"):
        assert f"out/{name}" in done.stdout


def test_plane_groups_of_a_real_crystal_are_mapped(run, stand_in, shared_data):
    file = shared_data / "images" / "STO_001_haadf_nsid.hf5"
    given = ("--window", 200, "--stride", 120, "--samples", 2, "--plane-groups", "--no-plots")
    done = run("analyze", file, "--output", "sto.zarr", *given)
    assert done.exit_code == 0, done.output
    maps = load_result("sto.zarr").maps
    assert maps["plane_group"].shape == (1, 3, 3)
    assert (maps["plane_group"] == PLANE_GROUPS.index("p4m") + 1).all()
    windows = nls.WindowGrid(nls.read_movie(file).shape[1:], 200, 120).windows(
        nls.read_movie(file).frame(0)
    )
    broken = [100 * nls.cells.plane_group(each).departure for each in windows.reshape(-1, 200, 200)]
    np.testing.assert_allclose(maps["group_departure"].ravel(), broken, atol=0.1)
    assert 5 < min(broken) < max(broken) < 20
    assert np.isnan(maps["group_probability"]).all(), "named within the tolerance"


def test_analyze_prints_the_phase_table_and_shows_progress(run, growth, stand_in, monkeypatch):
    monkeypatch.setattr("napari_lattice_symmetry.commands.shared.progress.INTERVAL", 0)
    done = run("analyze", "growth.tif", "--no-plots", *SETTINGS)
    assert "frame 0" in done.stdout
    assert "frame 3" in done.stdout
    result = load_result("growth.zarr")
    areas = area_fractions(result)
    for k, name in enumerate(CLASSES):
        (line,) = (line for line in done.stdout.splitlines() if line.startswith(name + " "))
        for t in (0, 3):
            value, low, high = (each[t, k] for each in (areas.values, areas.low, areas.high))
            assert f"{value:.3f} ({low:.3f} to {high:.3f})" in line
    assert "4 of 4 frames, 32 windows in" in done.stdout
    assert "growth: 32 of 32 windows\n" in done.stderr
    assert not list(Path().glob("*.png"))


def test_older_output_is_kept_unless_told(run, assert_one_sentence, growth, stand_in):
    assert run("analyze", "growth.tif", *SETTINGS).exit_code == 0
    Path("growth.zarr").rename("kept.zarr")
    assert_one_sentence(run("analyze", "growth.tif", *SETTINGS), "growth_fractions.csv exists")
    Path("kept.zarr").rename("growth.zarr")
    assert run("analyze", "growth.tif", "--overwrite", "--seed", "9", *SETTINGS).exit_code == 0
    assert load_result("growth.zarr").parameters.seed == 9


def test_foreign_folder_is_never_replaced(run, assert_one_sentence, growth, no_network):
    Path("mine.zarr").mkdir()
    Path("mine.zarr/data").write_text("precious")
    done = run("analyze", "growth.tif", "-o", "mine.zarr", "--overwrite", *SETTINGS)
    assert_one_sentence(done, "mine.zarr exists and is not a result")
    assert Path("mine.zarr/data").read_text() == "precious"


@pytest.mark.usefixtures("growth", "no_network")
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--window", "49"), "A window of 49 px does not fit into frames of 48 x 80 px"),
        (("--first-frame", "4"), "the movie has the frames 0 to 3"),
        (("--output", "growth.tif/x.zarr"), "cannot be written"),
        (("--output", "result.csv"), r"must be named \.zarr"),
    ],
)
def test_bad_settings_are_one_sentence_before_a_network_is_loaded(
    run, assert_one_sentence, options, says
):
    assert_one_sentence(run("analyze", "growth.tif", *SETTINGS, *options), says)


def test_bad_files_are_one_sentence(run, assert_one_sentence, stand_in):
    Path("text.tif").write_text("this is no image")
    tifffile.imwrite("dark.tif", np.zeros((3, 40, 40), np.uint8), photometric="minisblack")
    assert_one_sentence(run("analyze", "absent.tif", *SETTINGS), "absent.tif")
    assert_one_sentence(run("analyze", "text.tif", *SETTINGS), "text.tif")
    assert_one_sentence(run("analyze", "dark.tif", *SETTINGS), "is constant or NaN")
    assert sorted(path.name for path in Path().iterdir()) == ["dark.tif", "text.tif"]


def test_out_of_range_options_are_usage_errors(run, growth, no_network):
    done = run("analyze", "growth.tif", "--stride", "0")
    assert done.exit_code == 2
    assert "Error: Invalid value for '--stride': 0 is not in the range" in done.stderr


@pytest.fixture
def ends_in_frame_2(stand_in, monkeypatch):
    """Let the network end with an exception of choice in the third frame."""

    def end_with(exception):
        classify, frames = stand_in.classify_blocks, iter(range(4))

        def classify_blocks(windows, **keywords):
            if next(frames) == 2:
                raise exception
            return classify(windows, **keywords)

        monkeypatch.setattr(stand_in, "classify_blocks", classify_blocks)

    return end_with


def test_ctrl_c_keeps_finished_frames(run, growth, ends_in_frame_2):
    ends_in_frame_2(KeyboardInterrupt())
    done = run("analyze", "growth.tif", *SETTINGS)
    assert done.exit_code == 130
    assert "2 of 4 frames are finished and kept" in done.stderr
    result = load_result("growth.zarr")
    assert result.done.tolist() == [True, True, False, False]
    assert (result.labels[:2] > 0).all()
    assert len(Path("growth_fractions.csv").read_text().splitlines()) == 3


def test_ctrl_c_before_the_first_frame_writes_nothing(run, growth, stand_in, monkeypatch):
    def interrupt(windows, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(stand_in, "classify_blocks", interrupt)
    done = run("analyze", "growth.tif", *SETTINGS)
    assert done.exit_code == 130
    assert "no frame is finished" in done.stderr
    assert [path.name for path in Path().iterdir()] == ["growth.tif"]


def test_failure_keeps_finished_frames(run, assert_one_sentence, growth, ends_in_frame_2):
    ends_in_frame_2(RuntimeError("out of memory"))
    done = run("analyze", "growth.tif", *SETTINGS)
    assert_one_sentence(done, r"frame 2: the analysis failed \(out of memory\)")
    assert load_result("growth.zarr").done.sum() == 2
