"""Made files of scanning probe microscopes, in formats that are plain enough to be made."""

from __future__ import annotations

import os
import struct
import time
import tracemalloc

import numpy as np
import pytest
from made_files import (
    gwy_object,
    write_gsf,
    write_gwy,
    write_ibw,
    write_iso28600,
    write_nid,
    write_sm4,
    write_sxm,
    write_wsxm,
)

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import list_datasets, read_movie


def test_nanonis_scan(tmp_path, frames):
    channels = [("Z", "both", frames[:2]), ("Current", "forward", frames[2])]
    path = write_sxm(tmp_path / "a.sxm", channels)
    assert list_datasets(path) == ["Z forward", "Z backward", "Current forward"]
    movie = read_movie(path, dataset="Z forward")
    np.testing.assert_array_equal(movie.frames[0], frames[0])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))
    assert movie.metadata["COMMENT"] == "two lines\n:of it"
    backward = read_movie(path, dataset="Z backward").frames[0]
    np.testing.assert_array_equal(backward, frames[1][:, ::-1])
    current = read_movie(path, dataset="Current forward").frames[0]
    np.testing.assert_array_equal(current, frames[2])


def test_nanonis_scan_from_below_with_missing_lines(tmp_path, frames):
    image = frames[0].astype(float)
    image[:5] = np.nan
    movie = read_movie(write_sxm(tmp_path / "a.sxm", [("Z", "forward", image)], "up"))
    np.testing.assert_array_equal(movie.frames[0], image[::-1])


@pytest.mark.parametrize("title", ["a", "ab", "abc", "abcd"])
def test_gwyddion_simple_field(tmp_path, frames, title):
    facts = {"XReal": 6.4e-10, "YReal": 7.2e-10, "XYUnits": "m", "Title": title}
    movie = read_movie(write_gsf(tmp_path / "a.gsf", frames[0], **facts), dataset=title)
    np.testing.assert_array_equal(movie.frames[0], frames[0])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))


def test_a_field_without_lengths_is_uncalibrated(tmp_path, frames):
    movie = read_movie(write_gsf(tmp_path / "a.gsf", frames[0]))
    assert (movie.unit, movie.calibration_source) == ("pixel", None)


def test_a_field_that_claims_ten_terabytes(tmp_path):
    path = write_gsf(tmp_path / "a.gsf", np.zeros((2, 2)), XRes=1_000_000, YRes=2_500_000)
    with pytest.raises(InputError, match=r"^a\.gsf is damaged or truncated"):
        read_movie(path)


@pytest.mark.parametrize(
    ("facts", "pixel_size"),
    [
        ({"XReal": 0.64, "YReal": 0.72}, (1, 1)),
        ({"XReal": 6.4e-10, "XYUnits": "m"}, (0.02, 0.02)),
        ({"XReal": -0.64, "YReal": 720, "XYUnits": "nm"}, (30, 0.02)),
        ({"XReal": "nan", "YReal": 1, "XYUnits": "nm"}, (1, 1)),
    ],
)
def test_a_field_that_leaves_something_out(tmp_path, frames, facts, pixel_size):
    movie = read_movie(write_gsf(tmp_path / "a.gsf", frames[0], **facts))
    assert movie.pixel_size == pytest.approx(pixel_size)


@pytest.mark.parametrize("dtype", ["<f4", "<i2"])
def test_igor_image(tmp_path, frames, dtype):
    pytest.importorskip("igor2", reason="install the extra 'spm'")
    movie = read_movie(write_ibw(tmp_path / "a.ibw", frames[0].T.astype(dtype)))
    np.testing.assert_array_equal(movie.frames[0], frames[0][::-1])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))
    assert movie.metadata["wave_header"]["sfA"][:2] == [2e-11, 3e-11]


def test_igor_layers_without_names(tmp_path, frames):
    pytest.importorskip("igor2", reason="install the extra 'spm'")
    path = write_ibw(tmp_path / "a.ibw", frames.transpose(2, 1, 0).astype("<f4"))
    assert list_datasets(path) == [f"layer {number}" for number in range(5)]
    movie = read_movie(path, dataset="layer 3")
    np.testing.assert_array_equal(movie.frames[0], frames[3][::-1])


@pytest.mark.parametrize("size", [-1, 2**31 - 1])
def test_igor_texts_that_cannot_be_are_refused_at_once(tmp_path, frames, size):
    pytest.importorskip("igor2", reason="install the extra 'spm'")
    path = write_ibw(tmp_path / "a.ibw", frames[0].T.astype("<f4"))
    content = bytearray(path.read_bytes())
    struct.pack_into("<i", content, 24, size)
    path.write_bytes(content)
    began = time.process_time()
    with pytest.raises(InputError, match=r"^a\.ibw is damaged or truncated: its header declares"):
        read_movie(path)
    assert time.process_time() - began < 1


def test_igor_curve_is_refused(tmp_path):
    """A wave of Igor Pro before 3, which always is a curve."""
    pytest.importorskip("igor2", reason="install the extra 'spm'")
    values = np.arange(50, dtype="<f4")
    wave = bytearray(110)
    struct.pack_into("<h", wave, 0, 2)
    struct.pack_into("<I", wave, 42, values.size)
    head = bytearray(struct.pack("<hiii", 2, 126 + values.nbytes, 0, 0) + bytes(2))
    total = int(np.frombuffer(bytes(head + wave), "<u2").sum(dtype=np.int64))
    struct.pack_into("<H", head, 14, -total % 2**16)
    (tmp_path / "a.ibw").write_bytes(bytes(head + wave) + values.tobytes() + bytes(16))
    with pytest.raises(InputError, match=r"a\.ibw holds spectra"):
        read_movie(tmp_path / "a.ibw")


