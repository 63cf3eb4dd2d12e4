"""Files of known contents in the formats of instruments and other programs."""

from __future__ import annotations

import struct
import zlib

import h5py
import numpy as np
import tifffile
import zarr


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


def write_gsf(path, image, **facts):
    facts = {"XRes": image.shape[1], "YRes": image.shape[0], **facts}
    header = "Gwyddion Simple Field 1.0\n" + "".join(f"{k} = {v}\n" for k, v in facts.items())
    filling = bytes(4 - len(header) % 4)
    path.write_bytes(header.encode() + filling + image.astype("<f4").tobytes())
    return path


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


def write_wsxm(path, image, kind, units=("Å", "nm")):
    """Write an image of 6.4 by 0.72 of the units."""
    header = "WSxM file copyright\r\nSxM Image file\r\nImage header size: 00000\r\n"
    header += f"[Control]\r\n    X Amplitude: 6.4 {units[0]}\r\n"
    header += f"    Y Amplitude: 0.72 {units[1]}\r\n[General Info]\r\n"
    header += f"    Image Data Type: {kind}\r\n    Number of columns: 32\r\n"
    header += "    Number of rows: 24\r\n[Header end]\r\n"
    header = header.replace("00000", f"{len(header):05}")
    path.write_bytes(header.encode("latin-1") + image.tobytes())
    return path


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


def write_iso28600(path, images, names, units=("nm", "pm")):
    """Write channels (n, 24, 32), whose values lie beside each other."""
    several = len(images) > 1
    kind = "MAP_MC" if several else "MAP_SC"
    labels = [line for name in names for line in (name, "nm", "")]
    lines = [
        "ISO/TC 201 SPM data transfer format", "general information", kind, "scan information",
        "REGULAR MAPPING", "scanner", "sample", "X", "left to right", "Y", "top to bottom", "32",
        "24", *units, "0.64", "720", "single-channel mapping description", names[0],
        "multi-channel mapping description", len(names), *labels, "end of header",
        *np.stack(images, axis=-1).ravel().tolist(), "end of experiment",
    ]  # fmt: skip
    path.write_text("\n".join(map(str, lines)))
    return path


def write_sm4(path, image, *, kind=0, scale=(-2e-11, 3e-11), unit="m", settings=""):
    """Write one page; all objects lie behind each other, as in a file of the instrument."""
    strings = ["Topography", *[""] * 6, unit, unit, "m"]
    texts = b"".join(struct.pack("<H", len(text)) + text.encode("utf-16-le") for text in strings)
    head = struct.pack("<H", 56) + "STiMage 005.004 1\0".encode("utf-16-le")
    head += struct.pack("<5I", 1, 3, 12, 0, 0)
    index_at = len(head) + 36
    pages_at = index_at + 16 + 12
    header_at = pages_at + 32 + 24
    texts_at = header_at + 180 + 12
    image_at = texts_at + len(texts)
    settings_at = image_at + image.nbytes
    packed = zlib.compress(settings.encode("latin-1"))
    rows, columns = image.shape
    header = struct.pack("<2H8I", 170, len(strings), 1, 0, 0, 0, 0, columns, rows, 1)
    header += struct.pack("<3I2i", 0, 0, image.nbytes, 0, 0)
    header += struct.pack("<11f", *scale, 1e-12, *[0.0] * 8) + struct.pack("<4I", 0, 0, 0, 1)
    parts = [
        head, struct.pack("<3I", 1, index_at, 16),
        struct.pack("<6I", 15, settings_at, 12, 13, settings_at + 12, len(packed)),
        struct.pack("<4I", 1, 1, 0, 0), struct.pack("<3I", 2, pages_at, 32),
        bytes(16), struct.pack("<4I", kind, 0, 2, 4),
        struct.pack("<6I", 3, header_at, 180, 4, image_at, image.nbytes),
        header + bytes(64), struct.pack("<3I", 10, texts_at, len(texts)), texts, image.tobytes(),
        struct.pack("<3I", 1, len(settings), len(packed)), packed,
    ]  # fmt: skip
    path.write_bytes(b"".join(parts))
    return path


def gwy_text(text):
    return text.encode() + b"\0"


def gwy_object(kind, **values):
    """Pack an object; a tuple is (type letter, packed value)."""
    body = b"".join(
        gwy_text(name.replace("_", "/")) + letter.encode() + packed
        for name, (letter, packed) in values.items()
    )
    return gwy_text(kind) + struct.pack("<I", len(body)) + body


