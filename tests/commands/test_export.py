from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
import zarr
from click.testing import CliRunner
from PIL import Image
from pyarrow import parquet

from napari_lattice_symmetry import cli
from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_layer_stack, read_movie, read_movies
from napari_lattice_symmetry.io.writing.write import write_layer_stack
from napari_lattice_symmetry.lattice import CLASSES, COLORS
from napari_lattice_symmetry.results import plot_maps
from napari_lattice_symmetry.results.export import layer_stack_result, result_layer_stack
from napari_lattice_symmetry.results.plots import save_figure

SPREADS = [f"{name} (spread)" for name in CLASSES]
CHANNELS = [*CLASSES, *SPREADS, "predictive entropy", "mutual information"]
FORMATS = ("again.ome.zarr", "again.ome.tif", "again.tif")


PARAMETERS = AnalysisParameters(
    window=32, stride=8, samples=3, first_frame=1, last_frame=3, frame_step=2
)


@pytest.fixture
def movie(tmp_path, monkeypatch):
    """Four frames, with pixels that are missing."""
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).normal(20, 15, (4, 48, 80)).astype(np.float32)
    frames[1, :, :40] = np.nan
    return Movie(frames, name="run", pixel_size=(0.02, 0.01), unit="nm", frame_time=0.5)


@pytest.fixture
def result(movie, fake_model):
    """A saved result, run.zarr, of frames 1 and 3, with windows that are missing."""
    result = analyze(movie, PARAMETERS, model=fake_model)
    result.save("run.zarr")
    return result


def export(*arguments):
    return CliRunner().invoke(cli.main, ["export", "run.zarr", *arguments])


def test_geometry_of_the_maps(result):
    stack = result_layer_stack(result)
    assert list(stack.images) == CHANNELS
    assert stack.scale == pytest.approx((1.0, 0.16, 0.08))
    assert stack.translate == pytest.approx((0.5, 0.02 * 15.5, 0.01 * 15.5))
    assert stack.values["classes"][4] == ("hexagonal", COLORS["hexagonal"])


def assert_same(one, two):
    """Compare two results in every array and everything else."""
    assert list(one.maps) == list(two.maps)
    for name in [*one.maps, *vars(one)]:
        expected, found = getattr(one, name), getattr(two, name)
        if hasattr(expected, "dtype"):
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)
        elif name == "grid":
            assert vars(found) == vars(expected)
        elif name != "maps":
            assert found == expected, name


MORE_MAPS = {
    "classes alone": {},
    "lattices": {"lattice_maps": True, "plane_groups": True, "tolerance": 0.02},
    "distortion": {"distortion": ((1.05, 0.1), (0.0, 1.0)), "lattice_maps": True},
}


@pytest.mark.parametrize("more", MORE_MAPS.values(), ids=MORE_MAPS)
@pytest.mark.parametrize("name", FORMATS)
def test_a_result_comes_back(movie, fake_model, name, more):
    result = analyze(movie, PARAMETERS.model_copy(update=more), model=fake_model)
    result.state[1], result.fractions[1] = 0, np.nan  # as if it had been stopped
    write_layer_stack(result_layer_stack(result), name)
    assert_same(result, layer_stack_result(read_layer_stack(name)))


@pytest.mark.parametrize("name", FORMATS)
def test_what_was_exported_can_be_exported_again(result, name):
    assert export("--to", name).exit_code == 0
    again = CliRunner().invoke(cli.main, ["export", name, "--to", "a.csv", "--to", "a.svg"])
    assert again.exit_code == 0, again.output
    assert export("--to", "b.csv").exit_code == 0
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    info = CliRunner().invoke(cli.main, ["info", name])
    assert "2 of 2 finished" in info.output


def test_other_images_are_no_result(movie):
    write_layer_stack(LayerStack("run", {"a": movie.frames}), "a.tif")
    assert layer_stack_result(read_layer_stack("a.tif")) is None
    done = CliRunner().invoke(cli.main, ["export", "a.tif", "--to", "a.csv"])
    assert done.exit_code == 1
    assert "a.tif is not a saved result" in done.stderr


def test_a_result_of_which_a_map_is_missing(result):
    stack = result_layer_stack(result)
    images = {name: image for name, image in stack.images.items() if name != "hexagonal"}
    with pytest.raises(InputError, match="run is damaged"):
        layer_stack_result(replace(stack, images=images))


def test_ome_zarr_holds_maps_labels_and_origin(result):
    done = export("--to", "out/run.ome.zarr")
    assert done.exit_code == 0, done.output
    movies = {movie.name: movie for movie in read_movies("out/run.ome.zarr")}
    assert len(movies) == len(CHANNELS)
    hexagonal = movies["run hexagonal"]
    np.testing.assert_array_equal(hexagonal.frames, result.mean[3])
    assert hexagonal.pixel_size == pytest.approx((0.16, 0.08))
    assert hexagonal.frame_time == pytest.approx(1.0)
    group = zarr.open_group("out/run.ome.zarr", mode="r")
    np.testing.assert_array_equal(group["labels/classes/0"][:, 0], result.labels)
    about = group["labels/classes"].attrs["ome"]["image-label"]
    assert [entry["class"] for entry in about["properties"]] == list(CLASSES)
    assert about["colors"][0] == {"label-value": 1, "rgba": [0, 0x72, 0xB2, 255]}
    origin = group.attrs["napari-lattice-symmetry"]
    assert origin["parameters"] == result.parameters.model_dump(mode="json")
    assert origin["provenance"] == result.provenance


