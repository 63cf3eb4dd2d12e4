"""Any movie in any unit, written by the library a format is known for, is read as it is."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_lattice_symmetry.io import list_datasets, read_movie

SHAPES = st.tuples(st.integers(1, 4), st.integers(2, 9), st.integers(5, 9))
DTYPES = st.sampled_from(["u1", "<u2", ">u2", "<i2", ">i4", "<f2", "<f4", ">f4", "<f8", ">f8"])
LENGTHS = {"nm": 1.0, "pm": 1e-3, "Å": 0.1, "µm": 1e3, "mm": 1e6, "m": 1e9}
UNITS = st.sampled_from([*LENGTHS, None])
SIZES = st.floats(1e-3, 1e3)
TIMES = st.none() | st.floats(1e-3, 1e3)
OME_UNITS = {"nm": "nanometer", "pm": "picometer", "Å": "angstrom", "µm": "micrometer"}
OME_UNITS |= {"mm": "millimeter", "m": "meter"}


@st.composite
def movies(draw):
    """Draw frames, NaN and infinity among them, a pixel size, its unit and a frame time."""
    frames = draw(hnp.arrays(draw(DTYPES), draw(SHAPES)))
    return frames, (draw(SIZES), draw(SIZES)), draw(UNITS), draw(TIMES)


def write_npy(path, frames, size, unit, time):
    np.save(path, frames)


def write_ome_tiff(path, frames, size, unit, time):
    facts = {"axes": "TYX"}
    if unit:
        facts |= {f"PhysicalSize{axis}": step for axis, step in zip("YX", size, strict=True)}
        facts |= {f"PhysicalSize{axis}Unit": unit for axis in "YX"}
    if time:
        facts |= {"TimeIncrement": time * 1000, "TimeIncrementUnit": "ms"}
    tifffile.imwrite(path, frames, byteorder=_order(frames), metadata=facts)


def _order(frames):
    return ">" if frames.dtype.str[0] == ">" else "<"


def write_nsid(path, frames, size, unit, time):
    with h5py.File(path, "w") as file:
        data = file.create_dataset("channel/image/image", data=frames)
        steps = (time or 1.0, *size)
        facts = [("t", "TEMPORAL", "s" if time else ""), ("y", "SPATIAL", unit or "")]
        facts.append(("x", *facts[1][1:]))
        for axis, (name, kind, units) in enumerate(facts):
            scale = file.create_dataset(f"channel/image/{name}", data=[0.0, steps[axis]])
            scale.make_scale(name)
            scale.attrs.update({"name": name, "dimension_type": kind, "units": units})
            data.dims[axis].attach_scale(scale)


def write_hyperspy(path, frames, size, unit, time):
    with h5py.File(path, "w") as file:
        signal = file.create_group("Experiments/run")
        signal["data"] = frames
        units = ("s" if time else "<undefined>", unit or "<undefined>", unit or "<undefined>")
        for axis, (step, name) in enumerate(zip((time or 1.0, *size), units, strict=True)):
            about = {"name": "tyx"[axis], "scale": -step, "units": name, "navigate": axis == 0}
            signal.create_group(f"axis-{axis}").attrs.update(about)


def write_ome_zarr(path, frames, size, unit, time):
    kinds = [("t", "time", "second" if time else None)]
    kinds += [(axis, "space", OME_UNITS.get(unit)) for axis in "yx"]
    axes = [
        {"name": name, "type": kind, **({"unit": named} if named else {})}
        for name, kind, named in kinds
    ]
    scale = [{"type": "scale", "scale": [time or 1.0, *size]}]
    levels = [{"path": "0", "coordinateTransformations": scale}]
    about = {"multiscales": [{"version": "0.4", "axes": axes, "datasets": levels}]}
    group = zarr.create_group(path, zarr_format=2, attributes=about, overwrite=True)
    group.create_array("0", data=frames)


KINDS = {
    "a.npy": write_npy,
    "a.ome.tif": write_ome_tiff,
    "a.hf5": write_nsid,
    "a.hspy": write_hyperspy,
    "a.zarr": write_ome_zarr,
}


@pytest.mark.parametrize("name", KINDS)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(movie=movies())
def test_any_movie(tmp_path, name, movie):
    frames, size, unit, time = movie
    assume(name != "a.ome.tif" or frames.dtype.str[1:] != "f2")  # OME knows no half precision
    path = tmp_path / name
    KINDS[name](path, *movie)
    bare = name == "a.npy"  # which names no axis: two alike, and a longer one, are asked about
    along = "first" if bare else None
    read = read_movie(path, dataset=list_datasets(path)[0], frames_are=along)
    np.testing.assert_array_equal(read.frames, frames)
    assert read.frames.dtype == frames.dtype.newbyteorder("=")
    if bare or unit is None:
        assert (read.unit, read.pixel_size) == ("pixel", (1.0, 1.0))
    else:
        along = [step * LENGTHS[unit] for step in size]
        if all(1e-4 <= step <= 1e5 for step in along):  # nm: what microscopes have
            assert read.unit == "nm"
            assert read.pixel_size == pytest.approx(along)
        else:
            assert (read.unit, read.pixel_size) == ("pixel", (1.0, 1.0))
            assert "which no microscope has" in read.calibration_source
    expected = None if bare or time is None else pytest.approx(time)
    assert read.frame_time == expected
