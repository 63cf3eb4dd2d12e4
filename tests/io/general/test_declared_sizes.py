"""Small files that claim ten terabytes and more: one sentence, at once, without the memory."""

from __future__ import annotations

import io
import resource
import struct
import time
import zipfile
import zlib

import h5py
import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movies

COLUMNS, ROWS = 2_000_000, 5_000_000
MAX_BYTES = 100 << 20  # libraries that are imported on the way count too


def png():
    def chunk(name, content):
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", COLUMNS, ROWS, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(100))), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def bmp():
    about = struct.pack("<IiiHHIIiiII", 40, COLUMNS, ROWS, 1, 8, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 200, 0, 0, 54) + about + bytes(100)


def jpeg():
    """The largest JPEG there can be, 4 GB."""
    start = "ffd8ffe000104a46494600010100000100010000ffc0000b08ffffffff01011100ffda0008010100003f00"
    return bytes.fromhex(start) + bytes(100) + b"\xff\xd9"


def tiff():
    short, long = 3, 4
    tags = [
        (256, long, COLUMNS), (257, long, ROWS), (258, short, 8), (259, short, 1),
        (262, short, 1), (273, long, 8), (277, short, 1), (278, long, ROWS), (279, long, 100),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", code, kind, 1, value) for code, kind, value in tags)
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4)


def npy():
    file = io.BytesIO()
    facts = {"descr": "<f8", "fortran_order": False, "shape": (1000, 50_000, 25_000)}
    np.lib.format.write_array_header_1_0(file, facts)
    return file.getvalue() + bytes(70)


def packed_npy():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.npy", npy())
    return file.getvalue()


def hdf5():
    """An image as HyperSpy and as Berkeley's EMD have it."""
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        shape = (1000, 100_000, 100_000)
        data = root.create_dataset("Experiments/run/data", shape, "u1", chunks=(1, 1000, 1000))
        signal = root.create_group("data/run")
        signal.attrs["emd_group_type"] = 1
        signal["data"] = data
        for axis in range(3):
            about = {"name": "a", "scale": 1.0, "units": "nm", "navigate": axis == 0}
            root.create_group(f"Experiments/run/axis-{axis}").attrs.update(about)
            signal[f"dim{axis + 1}"] = np.arange(2.0)
            signal[f"dim{axis + 1}"].attrs.update({"name": "a", "units": "[n_m]"})
    return file.getvalue()


def mrc():
    header = bytearray(1024)
    struct.pack_into("<10i", header, 0, COLUMNS, ROWS, 1, 2, 0, 0, 0, COLUMNS, ROWS, 1)
    header[208:214] = b"MAP DD"
    return bytes(header)


def ser():
    head = struct.pack("<HHHIIIII", 0x4949, 0x0197, 0x0210, 0x4122, 0x4152, 1, 1, 34)
    places = struct.pack("<III", 0, len(head) + 12, 0)
    axis = struct.pack("<ddi", 0, 1e-9, 0)
    return head + places + 2 * axis + struct.pack("<hii", 2, COLUMNS, ROWS) + bytes(40)


def dm3():
    def tag(name, kinds, content):
        numbers = struct.pack(f">I{len(kinds)}I", len(kinds), *kinds)
        return b"\x15" + struct.pack(">H", len(name)) + name + b"%%%%" + numbers + content

    def group(name, *tags):
        head = struct.pack(">H", len(name)) + name + b"\1\0" + struct.pack(">I", len(tags))
        return b"\x14" + head + b"".join(tags)

    sides = [tag(b"", [5], struct.pack("<I", side)) for side in (COLUMNS, ROWS)]
    image = group(
        b"ImageData",
        tag(b"Data", [20, 2, COLUMNS * ROWS % 2**32], bytes(16)),
        tag(b"DataType", [5], struct.pack("<I", 1)),
        group(b"Dimensions", *sides),
        tag(b"PixelDepth", [5], struct.pack("<I", 2)),
    )
    body = b"\1\0" + struct.pack(">I", 1) + group(b"ImageList", group(b"", image))
    return struct.pack(">III", 3, len(body), 1) + body + bytes(8)


