from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from napari_lattice_symmetry import cli
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.lattice import CLASSES, simulate
from napari_lattice_symmetry.results import load_result

SETTINGS = ("--window", "32", "--stride", "16", "--samples", "3")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stand_in(monkeypatch, fake_model):
    """Let commands load the stand-in network."""
    monkeypatch.setattr(cli, "load_model", lambda network: fake_model)
    return fake_model


@pytest.fixture
def no_network(monkeypatch):
    """Let loading a network fail the test: commands must refuse before that."""
    monkeypatch.setattr(cli, "load_model", lambda network: pytest.fail("a network was loaded"))


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


def run(*arguments):
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def assert_one_sentence(done, says):
    assert done.exit_code == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert re.search(says, errors[0])
    assert done.stderr.endswith(errors[0] + "\n")
    assert "Traceback" not in done.stderr


def test_every_parameter_is_an_option():
    told = " ".join(run("analyze", "--help").stdout.split())
    for name in AnalysisParameters.model_fields:
        assert f"--{name.replace('_', '-')} " in told
    assert "[default: 128; 32<=x<=4096]" in told


def test_options_become_parameters(growth, stand_in):
    values = {
        "window": 40,
        "stride": 8,
        "samples": 2,
        "network": "published",
        "seed": 5,
        "first_frame": 1,
        "last_frame": 3,
        "frame_step": 2,
        "distortion": ((1.0, 0.1), (0.0, 1.0)),
        "lattice_maps": True,
        "tolerance": 0.03,
    }
    assert set(values) == set(AnalysisParameters.model_fields)
    given = {**values, "distortion": (1.0, 0.1, 0.0, 1.0), "lattice_maps": ()}
    options = []
    for name, value in given.items():
        parts = value if isinstance(value, tuple) else (value,)
        options += [f"--{name.replace('_', '-')}", *parts]
    done = run("analyze", "growth.tif", *options)
    assert done.exit_code == 0, done.output
    assert load_result("growth.zarr").parameters == AnalysisParameters(**values)


def test_analyze_writes_result_table_and_figures(growth, stand_in):
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


def test_analyze_prints_the_phase_table_and_shows_progress(growth, stand_in):
    done = run("analyze", "growth.tif", "--no-plots", *SETTINGS)
    assert "frame 0" in done.stdout
    assert "frame 3" in done.stdout
    result = load_result("growth.zarr")
    for k, name in enumerate(CLASSES):
        (line,) = (line for line in done.stdout.splitlines() if line.startswith(name + " "))
        for t in (0, 3):
            assert f"{result.fractions[t, k]:.3f} ± {result.fractions_std[t, k]:.3f}" in line
    assert "4 of 4 frames, 32 windows in" in done.stdout
    assert "32/32" in done.stderr
    assert not list(Path().glob("*.png"))


def test_older_output_is_kept_unless_told(growth, stand_in):
    assert run("analyze", "growth.tif", *SETTINGS).exit_code == 0
    Path("growth.zarr").rename("kept.zarr")
    assert_one_sentence(run("analyze", "growth.tif", *SETTINGS), "growth_fractions.csv exists")
    Path("kept.zarr").rename("growth.zarr")
    assert run("analyze", "growth.tif", "--overwrite", "--seed", "9", *SETTINGS).exit_code == 0
    assert load_result("growth.zarr").parameters.seed == 9


def test_foreign_folder_is_never_replaced(growth, no_network):
    Path("mine.zarr").mkdir()
    Path("mine.zarr/data").write_text("precious")
    done = run("analyze", "growth.tif", "-o", "mine.zarr", "--overwrite", *SETTINGS)
    assert_one_sentence(done, "mine.zarr exists and is not a result")
    assert Path("mine.zarr/data").read_text() == "precious"


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
    growth, no_network, options, says
):
    assert_one_sentence(run("analyze", "growth.tif", *SETTINGS, *options), says)


def test_bad_files_are_one_sentence(stand_in):
    Path("text.tif").write_text("this is no image")
    tifffile.imwrite("dark.tif", np.zeros((3, 40, 40), np.uint8), photometric="minisblack")
    assert_one_sentence(run("analyze", "absent.tif", *SETTINGS), "absent.tif")
    assert_one_sentence(run("analyze", "text.tif", *SETTINGS), "text.tif")
    assert_one_sentence(run("analyze", "dark.tif", *SETTINGS), "is constant or NaN")
    assert sorted(path.name for path in Path().iterdir()) == ["dark.tif", "text.tif"]


def test_out_of_range_options_are_usage_errors(growth, no_network):
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


def test_ctrl_c_keeps_finished_frames(growth, ends_in_frame_2):
    ends_in_frame_2(KeyboardInterrupt())
    done = run("analyze", "growth.tif", *SETTINGS)
    assert done.exit_code == 130
    assert "2 of 4 frames are finished and kept" in done.stderr
    result = load_result("growth.zarr")
    assert result.done.tolist() == [True, True, False, False]
    assert (result.labels[:2] > 0).all()
    assert len(Path("growth_fractions.csv").read_text().splitlines()) == 3