@pytest.mark.parametrize(("kind", "dtype"), [("short", "<i2"), ("double", "<f8")])
def test_wsxm_starts_with_the_last_pixel(tmp_path, frames, kind, dtype):
    movie = read_movie(write_wsxm(tmp_path / "a.top", frames[0].astype(dtype), kind))
    np.testing.assert_array_equal(movie.frames[0], frames[0][::-1, ::-1])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))


def test_wsxm_of_an_unknown_type(tmp_path, frames):
    with pytest.raises(InputError, match=r"a\.top holds 'quaternion' values"):
        read_movie(write_wsxm(tmp_path / "a.top", frames[0], "quaternion"))


def test_nanosurf_scan(tmp_path, frames):
    path = write_nid(tmp_path / "a.nid", frames[:2].astype("<i2"), Operator="AB")
    assert list_datasets(path) == ["Z-Axis Scan forward", "Z-Axis Scan forward 2"]
    movie = read_movie(path, dataset="Z-Axis Scan forward 2")
    np.testing.assert_array_equal(movie.frames[0], frames[1][::-1])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))
    assert movie.metadata["DataSet"]["Version"] == "2"
    assert movie.metadata[movie.metadata["channel"]]["Operator"] == "AB"


def test_nanosurf_spectra_are_refused(tmp_path, frames):
    path = write_nid(tmp_path / "a.nid", frames[:1].astype("<i2"), Dim0Unit="V", Dim0Name="Bias")
    with pytest.raises(InputError, match=r"a\.nid holds spectra \(along Bias\)"):
        read_movie(path)


def test_iso28600_image(tmp_path, frames):
    movie = read_movie(write_iso28600(tmp_path / "a.spm", frames[:1], ["Z"]))
    np.testing.assert_array_equal(movie.frames, frames[:1])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))


def test_iso28600_channels(tmp_path, frames):
    path = write_iso28600(tmp_path / "a.spm", frames[:2], ["Z", "Current"])
    movie = read_movie(path, channel="Current")
    np.testing.assert_array_equal(movie.frames, frames[1:2])


@pytest.mark.parametrize("start", ["\\*File list", "\\*EC File list", "?*File list"])
def test_nanoscope_files_are_named(tmp_path, start):
    (tmp_path / "a.spm").write_bytes(f"{start}\r\n\\Version: 0x09400103\r\n".encode() + bytes(99))
    with pytest.raises(InputError, match=r"^a\.spm is a NanoScope file .* save it as gwy or gsf"):
        read_movie(tmp_path / "a.spm")


def test_iso28600_that_ends_early(tmp_path, frames):
    path = write_iso28600(tmp_path / "a.spm", frames[:1], ["Z"])
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"^a\.spm is damaged or truncated"):
        read_movie(path)


def test_rhk_page(tmp_path, frames):
    path = write_sm4(tmp_path / "a.sm4", frames[0].astype("<i4"))
    assert list_datasets(path) == ["Topography"]
    movie = read_movie(path)
    np.testing.assert_array_equal(movie.frames[0], frames[0][:, ::-1])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))


def test_rhk_metadata_are_kept(tmp_path, frames):
    path = write_sm4(tmp_path / "a.sm4", frames[0].astype("<i4"), settings="[Gains] µ")
    metadata = read_movie(path).metadata
    assert metadata["settings"] == "[Gains] µ"
    assert metadata["label"] == "Topography"
    assert metadata["z scale"] == pytest.approx(1e-12)
    assert (metadata["rows"], metadata["columns"]) == (24, 32)
    path.write_bytes(path.read_bytes()[:-17] + bytes(17))
    movie = read_movie(path)
    assert movie.metadata["settings"] == ""
    np.testing.assert_array_equal(movie.frames[0], frames[0][:, ::-1])


def test_rhk_page_of_spectra_is_refused(tmp_path, frames):
    with pytest.raises(InputError, match=r"a\.sm4 holds spectra"):
        read_movie(write_sm4(tmp_path / "a.sm4", frames[0].astype("<i4"), kind=1))


def test_gwyddion_fields_with_their_titles(tmp_path, frames):
    path = write_gwy(tmp_path / "a.gwy", {"Height": frames[0], "Phase": frames[1]})
    assert list_datasets(path) == ["Height", "Phase"]
    movie = read_movie(path, dataset="Phase")
    np.testing.assert_array_equal(movie.frames[0], frames[1])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))
    assert movie.metadata["meta"] == {"bias": "2 V"}
    assert movie.metadata["xres"] == 32


@pytest.mark.parametrize("name", ["a.sxm", "a.nid", "a.gsf", "a.sm4"])
def test_a_large_file_is_not_read_to_find_its_images(tmp_path, frames, name):
    path = tmp_path / name
    if name == "a.sxm":
        write_sxm(path, [("Z", "forward", frames[0])])
    elif name == "a.nid":
        write_nid(path, frames[:1].astype("<i2"))
    elif name == "a.gsf":
        write_gsf(path, frames[0])
    else:
        write_sm4(path, frames[0].astype("<i4"))
    os.truncate(path, 1 << 30)
    read_movie(path)  # imports on the way take memory too
    tracemalloc.start()
    assert read_movie(path).shape == (1, 24, 32)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 24


def test_gwyddion_objects_that_nest_without_end(tmp_path):
    nested = gwy_object("A")
    for _ in range(200):
        nested = gwy_object("A", a=("o", nested))
    (tmp_path / "a.gwy").write_bytes(b"GWYP" + nested)
    with pytest.raises(InputError, match="nested too deeply"):
        read_movie(tmp_path / "a.gwy")