def test_ome_tiff_holds_maps_and_labels(result):
    assert export("--to", "run.ome.tif").exit_code == 0
    with tifffile.TiffFile("run.ome.tif") as tif:
        maps, labels = (series.asarray() for series in tif.series)
        xml = ElementTree.fromstring(tif.ome_metadata)
    expected = np.stack(
        [*result.mean, *result.std, result.entropy, result.mutual_information], axis=1
    )
    np.testing.assert_array_equal(maps, expected)
    np.testing.assert_array_equal(labels, result.labels)
    assert labels.dtype == np.uint8
    assert [node.get("Name") for node in xml.iter() if node.tag.endswith("Channel")][
        :-1
    ] == CHANNELS
    pixels = next(node for node in xml.iter() if node.tag.endswith("Pixels"))
    facts = {key: pixels.get(key) for key in ("PhysicalSizeX", "PhysicalSizeXUnit")}
    assert facts == {"PhysicalSizeX": "0.08", "PhysicalSizeXUnit": "nm"}
    plane = next(node for node in xml.iter() if node.tag.endswith("Plane"))
    assert float(plane.get("PositionX")) == pytest.approx(0.01 * 15.5)
    description = next(node for node in xml.iter() if node.tag.endswith("Description"))
    assert json.loads(description.text)["provenance"] == result.provenance
    movie = read_movie("run.ome.tif", dataset="run", channel="square")
    np.testing.assert_array_equal(movie.frames, result.mean[0])
    assert (movie.unit, movie.frame_time) == ("nm", pytest.approx(1.0))


def test_imagej_opens_a_hyperstack(result):
    assert export("--to", "run.tif").exit_code == 0
    with tifffile.TiffFile("run.tif") as tif:
        assert tif.is_imagej
        values, facts = tif.asarray(), tif.imagej_metadata
    np.testing.assert_array_equal(values[:, 0], result.labels)
    np.testing.assert_array_equal(values[:, 4], result.mean[3])
    assert facts["Labels"][: len(CHANNELS) + 1] == ["classes", *CHANNELS]
    assert (facts["unit"], facts["finterval"]) == ("nm", 1.0)
    assert json.loads(facts["Info"])["provenance"] == result.provenance
    movie = read_movie("run.tif", channel="hexagonal")
    np.testing.assert_array_equal(movie.frames, result.mean[3])
    assert movie.pixel_size == pytest.approx((0.16, 0.08))


def test_tables_and_figures(result):
    names = ["run.csv", "run.parquet", "run.png", "run.svg"]
    done = export(*(part for name in names for part in ("--to", name)))
    assert done.exit_code == 0, done.output
    table = parquet.read_table("run.parquet")
    assert table["frame"].to_pylist() == [1, 3]
    assert table["time_s"].to_pylist() == [0.5, 1.5]
    assert table["hexagonal"].to_pylist() == result.fractions[:, 3].tolist()
    assert json.loads(table.schema.metadata[b"provenance"]) == result.provenance
    assert Path("run.csv").read_text().count("\n") == 3
    assert Path("run.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in Path("run.svg").read_text()


def test_maps_of_one_frame(result):
    assert export("--to", "maps.svg", "--frame", "3").exit_code == 0
    assert "<svg" in Path("maps.svg").read_text()
    done = export("--to", "other.svg", "--frame", "2")
    assert done.exit_code == 1
    assert "Frame 2 was not analyzed" in done.stderr


@contextmanager
def no_room():
    """Let no file get longer than 64 bytes, as on a disk that is full."""
    resource = pytest.importorskip("resource", reason="only POSIX limits files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.svg", "film.gif", "film.mp4", *FORMATS])
def test_a_disk_that_gets_full_is_told_and_leaves_what_was_there(result, tmp_path, name):
    assert export("--to", name).exit_code == 0
    before = sorted(tmp_path.rglob("*"))
    with no_room():
        done = export("--to", name, "--overwrite")
    assert done.exit_code == 1
    assert re.fullmatch(
        f"Error: {name} cannot be written \\(.*\\); choose .*\\.", done.stderr.strip()
    )
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("name", "shown"), [("film.gif", 0.2), ("film.mp4", 0.2)])
def test_a_film_of_the_maps(result, name, shown):
    done = export("--to", name)
    assert done.exit_code == 0, done.output
    film = read_movie(name)
    assert film.frame_time == pytest.approx(shown)
    still = save_still(result, 1)
    assert film.frames.shape == (2, *still.shape)
    assert np.abs(np.asarray(film.frames[1], float) - still).mean() < 6
    figure = plot_maps(result, 1)
    assert figure.get_suptitle() == "run, frame 3, 1.5 s"


def save_still(result, position):
    """Give the gray values of a figure of the maps, as a film shows it."""
    save_figure(plot_maps(result, position), Path("still.png"), dpi=100)
    return np.asarray(Image.open("still.png").convert("L"), float)


@pytest.mark.parametrize("name", ["run.ome.zarr", "run.ome.tif", "run.tif", "run.csv", "run.png"])
def test_nothing_is_replaced_unasked(result, name):
    assert export("--to", name).exit_code == 0
    done = export("--to", name)
    assert done.exit_code == 1
    assert f"{name} exists" in done.stderr
    assert export("--to", name, "--overwrite").exit_code == 0


def test_an_unknown_ending_names_the_known_ones(result):
    done = export("--to", "run.docx")
    assert done.exit_code == 1
    assert ".ome.zarr" in done.stderr