def test_ctrl_c_before_the_first_frame_writes_nothing(growth, stand_in, monkeypatch):
    def interrupt(windows, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(stand_in, "classify_blocks", interrupt)
    done = run("analyze", "growth.tif", *SETTINGS)
    assert done.exit_code == 130
    assert "no frame is finished" in done.stderr
    assert [path.name for path in Path().iterdir()] == ["growth.tif"]


def test_failure_keeps_finished_frames(growth, ends_in_frame_2):
    ends_in_frame_2(RuntimeError("out of memory"))
    done = run("analyze", "growth.tif", *SETTINGS)
    assert_one_sentence(done, r"frame 2: the analysis failed \(out of memory\)")
    assert load_result("growth.zarr").done.sum() == 2


def test_simulate_writes_a_calibrated_movie_with_its_truth():
    done = run("simulate", "square-to-hexagonal", "-o", "turn.tif", "--seed", "4", "--frames", "3")
    assert done.exit_code == 0, done.output
    expected = simulate("square-to-hexagonal", seed=4, frames=3)
    movie = read_movie(Path("turn.tif"))
    np.testing.assert_array_equal(np.asarray(movie.frames), np.asarray(expected.movie.frames))
    assert movie.pixel_size == pytest.approx(expected.movie.pixel_size, rel=1e-4)
    assert (movie.unit, movie.frame_time) == ("nm", pytest.approx(expected.movie.frame_time))
    np.testing.assert_array_equal(tifffile.imread("turn_classes.tif"), expected.classes)
    assert json.loads(Path("turn_parameters.json").read_text()) == expected.parameters


def test_simulate_replaces_only_if_told():
    Path("two_classes.tif").write_text("mine")
    done = run("simulate", "two-grains", "-o", "two.tif")
    assert_one_sentence(done, "two_classes.tif exists")
    assert not Path("two.tif").exists()
    assert Path("two_classes.tif").read_text() == "mine"


@pytest.fixture
def training(monkeypatch):
    """Note the calls of the training instead of training."""
    module = SimpleNamespace(calls=[], outcome=None)

    def train(network, output, **settings):
        module.calls.append((network, output, settings))
        if module.outcome:
            raise module.outcome
        return output / f"{network}.keras"

    module.train = train
    monkeypatch.setitem(sys.modules, "napari_lattice_symmetry.bravais.training", module)
    return module


def test_train_hands_its_options_on(training):
    done = run("train", "polar", "-o", "here", "--windows", "640", "--epochs", "2", "--seed", "7")
    assert done.exit_code == 0, done.output
    settings = {"start": None, "windows": 640, "epochs": 2, "seed": 7, "workers": None}
    assert training.calls == [("polar", Path("here"), settings)]
    assert "Wrote here/polar.keras." in done.stdout


@pytest.mark.parametrize(
    ("outcome", "status", "says"),
    [
        (KeyboardInterrupt(), 130, "the same command goes on"),
        (InputError("other settings"), 1, "Error: other settings"),
        (PermissionError(13, "Permission denied"), 1, "cannot be written"),
    ],
)
def test_train_that_ends_early_says_so(training, outcome, status, says):
    training.outcome = outcome
    done = run("train", "published")
    assert done.exit_code == status
    assert says in done.stderr


def test_info_names_versions_and_networks():
    done = run("info")
    assert done.exit_code == 0, done.output
    assert f"numpy: {np.__version__}" in done.stdout
    assert re.search(r"polar:(.|\n)*sha256: [0-9a-f]{64}", done.stdout)


def test_info_measures_the_period_of_a_file():
    y, x = np.mgrid[:256, :256]
    wave = np.cos(2 * np.pi * x / 16) + np.cos(2 * np.pi * y / 16)
    np.save("lattice.npy", wave.astype(np.float32)[None])
    told = run("info", "lattice.npy").stdout
    assert "shape: 1 x 256 x 256 (frames, px, px)" in told
    assert "dtype: float32" in told
    period = float(re.search(r"lattice period: ([\d.]+) px", told)[1])
    assert period == pytest.approx(16, rel=0.03)
    assert "128 px, 8.0 periods" in told
    assert re.search(r"suggested window: (152|160|168) px", told)


def test_info_says_where_no_lattice_is():
    np.save("noise.npy", np.random.default_rng(0).normal(size=(256, 256)))
    assert "lattice period: none found" in run("info", "noise.npy").stdout


def test_info_tells_how_a_result_was_made(growth, stand_in):
    run("analyze", "growth.tif", "--seed", "9", *SETTINGS)
    told = run("info", "growth.zarr").stdout
    assert "4 of 4 finished" in told
    assert "seed: 9" in told
    assert stand_in.sha256 in told
