"""Made files of scanning probe microscopes, in formats that are plain enough to be made."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import list_datasets, read_movie


def write_sxm(path, channels, direction="down"):
    """Write channels of 24 x 32 px on 0.72 nm x 0.64 nm: (name, 'both' or 'forward', images)."""
    rows = [f"\t{n}\t{name}\tA\t{way}\t1\t0" for n, (name, way, _) in enumerate(channels)]
    header = [
        ":SCANIT_TYPE:", "FLOAT MSBFIRST", ":SCAN_PIXELS:", "  32  24", ":SCAN_RANGE:",
        "  6.4E-10  7.2E-10", ":SCAN_DIR:", direction, ":COMMENT:", "two lines", ":of it",
        ":DATA_INFO:", "\tChannel\tName\tUnit\tDirection\tCalibration\tOffset", *rows, "",
        ":SCANIT_END:", "", "",
    ]  # fmt: skip
    images = np.concatenate([np.ravel(images) for *_, images in channels]).astype(">f4")
    path.write_bytes("\n".join(header).encode() + b"\x1a\x04" + images.tobytes())
    return path


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


def write_gsf(path, image, **facts):
    facts = {"XRes": image.shape[1], "YRes": image.shape[0], **facts}
    header = "Gwyddion Simple Field 1.0\n" + "".join(f"{k} = {v}\n" for k, v in facts.items())
    filling = bytes(4 - len(header) % 4)
    path.write_bytes(header.encode() + filling + image.astype("<f4").tobytes())
    return path


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


def write_ibw(path, values, unit="m"):
    """Write a wave of Igor Pro 5 and later, (x, y) or (x, y, layer), 0.02 by 0.03 nm a pixel."""
    wave = bytearray(320)
    struct.pack_into("<I", wave, 12, values.size)
    struct.pack_into("<h", wave, 16, {"f": 2, "i": 0x10}[values.dtype.kind])
    struct.pack_into("<4i", wave, 68, *values.shape, *[0] * (4 - values.ndim))
    struct.pack_into("<4d", wave, 84, 2e-11, 3e-11, 1, 1)
    struct.pack_into("<4s4s", wave, 152, unit.encode(), unit.encode())
    head = bytearray(struct.pack("<hhi", 5, 0, 320 + values.nbytes) + bytes(56))
    total = int(np.frombuffer(bytes(head + wave), "<u2").sum(dtype=np.int64))
    struct.pack_into("<H", head, 2, -total % 2**16)
    path.write_bytes(bytes(head + wave) + values.tobytes(order="F"))
    return path


@pytest.mark.parametrize("dtype", ["<f4", "<i2"])
def test_igor_image(tmp_path, frames, dtype):
    pytest.importorskip("igor2", reason="install the extra 'spm'")
    movie = read_movie(write_ibw(tmp_path / "a.ibw", frames[0].T.astype(dtype)))
    np.testing.assert_array_equal(movie.frames[0], frames[0][::-1])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))


def test_igor_layers_without_names(tmp_path, frames):
    pytest.importorskip("igor2", reason="install the extra 'spm'")
    path = write_ibw(tmp_path / "a.ibw", frames.transpose(2, 1, 0).astype("<f4"))
    assert list_datasets(path) == [f"layer {number}" for number in range(5)]
    movie = read_movie(path, dataset="layer 3")
    np.testing.assert_array_equal(movie.frames[0], frames[3][::-1])


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


def write_wsxm(path, image, kind):
    header = "WSxM file copyright\r\nSxM Image file\r\nImage header size: 00000\r\n"
    header += (
        "[Control]\r\n    X Amplitude: 6.4 Å\r\n    Y Amplitude: 0.72 nm\r\n[General Info]\r\n"
    )
    header += f"    Image Data Type: {kind}\r\n    Number of columns: 32\r\n"
    header += "    Number of rows: 24\r\n[Header end]\r\n"
    header = header.replace("00000", f"{len(header):05}")
    path.write_bytes(header.encode("latin-1") + image.tobytes())
    return path


@pytest.mark.parametrize(("kind", "dtype"), [("short", "<i2"), ("double", "<f8")])
def test_wsxm_starts_with_the_last_pixel(tmp_path, frames, kind, dtype):
    movie = read_movie(write_wsxm(tmp_path / "a.top", frames[0].astype(dtype), kind))
    np.testing.assert_array_equal(movie.frames[0], frames[0][::-1, ::-1])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))


def test_wsxm_of_an_unknown_type(tmp_path, frames):
    with pytest.raises(InputError, match=r"a\.top holds 'quaternion' values"):
        read_movie(write_wsxm(tmp_path / "a.top", frames[0], "quaternion"))


def write_nid(path, images, **facts):
    facts = {
        "Points": 32, "Lines": 24, "Frame": "Scan forward", "Dim0Unit": "m", "Dim0Range": 6.4e-10,
        "Dim1Unit": "m", "Dim1Range": 7.2e-10, "Dim2Name": "Z-Axis", "SaveBits": 16,
        "SaveSign": "Signed", "SaveOrder": "Intel", **facts,
    }  # fmt: skip
    names = [f"Gr0-Ch{number}=DataSet-0:{number}" for number in range(len(images))]
    lines = ["[DataSet]", "Version=2", *names]
    for number in range(len(images)):
        lines += [f"[DataSet-0:{number}]", *(f"{key}={value}" for key, value in facts.items())]
    data = b"".join(image.tobytes() for image in images)
    path.write_bytes("\r\n".join([*lines, "", "#!"]).encode() + data)
    return path


def test_nanosurf_scan(tmp_path, frames):
    path = write_nid(tmp_path / "a.nid", frames[:2].astype("<i2"))
    assert list_datasets(path) == ["Z-Axis Scan forward", "Z-Axis Scan forward 2"]
    movie = read_movie(path, dataset="Z-Axis Scan forward 2")
    np.testing.assert_array_equal(movie.frames[0], frames[1][::-1])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))


def test_nanosurf_spectra_are_refused(tmp_path, frames):
    path = write_nid(tmp_path / "a.nid", frames[:1].astype("<i2"), Dim0Unit="V", Dim0Name="Bias")
    with pytest.raises(InputError, match=r"a\.nid holds spectra \(along Bias\)"):
        read_movie(path)


def write_iso28600(path, images, names):
    """Write channels (n, 24, 32), whose values lie beside each other."""
    several = len(images) > 1
    kind = "MAP_MC" if several else "MAP_SC"
    labels = [line for name in names for line in (name, "nm", "")]
    lines = [
        "ISO/TC 201 SPM data transfer format", "general information", kind, "scan information",
        "REGULAR MAPPING", "scanner", "sample", "X", "left to right", "Y", "top to bottom", "32",
        "24", "nm", "pm", "0.64", "720", "single-channel mapping description", names[0],
        "multi-channel mapping description", len(names), *labels, "end of header",
        *np.stack(images, axis=-1).ravel().tolist(), "end of experiment",
    ]  # fmt: skip
    path.write_text("\n".join(map(str, lines)))
    return path


def test_iso28600_image(tmp_path, frames):
    movie = read_movie(write_iso28600(tmp_path / "a.spm", frames[:1], ["Z"]))
    np.testing.assert_array_equal(movie.frames, frames[:1])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))


def test_iso28600_channels(tmp_path, frames):
    path = write_iso28600(tmp_path / "a.spm", frames[:2], ["Z", "Current"])
    movie = read_movie(path, channel="Current")
    np.testing.assert_array_equal(movie.frames, frames[1:2])


def test_iso28600_that_ends_early(tmp_path, frames):
    path = write_iso28600(tmp_path / "a.spm", frames[:1], ["Z"])
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"^a\.spm is damaged or truncated"):
        read_movie(path)


def write_sm4(path, image, kind=0, scale=(-2e-11, 3e-11)):
    """Write one page; all objects lie behind each other, as in a file of the instrument."""
    strings = ["Topography", *[""] * 6, "m", "m", "m"]
    texts = b"".join(struct.pack("<H", len(text)) + text.encode("utf-16-le") for text in strings)
    head = struct.pack("<H", 56) + "STiMage 005.004 1\0".encode("utf-16-le")
    head += struct.pack("<5I", 1, 1, 12, 0, 0)
    index_at = len(head) + 12
    pages_at = index_at + 16 + 12
    header_at = pages_at + 32 + 24
    texts_at = header_at + 180 + 12
    image_at = texts_at + len(texts)
    rows, columns = image.shape
    header = struct.pack("<2H8I", 170, len(strings), 1, 0, 0, 0, 0, columns, rows, 1)
    header += struct.pack("<3I2i", 0, 0, image.nbytes, 0, 0)
    header += struct.pack("<11f", *scale, 1e-12, *[0.0] * 8) + struct.pack("<4I", 0, 0, 0, 1)
    parts = [
        head, struct.pack("<3I", 1, index_at, 16),
        struct.pack("<4I", 1, 1, 0, 0), struct.pack("<3I", 2, pages_at, 32),
        bytes(16), struct.pack("<4I", kind, 0, 2, 4),
        struct.pack("<6I", 3, header_at, 180, 4, image_at, image.nbytes),
        header + bytes(64), struct.pack("<3I", 10, texts_at, len(texts)), texts, image.tobytes(),
    ]  # fmt: skip
    path.write_bytes(b"".join(parts))
    return path


def test_rhk_page(tmp_path, frames):
    path = write_sm4(tmp_path / "a.sm4", frames[0].astype("<i4"))
    assert list_datasets(path) == ["Topography"]
    movie = read_movie(path)
    np.testing.assert_array_equal(movie.frames[0], frames[0][:, ::-1])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))


def test_rhk_page_of_spectra_is_refused(tmp_path, frames):
    with pytest.raises(InputError, match=r"a\.sm4 holds spectra"):
        read_movie(write_sm4(tmp_path / "a.sm4", frames[0].astype("<i4"), kind=1))


def gwy_text(text):
    return text.encode() + b"\0"


def gwy_object(kind, **values):
    """Pack an object; a tuple is (type letter, packed value)."""
    body = b"".join(
        gwy_text(name.replace("_", "/")) + letter.encode() + packed
        for name, (letter, packed) in values.items()
    )
    return gwy_text(kind) + struct.pack("<I", len(body)) + body


def write_gwy(path, images):
    """Write fields /0/data, /1/data ... of 0.03 x 0.02 nm a pixel, with their titles."""
    values = {}
    for number, (title, image) in enumerate(images.items()):
        unit = gwy_object("GwySIUnit", unitstr=("s", gwy_text("m")))
        field = gwy_object(
            "GwyDataField",
            xres=("i", struct.pack("<i", image.shape[1])),
            yres=("i", struct.pack("<i", image.shape[0])),
            xreal=("d", struct.pack("<d", image.shape[1] * 2e-11)),
            yreal=("d", struct.pack("<d", image.shape[0] * 3e-11)),
            data=("D", struct.pack("<I", image.size) + image.astype("<f8").tobytes()),
        )
        # two words in one name are joined by a slash, so the field's own names have none
        body = field.partition(b"\0")[2][4:] + b"si_unit_xy\0o" + unit
        field = gwy_text("GwyDataField") + struct.pack("<I", len(body)) + body
        values[f"_{number}_data"] = ("o", field)
        values[f"_{number}_data_title"] = ("s", gwy_text(title))
        values[f"_{number}_visible"] = ("b", b"\1")
    path.write_bytes(b"GWYP" + gwy_object("GwyContainer", **values))
    return path


def test_gwyddion_fields_with_their_titles(tmp_path, frames):
    path = write_gwy(tmp_path / "a.gwy", {"Height": frames[0], "Phase": frames[1]})
    assert list_datasets(path) == ["Height", "Phase"]
    movie = read_movie(path, dataset="Phase")
    np.testing.assert_array_equal(movie.frames[0], frames[1])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))


def test_gwyddion_objects_that_nest_without_end(tmp_path):
    nested = gwy_object("A")
    for _ in range(200):
        nested = gwy_object("A", a=("o", nested))
    (tmp_path / "a.gwy").write_bytes(b"GWYP" + nested)
    with pytest.raises(InputError, match="nested too deeply"):
        read_movie(tmp_path / "a.gwy")