def sxm():
    lines = [
        ":SCANIT_TYPE:", "FLOAT MSBFIRST", ":SCAN_PIXELS:", f"{COLUMNS} {ROWS}", ":SCAN_RANGE:",
        "1e-9 1e-9", ":DATA_INFO:", "Name\tDirection", "Z\tboth", ":SCANIT_END:", "",
    ]  # fmt: skip
    return "\n".join(lines).encode() + b"\x1a\x04"


def ibw():
    """Igor Pro 5: the words of both headers add up to nothing."""
    wave = bytearray(320)
    struct.pack_into("<I", wave, 12, 2**31 - 1)
    struct.pack_into("<h", wave, 16, 2)
    struct.pack_into("<4i", wave, 68, COLUMNS, ROWS, 0, 0)
    head = bytearray(struct.pack("<hhi", 5, 0, 420) + bytes(56))
    total = int(np.frombuffer(bytes(head + wave), "<u2").sum(dtype=np.int64))
    struct.pack_into("<H", head, 2, -total % 2**16)
    return bytes(head + wave) + bytes(100)


def gwy():
    field = b"xres\0i" + struct.pack("<i", COLUMNS) + b"yres\0i" + struct.pack("<i", ROWS)
    field += b"data\0D" + struct.pack("<I", 2**31 - 1)
    held = b"/0/data\0oGwyDataField\0" + struct.pack("<I", len(field)) + field
    return b"GWYPGwyContainer\0" + struct.pack("<I", len(held)) + held


def nid():
    facts = {"Points": COLUMNS, "Lines": ROWS, "SaveBits": 16, "Dim0Range": 1, "Dim1Range": 1}
    words = {"SaveSign": "Signed", "SaveOrder": "Intel", "Dim0Unit": "m", "Dim1Unit": "m"}
    lines = [f"{key}={value}" for key, value in (facts | words).items()]
    start = ["[DataSet]", "Gr0-Ch0=D", "[D]", "Dim2Name=Z", "Frame=forward"]
    return "\r\n".join([*start, *lines, "#!"]).encode()


def wsxm():
    lines = [
        "WSxM file copyright", "Image header size: 00180", "X Amplitude: 1 nm", "Y Amplitude: 1 nm",
        f"Number of columns: {COLUMNS}", f"Number of rows: {ROWS}", "[Header end]", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def iso28600():
    lines = [
        "ISO/TC 201 SPM data transfer format", "", "MAP_SC", "scan information", "REGULAR MAPPING",
        "", "", "X", "", "Y", "", COLUMNS, ROWS, "nm", "nm", 1, 1,
        "single-channel mapping description", "Z", "end of header", 1,
    ]  # fmt: skip
    return "\n".join(map(str, lines)).encode()


CLAIMS = {
    "a.png": png(), "a.bmp": bmp(), "a.jpg": jpeg(), "a.tif": tiff(), "a.npy": npy(),
    "a.npz": packed_npy(), "a.prz": packed_npy(), "a.h5": hdf5(), "a.hspy": hdf5(),
    "a.emd": hdf5(), "a.mrc": mrc(), "a.ser": ser(), "a.dm3": dm3(), "a.sxm": sxm(),
    "a.ibw": ibw(), "a.gwy": gwy(), "a.nid": nid(), "a.top": wsxm(), "a.spm": iso28600(),
}  # fmt: skip


def read_first_frames(path):
    for movie in read_movies(path):
        movie.frame(0)


# RosettaSciIO leaves files that it cannot read to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", CLAIMS)
def test_a_small_file_that_claims_terabytes(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(CLAIMS[name])
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(InputError, match=rf"^{name} "):
        read_first_frames(path)
    assert time.process_time() - began < 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < MAX_BYTES
