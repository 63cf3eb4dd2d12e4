from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import tifffile
from made_files import write_imagej
from PIL import Image

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import list_datasets, read_movie


def test_imagej_stack_with_its_calibration(tmp_path, frames):
    path = write_imagej(tmp_path / "a.tif", frames, unit="nm", finterval=0.5)
    movie = read_movie(path)
    np.testing.assert_array_equal(movie.frames, frames)
    assert movie.pixel_size == pytest.approx((0.02, 0.01))
    assert (movie.unit, movie.frame_time, movie.name) == ("nm", 0.5, "a")
    assert movie.source == str(path)
    assert movie.metadata["imagej"]["finterval"] == 0.5


def test_imagej_escapes_of_units(tmp_path, frames):
    path = write_imagej(tmp_path / "a.tif", frames, unit="\\u00B5m", finterval=20, tunit="ms")
    movie = read_movie(path)
    assert movie.pixel_size == pytest.approx((20, 10))
    assert movie.frame_time == pytest.approx(0.02)


@pytest.mark.parametrize("unit", ["pixel", "inch", "cm"])
def test_imagej_units_that_are_no_lengths_of_a_micrograph(tmp_path, frames, unit):
    movie = read_movie(write_imagej(tmp_path / "a.tif", frames, unit=unit))
    assert (movie.unit, movie.pixel_size) == ("pixel", (1, 1))


def test_tags_of_gatan(tmp_path, frames):
    tags = [(65003, 2, 0, "nm", True), (65004, 2, 0, "pm", True)]
    tags += [(65009, 12, 1, 0.02, True), (65010, 12, 1, 30.0, True)]
    tags += [(65005, 2, 0, "ms", True), (65011, 12, 1, 40.0, True)]
    tifffile.imwrite(tmp_path / "a.tif", frames, extratags=tags)
    movie = read_movie(tmp_path / "a.tif")
    assert movie.pixel_size == pytest.approx((0.03, 0.02))
    assert movie.frame_time == pytest.approx(0.04)
    assert movie.calibration_source == "Gatan's tags of the TIFF file"


def test_tag_of_fei(tmp_path, frames):
    text = "[Scan]\r\nPixelWidth=2e-11\r\nPixelHeight=3e-11\r\n"
    tifffile.imwrite(tmp_path / "a.tif", frames[0], extratags=[(34682, 2, 0, text, True)])
    movie = read_movie(tmp_path / "a.tif")
    assert movie.pixel_size == pytest.approx((0.03, 0.02))
    assert movie.calibration_source == "FEI's tag of the TIFF file"
    assert movie.metadata["FEI_HELIOS"]["Scan"]["PixelWidth"] == 2e-11
    assert movie.metadata["XResolution"] == (1, 1)
    assert "StripOffsets" not in movie.metadata


def test_dots_an_inch_are_no_calibration(tmp_path, frames):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, frames[0], resolution=(72, 72), resolutionunit="INCH")
    assert not read_movie(path).calibrated


def test_z_stack_is_a_movie(tmp_path, frames):
    movie = read_movie(write_imagej(tmp_path / "a.tif", frames, axes="ZYX", finterval=2))
    np.testing.assert_array_equal(movie.frames, frames)
    assert movie.frame_time == 2


def test_time_and_depth_follow_each_other_without_a_frame_time(tmp_path, frames):
    volumes = np.stack([frames, 255 - frames])
    movie = read_movie(write_imagej(tmp_path / "a.tif", volumes, axes="TZYX", finterval=2))
    np.testing.assert_array_equal(movie.frames, volumes.reshape(10, 24, 32))
    assert movie.frame_time is None


def test_ome_with_its_calibration_and_channels(tmp_path, frames):
    path = tmp_path / "a.ome.tif"
    two = np.stack([frames, 255 - frames], axis=1)
    facts = {
        "axes": "TCYX",
        "PhysicalSizeX": 0.3,
        "PhysicalSizeXUnit": "Å",
        "PhysicalSizeY": 40.0,
        "PhysicalSizeYUnit": "pm",
        "TimeIncrement": 250.0,
        "TimeIncrementUnit": "ms",
        "Channel": {"Name": ["HAADF", "BF"]},
    }
    tifffile.imwrite(path, two, metadata=facts)
    with pytest.raises(InputError, match=r"a\.ome\.tif holds 2 channels.*HAADF, BF"):
        read_movie(path)
    with pytest.raises(InputError, match=r"none is 'EELS'.*HAADF, BF"):
        read_movie(path, channel="EELS")
    for channel in ("BF", 1, "1"):
        movie = read_movie(path, channel=channel)
        np.testing.assert_array_equal(movie.frames, 255 - frames)
    assert movie.name == "a"
    assert movie.pixel_size == pytest.approx((0.04, 0.03))
    assert movie.frame_time == pytest.approx(0.25)


def test_ome_lengths_are_micrometers_unless_it_says_otherwise(tmp_path, frames):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, frames, metadata={"axes": "TYX", "PhysicalSizeX": 2e-5})
    assert read_movie(path).pixel_size == pytest.approx((0.02, 0.02))


