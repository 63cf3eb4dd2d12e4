"""What is written is read again: every array, every length and every name."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import list_datasets, read_layer_stack, read_movie, read_movies
from napari_lattice_symmetry.io.writing.write import write_layer_stack

FORMATS = ("run.ome.zarr", "run.ome.tif", "run.tif")
INTEGERS = ("uint8", "uint16")
LENGTHS = st.floats(1e-3, 1e3)
NAMES = st.text("abcXYZ 0123456789µÅ-", min_size=1, max_size=12).map(str.strip).filter(bool)


COLORS = st.from_regex(r"#[0-9A-F]{6}", fullmatch=True)
MEANINGS = st.dictionaries(st.integers(1, 255), st.tuples(NAMES, COLORS), max_size=4)
METADATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | NAMES,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(NAMES, parts, max_size=3),
    max_leaves=6,
)


@st.composite
def layer_stacks(draw):
    """Images of one type and labels, of any small shape, any calibration and any meaning."""
    shape = draw(hnp.array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=6))
    dtype = draw(st.sampled_from([*INTEGERS, "float32"]))
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    timed = draw(st.booleans())
    return LayerStack(
        name="run",
        images={name: draw(hnp.arrays(dtype, shape)) for name in names},
        labels={
            name: draw(hnp.arrays("uint8", shape))
            for name in ["classes", *draw(st.lists(NAMES, max_size=1))]
        },
        scale=(draw(LENGTHS) if timed else 1.0, draw(LENGTHS), draw(LENGTHS)),
        translate=tuple(draw(st.tuples(LENGTHS, LENGTHS, LENGTHS))),
        unit=draw(st.sampled_from(["nm", "pixel"])),
        timed=timed,
        values={"classes": draw(MEANINGS)},
        colors=draw(st.dictionaries(st.sampled_from(names), COLORS)),
        metadata=draw(st.dictionaries(NAMES, METADATA, max_size=3)),
    )


def assert_same(one, two):
    """Compare two layer stacks in every array and everything else."""
    for field in fields(LayerStack):
        expected, found = getattr(one, field.name), getattr(two, field.name)
        if field.name in ("images", "labels"):
            assert list(found) == list(expected)
            for name, array in expected.items():
                np.testing.assert_array_equal(found[name], array)
                assert found[name].dtype == array.dtype
        else:
            assert found == expected


@pytest.mark.parametrize("name", FORMATS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stack=layer_stacks())
def test_all_comes_back(tmp_path, name, stack):
    write_layer_stack(stack, tmp_path / name, overwrite=True)
    assert_same(stack, read_layer_stack(tmp_path / name))


@pytest.mark.parametrize("name", FORMATS)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stack=layer_stacks())
def test_images_come_back(tmp_path, name, stack):
    write_layer_stack(stack, tmp_path / name, overwrite=True)
    dataset = list_datasets(tmp_path / name)[0]
    for channel, image in stack.images.items():
        movie = read_movie(
            tmp_path / name,
            dataset=dataset,
            channel=channel if len(stack.images) > 1 or name == "run.tif" else None,
        )
        np.testing.assert_array_equal(movie.frames, image)
        assert movie.frame_time == (pytest.approx(stack.scale[0]) if stack.timed else None)
        assert movie.unit == stack.unit
        if stack.calibrated:
            assert movie.pixel_size == pytest.approx(stack.scale[1:], rel=1e-4)


@pytest.fixture
def stack(frames):
    labels = (frames % 7).astype(np.uint8)
    return LayerStack("run", {"HAADF": frames, "BF": 255 - frames}, {"classes": labels})


@pytest.mark.parametrize("name", FORMATS)
def test_labels_come_back(tmp_path, stack, name):
    write_layer_stack(stack, tmp_path / name)
    if name == "run.ome.zarr":
        labels = zarr.open_group(tmp_path / name, mode="r")["labels/classes/0"][:, 0]
    elif name == "run.ome.tif":
        labels = read_movie(tmp_path / name, dataset="classes").frames
    else:
        labels = read_movie(tmp_path / name, channel="classes").frames
    np.testing.assert_array_equal(labels, stack.labels["classes"])
    assert labels.dtype == np.uint8


@pytest.mark.parametrize("name", FORMATS)
def test_labels_alone(tmp_path, stack, name):
    alone = LayerStack("run", labels=stack.labels)
    write_layer_stack(alone, tmp_path / name)
    (movie,) = read_movies(tmp_path / name)
    np.testing.assert_array_equal(movie.frames, stack.labels["classes"])


@pytest.mark.parametrize("name", FORMATS)
def test_lazy_images_are_written(tmp_path, stack, name):
    import dask.array as da

    images = {key: da.from_array(image, chunks=(1, 24, 32)) for key, image in stack.images.items()}
    write_layer_stack(LayerStack("run", images), tmp_path / name)
    np.testing.assert_array_equal(
        read_movie(tmp_path / name, channel="BF").frames, stack.images["BF"]
    )


@pytest.mark.parametrize("name", FORMATS)
def test_a_failure_leaves_what_was_there(tmp_path, stack, name):
    write_layer_stack(stack, tmp_path / name)
    before = read_movies(tmp_path / name)[0].frames

    class Broken:
        shape, dtype, nbytes, ndim = stack.shape, np.dtype("u1"), 9, 3

        def __getitem__(self, index):
            raise OSError("the disk is full")

        def __iter__(self):
            raise OSError("the disk is full")

    with pytest.raises(InputError, match=f"{name} cannot be written"):
        write_layer_stack(LayerStack("run", {"a": Broken()}), tmp_path / name, overwrite=True)
    np.testing.assert_array_equal(read_movies(tmp_path / name)[0].frames, before)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_too_large_for_memory_comes_back_lazily(tmp_path, stack, little_memory, name):
    write_layer_stack(stack, tmp_path / name)
    again = read_layer_stack(tmp_path / name)
    assert again.labels["classes"].chunks == ((1,) * 5, (24,), (32,))
    assert_same(stack, again)


@pytest.mark.parametrize("name", FORMATS)
def test_labels_alone_come_back(tmp_path, stack, name):
    alone = LayerStack("run", labels=stack.labels)
    write_layer_stack(alone, tmp_path / name)
    assert_same(alone, read_layer_stack(tmp_path / name))


def test_types_that_imagej_does_not_know_come_back(tmp_path, frames):
    mixed = {"mask": frames > 9, "counts": frames.astype("int16"), "half": frames.astype("f2")}
    stack = LayerStack("run", mixed, {"cells": frames.astype("int32") * 1000})
    write_layer_stack(stack, tmp_path / "run.tif")
    assert_same(stack, read_layer_stack(tmp_path / "run.tif"))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"])
def test_every_type_comes_back(tmp_path, frames, name, dtype):
    values = (frames.astype(int) - 120 * (dtype[0] == "i")).astype(dtype)
    kept = {"labels" if dtype[0] in "iu" else "images": {"a": values}}
    stack = LayerStack("run", **kept)
    write_layer_stack(stack, tmp_path / name)
    assert_same(stack, read_layer_stack(tmp_path / name))


@pytest.mark.parametrize(
    ("dtype", "extremes", "written"),
    [
        ("i8", [0, 255], "u1"),
        ("u8", [0, 70_000], "u4"),
        ("i8", [-1, 200], "i2"),
        ("f2", [0.5, 9.5], "f4"),
    ],
)
def test_types_that_ome_does_not_know_are_written_in_another(tmp_path, dtype, extremes, written):
    values = np.resize(np.array(extremes, dtype), (2, 3, 4))
    write_layer_stack(LayerStack("run", {"a": values}), tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as tif:
        assert tif.series[0].dtype == np.dtype(written)
        np.testing.assert_array_equal(np.squeeze(tif.asarray()), values)


@pytest.mark.parametrize("extremes", [[0, 2**32], [-1, 2**31], [-(2**31) - 1, 0]])
def test_numbers_that_ome_tiff_cannot_hold_are_refused(tmp_path, extremes):
    stack = LayerStack("run", labels={"cells": np.resize(np.array(extremes), (2, 3, 4))})
    with pytest.raises(
        InputError, match=r"'cells' holds whole numbers .* write \.ome\.zarr instead"
    ):
        write_layer_stack(stack, tmp_path / "a.ome.tif")
    assert not list(tmp_path.iterdir())
    write_layer_stack(stack, tmp_path / "a.ome.zarr")
    assert_same(stack, read_layer_stack(tmp_path / "a.ome.zarr"))


def test_large_numbers_beside_floating_point(tmp_path, frames):
    stack = LayerStack("run", {"a": frames.astype("f4"), "b": frames.astype("i4") + 2**24 + 1})
    write_layer_stack(stack, tmp_path / "a.ome.tif")
    assert_same(stack, read_layer_stack(tmp_path / "a.ome.tif"))


ODD_NAMES = [
    "../x",
    "..",
    "",
    " ",
    "/",
    "a/b",
    "a\\b",
    "zarr.json",
    "c:d",
    "é" * 300,
    "a\0b",
    "\x01",
]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("odd", ODD_NAMES)
def test_layers_of_any_name(tmp_path, frames, name, odd):
    labels = {each: frames % n for n, each in enumerate((odd, "grains", "Grains", "grains 2"), 2)}
    stack = LayerStack(odd, {odd: frames}, labels)
    (tmp_path / "here").mkdir()
    write_layer_stack(stack, tmp_path / "here" / name)
    assert_same(stack, read_layer_stack(tmp_path / "here" / name))
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    if name == "run.ome.zarr":
        groups = [*zarr.open_group(tmp_path / "here" / name, mode="r")["labels"].group_keys()]
        assert len({group.casefold() for group in groups}) == 4


def test_numbers_that_imagej_cannot_hold_are_refused(tmp_path, frames):
    stack = LayerStack("run", {"a": frames}, {"cells": frames.astype("int32") + 2**24})
    with pytest.raises(InputError, match=r"beyond 16,777,216 cannot .*write \.ome\.tif"):
        write_layer_stack(stack, tmp_path / "run.tif")
    assert not list(tmp_path.iterdir())


def test_what_others_wrote_is_no_hyperstack_of_ours(tmp_path, frames):
    tifffile.imwrite(tmp_path / "a.tif", frames, imagej=True, metadata={"Info": "by hand"})
    tifffile.imwrite(tmp_path / "a.ome.tif", frames, metadata={"Description": "{}"})
    np.save(tmp_path / "a.npy", frames)
    for name in ("a.tif", "a.ome.tif", "a.npy"):
        assert read_layer_stack(tmp_path / name) is None


def test_a_new_calibration_counts_for_more_than_ours(tmp_path, frames):
    stack = LayerStack("run", {"a": frames}, unit="nm", scale=(1.0, 0.02, 0.02))
    write_layer_stack(stack, tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as tif:
        tif.pages[0].tags["XResolution"].overwrite((25, 1))
    assert read_layer_stack(tmp_path / "a.tif") is None
    assert read_movie(tmp_path / "a.tif").pixel_size == pytest.approx((0.02, 0.04))


def test_a_file_of_which_others_took_a_part_is_no_hyperstack(tmp_path, stack):
    write_layer_stack(stack, tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        notes = tif.imagej_metadata["Info"]
    tifffile.imwrite(
        tmp_path / "b.tif", stack.images["BF"], imagej=True, metadata={"axes": "TYX", "Info": notes}
    )
    assert read_layer_stack(tmp_path / "b.tif") is None
    np.testing.assert_array_equal(read_movie(tmp_path / "b.tif").frames, stack.images["BF"])


def test_arrays_that_are_no_longer_there_are_missed(tmp_path, stack):
    write_layer_stack(stack, tmp_path / "a.ome.zarr")
    attributes = json.loads((tmp_path / "a.ome.zarr/labels/zarr.json").read_text())
    attributes["attributes"]["ome"]["labels"] = []
    (tmp_path / "a.ome.zarr/labels/zarr.json").write_text(json.dumps(attributes))
    assert read_layer_stack(tmp_path / "a.ome.zarr") is None


def test_a_folder_that_is_no_zarr_is_never_replaced(tmp_path, stack):
    (tmp_path / "a.ome.zarr").mkdir()
    (tmp_path / "a.ome.zarr" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="exists and is not a file or a Zarr folder"):
        write_layer_stack(stack, tmp_path / "a.ome.zarr", overwrite=True)


def test_shapes_that_do_not_fit_together(frames):
    with pytest.raises(InputError, match="of one shape"):
        LayerStack("run", {"a": frames, "b": frames[1:]})
    with pytest.raises(InputError, match="of one shape"):
        LayerStack("run")


def test_a_hyperstack_that_is_too_large_for_imagej(tmp_path):
    huge = np.broadcast_to(np.uint8(0), (5000, 1000, 1000))
    with pytest.raises(InputError, match=r"too large for ImageJ; write \.ome\.tif"):
        write_layer_stack(LayerStack("run", {"a": huge}), tmp_path / "a.tif")


def test_other_programs_read_the_ome_zarr(tmp_path, stack):
    pytest.importorskip("ome_zarr", reason="`make test-ome-zarr` reads what was written with it")
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    write_layer_stack(stack, tmp_path / "a.ome.zarr")
    image, _, labels = Reader(parse_url(tmp_path / "a.ome.zarr"))()
    assert image.metadata["channel_names"] == ["HAADF", "BF"]
    np.testing.assert_array_equal(image.data[0][:, 1], stack.images["BF"])
    np.testing.assert_array_equal(labels.data[0][:, 0], stack.labels["classes"])
