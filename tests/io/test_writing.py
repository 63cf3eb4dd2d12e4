"""What is written is read again: every array, every length and every name."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.hyperstack import Hyperstack
from napari_lattice_symmetry.io import list_datasets, read_movie, read_movies
from napari_lattice_symmetry.io.writing import write_hyperstack

FORMATS = ("run.ome.zarr", "run.ome.tif", "run.tif")
INTEGERS = ("uint8", "uint16")
LENGTHS = st.floats(1e-3, 1e3)
NAMES = st.text("abcXYZ 0123456789µÅ-", min_size=1, max_size=12).map(str.strip).filter(bool)


@st.composite
def hyperstacks(draw):
    """Images of one type and labels, of any small shape and any calibration."""
    shape = draw(hnp.array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=6))
    dtype = draw(st.sampled_from([*INTEGERS, "float32"]))
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    timed = draw(st.booleans())
    return Hyperstack(
        name="run",
        images={name: draw(hnp.arrays(dtype, shape)) for name in names},
        labels={"classes": draw(hnp.arrays("uint8", shape))},
        scale=(draw(LENGTHS) if timed else 1.0, draw(LENGTHS), draw(LENGTHS)),
        translate=tuple(draw(st.tuples(LENGTHS, LENGTHS, LENGTHS))),
        unit=draw(st.sampled_from(["nm", "pixel"])),
        timed=timed,
    )


@pytest.mark.parametrize("name", FORMATS)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stack=hyperstacks())
def test_images_come_back(tmp_path, name, stack):
    write_hyperstack(stack, tmp_path / name, overwrite=True)
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
    return Hyperstack("run", {"HAADF": frames, "BF": 255 - frames}, {"classes": labels})


@pytest.mark.parametrize("name", FORMATS)
def test_labels_come_back(tmp_path, stack, name):
    write_hyperstack(stack, tmp_path / name)
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
    alone = Hyperstack("run", labels=stack.labels)
    write_hyperstack(alone, tmp_path / name)
    (movie,) = read_movies(tmp_path / name)
    np.testing.assert_array_equal(movie.frames, stack.labels["classes"])


@pytest.mark.parametrize("name", FORMATS)
def test_lazy_images_are_written(tmp_path, stack, name):
    import dask.array as da

    images = {key: da.from_array(image, chunks=(1, 24, 32)) for key, image in stack.images.items()}
    write_hyperstack(Hyperstack("run", images), tmp_path / name)
    np.testing.assert_array_equal(
        read_movie(tmp_path / name, channel="BF").frames, stack.images["BF"]
    )


@pytest.mark.parametrize("name", FORMATS)
def test_a_failure_leaves_what_was_there(tmp_path, stack, name):
    write_hyperstack(stack, tmp_path / name)
    before = read_movies(tmp_path / name)[0].frames

    class Broken:
        shape, dtype, nbytes, ndim = stack.shape, np.dtype("u1"), 9, 3

        def __getitem__(self, index):
            raise OSError("the disk is full")

        def __iter__(self):
            raise OSError("the disk is full")

    with pytest.raises(InputError, match=f"{name} cannot be written"):
        write_hyperstack(Hyperstack("run", {"a": Broken()}), tmp_path / name, overwrite=True)
    np.testing.assert_array_equal(read_movies(tmp_path / name)[0].frames, before)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_that_is_no_zarr_is_never_replaced(tmp_path, stack):
    (tmp_path / "a.ome.zarr").mkdir()
    (tmp_path / "a.ome.zarr" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="is a folder that is no Zarr"):
        write_hyperstack(stack, tmp_path / "a.ome.zarr", overwrite=True)


def test_shapes_that_do_not_fit_together(frames):
    with pytest.raises(InputError, match="of one shape"):
        Hyperstack("run", {"a": frames, "b": frames[1:]})
    with pytest.raises(InputError, match="of one shape"):
        Hyperstack("run")


def test_a_hyperstack_that_is_too_large_for_imagej(tmp_path):
    huge = np.broadcast_to(np.uint8(0), (5000, 1000, 1000))
    with pytest.raises(InputError, match=r"too large for ImageJ; write \.ome\.tif"):
        write_hyperstack(Hyperstack("run", {"a": huge}), tmp_path / "a.tif")


def test_other_programs_read_the_ome_zarr(tmp_path, stack):
    pytest.importorskip("ome_zarr", reason="pip install ome-zarr to read with it what was written")
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    write_hyperstack(stack, tmp_path / "a.ome.zarr")
    image, _, labels = Reader(parse_url(tmp_path / "a.ome.zarr"))()
    assert image.metadata["channel_names"] == ["HAADF", "BF"]
    np.testing.assert_array_equal(image.data[0][:, 1], stack.images["BF"])
    np.testing.assert_array_equal(labels.data[0][:, 0], stack.labels["classes"])