def test_ome_times_of_planes(tmp_path, frames):
    two = np.stack([frames, 255 - frames], axis=1)
    times = np.arange(10) * 20.0  # ms: one channel after the other
    facts = {"axes": "TCYX", "Plane": {"DeltaT": times.tolist(), "DeltaTUnit": ["ms"] * 10}}
    tifffile.imwrite(tmp_path / "a.ome.tif", two, metadata=facts)
    assert read_movie(tmp_path / "a.ome.tif", channel=0).frame_time == pytest.approx(0.04)


def test_ome_times_that_tell_nothing(tmp_path, frames):
    for number, times in enumerate([[0.0] * 5, [2.5]]):
        path = tmp_path / f"{number}.ome.tif"
        facts = {"axes": "TYX", "Plane": {"DeltaT": times}}
        tifffile.imwrite(path, frames[: len(times)], metadata=facts)
        assert read_movie(path).frame_time is None


@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])
@pytest.mark.parametrize("dtype", ["uint8", ">u2", "<f2", ">f4", "f8"])
def test_types_of_values(tmp_path, frames, photometric, dtype):
    path = tmp_path / "a.tif"
    data = frames.astype(dtype)
    if photometric == "rgb":
        data = np.stack([data] * 3, axis=-1)
    order = np.dtype(dtype).newbyteorder("=").str[0] if dtype[0] not in "<>" else dtype[0]
    tifffile.imwrite(path, data, photometric=photometric, byteorder=order)
    movie = read_movie(path)
    np.testing.assert_allclose(movie.frames, frames, rtol=1e-6)
    assert movie.frames.dtype.isnative
    if photometric == "minisblack":
        assert movie.frames.dtype == np.dtype(dtype).newbyteorder("=")


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_color_becomes_luminance_and_alpha_is_dropped(tmp_path, planar):
    path = tmp_path / "a.tif"
    colors = np.zeros((4, 24, 32) if planar == "separate" else (24, 32, 4), np.uint8)
    red, alpha = (colors[0], colors[3]) if planar == "separate" else np.moveaxis(colors, 2, 0)[::3]
    red[:], alpha[:] = 100, 255
    tifffile.imwrite(
        path, colors, photometric="rgb", planarconfig=planar, extrasamples=["unassalpha"]
    )
    movie = read_movie(path)
    assert movie.shape == (1, 24, 32)
    np.testing.assert_allclose(movie.frames, 21.26, rtol=1e-6)


def test_nan_stays(tmp_path, frames):
    holes = frames.astype(np.float32)
    holes[2, 3:5] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", holes)
    np.testing.assert_array_equal(read_movie(tmp_path / "a.tif").frames, holes)


def test_pages_without_any_description_are_frames(tmp_path, frames):
    pages = [Image.fromarray(frame) for frame in frames]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(read_movie(tmp_path / "a.tif").frames, frames)


@pytest.mark.parametrize("compression", ["lzw", "zlib", "zstd", "packbits", "jpeg2000"])
@pytest.mark.parametrize("options", [{}, {"predictor": True}, {"tile": (16, 16), "bigtiff": True}])
def test_packed_pixels(tmp_path, frames, compression, options):
    if compression in ("packbits", "jpeg2000") and "predictor" in options:
        options = {}
    tifffile.imwrite(tmp_path / "a.tif", frames, compression=compression, **options)
    np.testing.assert_array_equal(read_movie(tmp_path / "a.tif").frames, frames)


def test_pixels_of_few_bits(tmp_path, frames):
    tifffile.imwrite(tmp_path / "one.tif", frames > 99)
    np.testing.assert_array_equal(read_movie(tmp_path / "one.tif").frames, frames > 99)
    deep = frames.astype(np.uint16) * 16
    tifffile.imwrite(tmp_path / "twelve.tif", deep, bitspersample=12)
    np.testing.assert_array_equal(read_movie(tmp_path / "twelve.tif").frames, deep)


def test_colors_for_print_are_refused(tmp_path, frames):
    inks = np.stack([frames[0]] * 4, axis=-1)
    tifffile.imwrite(tmp_path / "a.tif", inks, photometric="separated")
    with pytest.raises(InputError, match=r"^a\.tif holds colors for print"):
        read_movie(tmp_path / "a.tif")


def test_pages_of_different_sizes_are_datasets(tmp_path, frames):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tif:
        tif.write(frames[0], metadata=None)
        tif.write(frames[1, :16, :16], metadata=None)
        tif.write(frames[2, :8, :8], metadata=None, subfiletype=1)  # a thumbnail
    first, second = list_datasets(path)
    with pytest.raises(InputError, match=r"several datasets.*\(24, 32\).*\(16, 16\)"):
        read_movie(path)
    assert read_movie(path, dataset=first).shape == (1, 24, 32)
    np.testing.assert_array_equal(read_movie(path, dataset=second).frames[0], frames[1, :16, :16])


