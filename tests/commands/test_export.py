from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
import zarr
from click.testing import CliRunner
from pyarrow import parquet

from napari_lattice_symmetry import cli
from napari_lattice_symmetry.analysis import AnalysisParameters, analyze
from napari_lattice_symmetry.analysis.export import result_hyperstack
from napari_lattice_symmetry.io import read_movie, read_movies
from napari_lattice_symmetry.lattice import CLASSES, COLOURS
from napari_lattice_symmetry.movie import Movie

CHANNELS = [*CLASSES, "predictive entropy", "mutual information"]


@pytest.fixture
def result(tmp_path, monkeypatch, fake_model):
    """A saved result, run.zarr, of frames 1 and 3 of a movie, with windows that are missing."""
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).normal(20, 15, (4, 48, 80)).astype(np.float32)
    frames[1, :, :40] = np.nan
    movie = Movie(frames, name="run", pixel_size=(0.02, 0.01), unit="nm", frame_time=0.5)
    parameters = AnalysisParameters(
        window=32, stride=8, samples=3, first_frame=1, last_frame=3, frame_step=2
    )
    result = analyze(movie, parameters, model=fake_model)
    result.save("run.zarr")
    return result


def export(*arguments):
    return CliRunner().invoke(cli.main, ["export", "run.zarr", *arguments])


def test_geometry_of_the_maps(result):
    stack = result_hyperstack(result)
    assert list(stack.images) == CHANNELS
    assert stack.scale == pytest.approx((1.0, 0.16, 0.08))
    assert stack.translate == pytest.approx((0.5, 0.02 * 15.5, 0.01 * 15.5))
    assert stack.values[4] == ("hexagonal", COLOURS["hexagonal"])


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
    expected = np.stack([*result.mean, result.entropy, result.mutual_information], axis=1)
    np.testing.assert_array_equal(maps, expected)
    np.testing.assert_array_equal(labels, result.labels)
    assert labels.dtype == np.uint8
    assert [node.get("Name") for node in xml.iter() if node.tag.endswith("Channel")][:8] == CHANNELS
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
    assert facts["Labels"][:9] == ["classes", *CHANNELS]
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
    assert "Frame 2 was not analysed" in done.stderr


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