def write_gwy(path, images, unit="m"):
    """Write fields /0/data, /1/data ... of 0.03 x 0.02 nm a pixel, with their titles."""
    values = {}
    for number, (title, image) in enumerate(images.items()):
        packed_unit = gwy_object("GwySIUnit", unitstr=("s", gwy_text(unit)))
        field = gwy_object(
            "GwyDataField",
            xres=("i", struct.pack("<i", image.shape[1])),
            yres=("i", struct.pack("<i", image.shape[0])),
            xreal=("d", struct.pack("<d", image.shape[1] * 2e-11)),
            yreal=("d", struct.pack("<d", image.shape[0] * 3e-11)),
            data=("D", struct.pack("<I", image.size) + image.astype("<f8").tobytes()),
        )
        # two words in one name are joined by a slash, so the field's own names have none
        body = field.partition(b"\0")[2][4:] + b"si_unit_xy\0o" + packed_unit
        field = gwy_text("GwyDataField") + struct.pack("<I", len(body)) + body
        values[f"_{number}_data"] = ("o", field)
        values[f"_{number}_data_title"] = ("s", gwy_text(title))
        values[f"_{number}_meta"] = ("o", gwy_object("GwyContainer", bias=("s", gwy_text("2 V"))))
        values[f"_{number}_visible"] = ("b", b"\1")
    path.write_bytes(b"GWYP" + gwy_object("GwyContainer", **values))
    return path


def write_mrc(path, data, mode, *, order="<", extended=b"", kind=b"    ", cell=(0.64, 0.72)):
    """Write pixels of 0.03 (y) by 0.02 nm; lengths in MRC are in angstrom."""
    header = bytearray(1024)
    n, y, x = data.shape
    struct.pack_into(f"{order}10i", header, 0, x, y, n, mode, 0, 0, 0, x, y, n)
    struct.pack_into(f"{order}6f", header, 40, 10 * cell[0], 10 * cell[1], n, 90, 90, 90)
    struct.pack_into(f"{order}3i", header, 64, 1, 2, 3)
    struct.pack_into(f"{order}i", header, 92, len(extended))
    header[104:108], header[208:212] = kind, b"MAP "
    header[212:214] = b"\x44\x44" if order == "<" else b"\x11\x11"
    path.write_bytes(bytes(header) + extended + data.tobytes())
    return path


def write_nsid(path, data, dimensions):
    """Write a dataset and its dimension scales: (name, kind, unit, step) of each."""
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("channel/image/image", data=data)
        dataset.attrs["quantity"] = "intensity"
        for axis, (name, kind, unit, step) in enumerate(dimensions):
            scale = file.create_dataset(
                f"channel/image/{name}", data=np.arange(data.shape[axis]) * step
            )
            scale.make_scale(name)
            scale.attrs.update({"name": name, "dimension_type": kind, "units": unit})
            dataset.dims[axis].attach_scale(scale)
    return path


def write_nexus(path, data, axes, **scales):
    """Write an NXdata group: scales are (step, unit) of the axes that have one."""
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/scan")
        group.attrs.update({"NX_class": "NXdata", "signal": "current", "axes": axes})
        group["current"] = data
        for axis, (step, unit) in scales.items():
            group[axis] = np.arange(data.shape[axes.index(axis)]) * step
            group[axis].attrs["units"] = unit
        file["entry/instrument/table"] = np.zeros((4, 4))
    return path


def write_usid(path, values, places, spectral, unit="nm"):
    """Write a main dataset and the tables it refers to; `places` are indices (n, 2) of x, y."""
    with h5py.File(path, "w") as file:
        file["scan/Position_Indices"] = places.astype(np.uint32)
        file["scan/Position_Values"] = places * [0.02, 0.03]
        file["scan/Position_Values"].attrs["units"] = [unit, unit]
        file["scan/Spectroscopic_Indices"] = np.zeros((1, spectral), np.uint32)
        file["scan/Spectroscopic_Indices"].attrs["labels"] = ["Bias"]
        file["scan/Raw_Data"] = values
        for name in ("Position_Indices", "Position_Values", "Spectroscopic_Indices"):
            file["scan/Raw_Data"].attrs[name] = file[f"scan/{name}"].ref
    return path


def write_ome(path, data, version, axes="tyx", unit="nanometer", **ome):
    """Write two levels, 0.02 (y) by 0.01 (x) of the unit, 0.5 s a frame."""
    units = {"t": ("time", "second"), "y": ("space", unit), "x": ("space", unit)}
    named = [
        {"name": axis, **dict(zip(("type", "unit"), units.get(axis, ()), strict=False))}
        for axis in axes
    ]
    steps = {"t": 0.5, "y": 0.02, "x": 0.01}
    scale = [{"type": "scale", "scale": [steps.get(axis, 1) for axis in axes]}]
    levels = [{"path": str(n), "coordinateTransformations": scale} for n in range(2)]
    ome = {"multiscales": [{"name": "run", "axes": named, "datasets": levels}], **ome}
    attributes = ome if version == "0.4" else {"ome": {"version": version, **ome}}
    group = zarr.create_group(path, zarr_format=2 if version == "0.4" else 3, attributes=attributes)
    group.create_array("0", data=data)
    group.create_array("1", data=data[..., ::2, ::2])
    return path