def test_dark_frames_that_pack_well_are_no_damage(tmp_path):
    dark = np.zeros((3, 2048, 2048), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", dark, photometric="minisblack", compression="zstd")
    assert (tmp_path / "a.tif").stat().st_size < dark.nbytes / 4096
    np.testing.assert_array_equal(read_movie(tmp_path / "a.tif").frames, dark)


@pytest.mark.parametrize("n_frames", [1, 5])
@pytest.mark.parametrize("first", [True, False])
def test_a_thumbnail_that_is_not_called_so_is_left_out(tmp_path, frames, n_frames, first):
    images = [frames[0, ::4, ::4], frames[:n_frames].squeeze()]
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for image in images if first else images[::-1]:
            tif.write(image, metadata=None)
    np.testing.assert_array_equal(read_movie(tmp_path / "a.tif").frames, frames[:n_frames])


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}, {"imagej": True}]
)
def test_lazy_frames_are_the_same(tmp_path, frames, little_memory, options):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, frames, metadata={"axes": "TYX"}, **options)
    movie = read_movie(path)
    assert movie.frames.chunks == ((1,) * 5, (24,), (32,))
    np.testing.assert_array_equal(movie.frames.compute(), frames)
    np.testing.assert_array_equal(movie.frame(3), frames[3])


def test_lazy_channels_and_colors(tmp_path, frames, little_memory):
    path = tmp_path / "a.ome.tif"
    gray = np.stack([frames, 255 - frames], axis=1)[:, :, :12, :16]
    tifffile.imwrite(path, np.stack([gray] * 3, axis=-1), metadata={"axes": "TCYXS"})
    movie = read_movie(path, channel=1)
    assert movie.frames.chunks == ((1,) * 5, (12,), (16,))
    np.testing.assert_allclose(movie.frames.compute(), gray[:, 1], rtol=1e-6)


def test_a_frame_beyond_memory_is_refused(tmp_path, frames, little_memory):
    tifffile.imwrite(tmp_path / "a.tif", np.tile(frames, 3))
    with pytest.raises(InputError, match=r"a\.tif does not fit into memory: 2,304 bytes"):
        read_movie(tmp_path / "a.tif")


def write_pages(path, frames, **options):
    """Write the frames one by one."""
    with tifffile.TiffWriter(path) as tif:
        for frame in frames:
            tif.write(frame, **options)


WRITERS = {
    "imagej": partial(tifffile.imwrite, imagej=True, metadata={"axes": "TYX"}),
    "ome": partial(tifffile.imwrite, ome=True, metadata={"axes": "TYX"}),
    "bigtiff": partial(tifffile.imwrite, bigtiff=True),
    "pages": write_pages,
    "bare pages": partial(write_pages, metadata=None),
    "compressed": partial(write_pages, compression="zlib"),
    "strips": partial(write_pages, compression="zlib", rowsperstrip=4),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_cut_anywhere_it_is_whole_or_refused_quietly(tmp_path, frames, kind, caplog):
    path, cut = tmp_path / "whole.tif", tmp_path / "cut.tif"
    WRITERS[kind](path, frames)
    np.testing.assert_array_equal(read_movie(path).frames, frames)
    whole, refusals = path.read_bytes(), []
    for size in np.linspace(1, len(whole) - 1, 50, dtype=int):
        cut.write_bytes(whole[:size])
        try:
            # A cut behind the last pixel may lose nothing.
            np.testing.assert_array_equal(read_movie(cut).frames, frames)
        except InputError as error:
            refusals.append(str(error))
    assert len(refusals) > 35
    assert all(sentence.startswith("cut.tif ") for sentence in refusals)
    assert not caplog.records


def test_a_page_that_claims_more_than_the_file_has(tmp_path, frames):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, frames[0])
    with tifffile.TiffFile(path, mode="r+") as tif:
        tif.pages[0].tags["ImageLength"].overwrite(4_000_000)
        tif.pages[0].tags["ImageWidth"].overwrite(2_500_000)
    with pytest.raises(InputError, match=r"a\.tif is damaged or truncated"):
        read_movie(path)


def test_text_named_tif(tmp_path):
    (tmp_path / "notes.tif").write_text("not an image")
    with pytest.raises(InputError, match=r"^notes\.tif is not a TIFF file, or a damaged one\.$"):
        read_movie(tmp_path / "notes.tif")


def test_a_small_copy_of_an_image_is_no_second_image(tmp_path, frames):
    path, large = tmp_path / "a.tif", np.repeat(np.repeat(frames[0], 4, axis=0), 4, axis=1)
    with tifffile.TiffWriter(path) as writer:
        writer.write(large, photometric="minisblack", metadata=None)
        writer.write(frames[0], photometric="minisblack", metadata=None)
    np.testing.assert_array_equal(read_movie(path).frames[0], large)
    with tifffile.TiffWriter(path) as writer:  # of other proportions, it is another image
        writer.write(large, photometric="minisblack", metadata=None)
        writer.write(frames[0, :, :16], photometric="minisblack", metadata=None)
    with pytest.raises(InputError, match="holds several datasets"):
        read_movie(path)