def hyperspy_group(group, data, axes, **metadata):
    """Write a signal; axes are (name, scale, unit, navigate), metadata nested dictionaries."""
    signal = group.create_group("Experiments").create_group("run")
    if isinstance(group, zarr.Group):
        signal.create_array("data", data=data)
    else:
        signal["data"] = data
    for number, (name, scale, unit, navigate) in enumerate(axes):
        attributes = {"name": name, "scale": scale, "units": unit, "navigate": navigate}
        signal.create_group(f"axis-{number}").attrs.update(attributes)
    hyperspy_metadata(signal, metadata)


HYPERSPY_AXES = [("time", 0.5, "s", True), ("y", 0.02, "nm", False), ("x", -10, "pm", False)]


def hyperspy_metadata(group, metadata):
    for name, value in metadata.items():
        if isinstance(value, dict):
            hyperspy_metadata(group.create_group(name), value)
        else:
            group.attrs[name] = value


def write_hyperspy(path, data, axes, **metadata):
    if path.suffix == ".hspy":
        with h5py.File(path, "w") as file:
            hyperspy_group(file, data, axes, **metadata)
    else:
        hyperspy_group(zarr.create_group(path, zarr_format=2), data, axes, **metadata)
    return path


def write_imagej(path, frames, axes="TYX", **metadata):
    """Write pixels of 0.02 (y) by 0.01 (x) in the unit that is given."""
    metadata = {"axes": axes, **metadata}
    tifffile.imwrite(path, frames, imagej=True, resolution=(100, 50), metadata=metadata)
    return path


def write_ser(path, data, step):
    """Write images of uint16 as TIA does, with pixels of `step` meters, or `step` per meter."""
    n, y, x = data.shape
    header = struct.pack("<3H4IQ", 0x4949, 0x197, 0x220, 0x4122, 0x4152, n, n, 72)
    header += struct.pack("<2I2d2I6sI", 1, n, 0, 1, 0, 6, b"Number", 0)
    about = struct.pack("<2dI2dIH2I", 0, step, 0, 0, step, 0, 2, x, y)
    places = 72 + 16 * n + np.arange(n) * (len(about) + 2 * y * x)
    tags = np.full(n, places[-1] + len(about) + 2 * y * x)
    body = b"".join(about + image[::-1].astype("<u2").tobytes() for image in data)
    offsets = np.concatenate([places, tags]).astype("<u8").tobytes()
    path.write_bytes(header.ljust(72, b"\0") + offsets + body + bytes(8))
    return path


def dm_tag(name, kind, values):
    """Give a tag of DigitalMicrograph: a number, or several, of the type that has the number."""
    values = np.atleast_1d(values)
    info = [kind] if values.size == 1 else [20, kind, values.size]
    start = b"\x15" + struct.pack(">H", len(name)) + name.encode() + b"%%%%"
    return start + struct.pack(f">{len(info) + 1}I", len(info), *info) + values.tobytes()


def dm_group(name, *tags):
    return b"\x14" + struct.pack(">H", len(name)) + name.encode() + dm_tags(tags)


def dm_tags(tags):
    return struct.pack(">2BI", 1, 0, len(tags)) + b"".join(tags)


def write_dm3(path, data, data_type):
    """Write an array of 32-bit numbers: 23 is the type of pixels B, G, R, A."""
    nm = np.frombuffer("nm".encode("utf-16-le"), "<u2")
    numbers = [dm_tag(name, 6, np.float32(n)) for name, n in (("Origin", 0), ("Scale", 0.02))]
    axes = [dm_group("", *numbers, dm_tag("Units", 4, nm)) for _ in data.shape]
    image = dm_group(
        "ImageData",
        dm_group("Calibrations", dm_group("Dimension", *axes)),
        dm_tag("Data", 5, data.ravel()),
        dm_tag("DataType", 5, np.uint32(data_type)),
        dm_group("Dimensions", *(dm_tag("", 5, np.uint32(n)) for n in data.shape[::-1])),
        dm_tag("PixelDepth", 5, np.uint32(4)),
    )
    tags = dm_tags([dm_group("ImageList", dm_group("", image, dm_group("ImageTags")))])
    path.write_bytes(struct.pack(">3I", 3, len(tags), 1) + tags + bytes(8))
    return path
