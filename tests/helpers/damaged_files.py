"""Files that are damaged in many ways, and processes that read them and may die of it."""

from __future__ import annotations

import gzip
import json
import os
import selectors
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import imageio.v3 as iio
import numpy as np
import tifffile
import zarr
from made_files import (
    HYPERSPY_AXES,
    write_gsf,
    write_gwy,
    write_hyperspy,
    write_ibw,
    write_iso28600,
    write_mrc,
    write_nid,
    write_sm4,
    write_sxm,
    write_wsxm,
)

from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.io import SUFFIXES
from napari_lattice_symmetry.io.writing.write import write_layer_stack

N_CUTS, N_CHANGED, N_SPLICED = 38, 10, 6
N_DAMAGED = N_CUTS + N_CHANGED + N_SPLICED
HANGING = 60  # s by the clock, after which a process is ended
NEIGHBORS = {".emi": "tia_stack5_1.ser", ".Z_mtrx": "20201111_0001.mtrx"}
_WORKER = Path(__file__).with_name("fuzz_worker.py")
_BOMB = 1 << 30


@dataclass(frozen=True)
class Case:
    """A damaged file.

    Parameters
    ----------
    kind, name : str
        What was done to what, in words.
    write : callable
        Writes it into an empty folder; gives what is to be opened.
    """

    kind: str
    name: str
    write: Callable[[Path], Path]


@dataclass(frozen=True)
class Report:
    """How the reading of a file ended.

    Parameters
    ----------
    ended : str
        "read", "refused", "crashed", "hung", or what else came out of it.
    says : str
        The message.
    seconds : float
        Of computing.
    grown, told : int
        Bytes of memory that were taken, and that libraries wrote on standard error.
    """

    ended: str
    says: str = ""
    seconds: float = 0.0
    grown: int = 0
    told: int = 0


class Reader:
    """A process that reads files; ended when it hangs, and started anew."""

    def __init__(self, folder: Path) -> None:
        self._told = folder / "stderr"
        self._start()

    def _start(self) -> None:
        with self._told.open("wb") as told:
            self._process = subprocess.Popen(
                [sys.executable, str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=told,
                text=True,
            )

    def read(self, path: Path, hanging: float = HANGING) -> Report:
        """Read a file, and wait no longer than `hanging` seconds for it."""
        told = self._told.stat().st_size
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            line = self._process.stdout.readline() if selector.select(hanging) else ""
        if not line:
            status = self._process.poll()
            self.stop()
            self._start()
            return Report("hung") if status is None else Report("crashed", str(status))
        return Report(**json.loads(line), told=self._told.stat().st_size - told)

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


def made_hdf5(path, frames):
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=frames, chunks=True, compression="gzip")


def made_prz(path, frames):
    with path.open("wb") as file:
        np.savez_compressed(file, data=frames[0], meta_data_json='[{"type": "Image"}]')


def made_blo(path, frames):
    path.write_bytes(struct.pack("<6s H 3I 4H", b"IMGBLO", 258, 0, 0, 0, 8, 0, 4, 3) + bytes(768))


def made_video(path, frames):
    iio.imwrite(path, frames, plugin="pyav", codec="mpeg4", fps=10, in_pixel_format="gray8")


def made_hyperstack(path, frames):
    write_layer_stack(LayerStack("run", {"a": frames, "b": frames}, {"classes": frames % 7}), path)


def made_hyperspy(path, frames):
    write_hyperspy(path, frames, HYPERSPY_AXES, original_metadata={"kV": 200.0, "by": "AB"})


def made_colors(path, frames):
    tifffile.imwrite(path, np.stack([frames] * 3, axis=-1), photometric="rgb", tile=(16, 16))


def made_folder(path, frames):
    path.mkdir()
    for number, frame in enumerate(frames[:3]):
        iio.imwrite(path / f"{number}.png", frame)


def made_zarr(path, frames):
    made_hyperstack(path.with_name("run.ome.zarr"), frames)
    path.with_name("run.ome.zarr").rename(path)


MADE = {
    "a.tif": lambda path, frames: tifffile.imwrite(path, frames, imagej=True),
    "lzw.tif": lambda path, frames: tifffile.imwrite(path, frames, compression="lzw"),
    "colors.tif": made_colors,
    "saved.tif": made_hyperstack,
    "a.ome.tif": made_hyperstack,
    "a.png": lambda path, frames: iio.imwrite(path, frames[0]),
    "a.jpg": lambda path, frames: iio.imwrite(path, frames[0]),
    "a.bmp": lambda path, frames: iio.imwrite(path, frames[0]),
    "a.gif": iio.imwrite,
    "a.avi": made_video,
    "a.npy": np.save,
    "a.npz": np.savez_compressed,
    "a.h5": made_hdf5,
    "a.hspy": made_hyperspy,
    "a.mrc": lambda path, frames: write_mrc(path, frames.astype("<i2"), 1),
    "a.map": lambda path, frames: write_mrc(path, frames.astype(">i2"), 1, order=">"),
    "a.prz": made_prz,
    "a.blo": made_blo,
    "a.sxm": lambda path, frames: write_sxm(path, [("Z", "both", frames[:2])]),
    "a.gsf": lambda path, frames: write_gsf(path, frames[0], XReal=1e-9, XYUnits="m"),
    "a.gwy": lambda path, frames: write_gwy(path, {"Height": frames[0], "Phase": frames[1]}),
    "a.nid": lambda path, frames: write_nid(path, frames[:2].astype("<i2")),
    "a.sm4": lambda path, frames: write_sm4(path, frames[0].astype("<i4"), settings="[Gains]" * 9),
    "a.top": lambda path, frames: write_wsxm(path, frames[0].astype("<i2"), "short"),
    "a.ibw": lambda path, frames: write_ibw(path, frames[0].T.astype("<f4")),
    "a.spm": lambda path, frames: write_iso28600(path, frames[:2], ["Z", "Current"]),
}
"""A file of each format, by its name: what writes it."""

PARTS = {
    "frames": (made_folder, ["1.png"]),
    "a.zarr": (
        made_zarr,
        ["zarr.json", "0/zarr.json", "0/c/0/0/0/0", "labels/zarr.json", "labels/classes/zarr.json"],
    ),
    "a.zspy": (
        made_hyperspy,
        [
            "Experiments/run/axis-0/.zattrs",
            "Experiments/run/original_metadata/.zattrs",
            "Experiments/run/data/.zarray",
            "Experiments/run/data/0.0.0",
        ],
    ),
}
"""Folders: what writes one, and which files in it are damaged."""

DAMAGED_PARTS = [(name, part) for name, (_, parts) in PARTS.items() for part in parts]


def make(name: str, folder: Path, frames: np.ndarray) -> Path:
    """Write the whole file or folder of a name; give its path."""
    write = MADE[name] if name in MADE else PARTS[name][0]
    write(folder / name, frames)
    return folder / name


def damaged(opened: Path, part: Path, seed: int, others: list[bytes]) -> Iterator[Case]:
    """Damage a file, or a part of a folder: cut, change and splice it with other files.

    Parameters
    ----------
    opened, part : pathlib.Path
        What is opened, and what is damaged: the same, or a file in it.
    seed : int
        Of where.
    others : list of bytes
        Contents of files of other formats.
    """
    content, rng = part.read_bytes(), np.random.default_rng(seed)
    ends = np.linspace(1, len(content) - 1, N_CUTS).astype(int)
    if seed != len(content):  # another draw of a benchmark
        ends = rng.integers(1, len(content), N_CUTS)
    for end in ends:
        yield _damaged_case("cut", f"at {end}", opened, part, content[:end])
    for number in range(N_CHANGED):
        changed = np.frombuffer(content, np.uint8).copy()
        reach = len(content) if number % 2 else min(len(content), 4096)
        places = rng.integers(0, reach, 4 ** (number % 5))
        changed[places] = rng.integers(0, 256, len(places))
        yield _damaged_case("changed", f"{number}", opened, part, changed.tobytes())
    for number in range(N_SPLICED):
        other = others[rng.integers(len(others))]
        begin, end = rng.integers(0, len(other)), rng.integers(1, len(content))
        spliced = (
            content[:end] + other[begin:] if number % 2 else other[: begin + 1] + content[end:]
        )
        yield _damaged_case("spliced", f"{number} at {end}", opened, part, spliced)


def _damaged_case(kind: str, what: str, opened: Path, part: Path, content: bytes) -> Case:
    def write(place: Path) -> Path:
        if opened.is_dir():
            shutil.copytree(opened, place / opened.name)
        else:
            for neighbor in opened.parent.glob(NEIGHBORS.get(opened.suffix, opened.name)):
                shutil.copy(neighbor, place)
        target = place / part.relative_to(opened.parent)
        target.unlink(missing_ok=True)
        target.write_bytes(content)
        return place / opened.name

    return Case(kind, f"{part.relative_to(opened.parent)} {kind} {what}", write)


def pipes(frames: np.ndarray) -> Iterator[Case]:
    """Pipes in the place of each kind of file, and of parts of folders."""

    def pipe(name: str) -> Callable[[Path], Path]:
        def write(place: Path) -> Path:
            os.mkfifo(place / name)
            return place / name

        return write

    def pipe_inside(name: str, part: str) -> Callable[[Path], Path]:
        def write(place: Path) -> Path:
            path = make(name, place, frames)
            (path / part).unlink()
            os.mkfifo(path / part)
            return path

        return write

    for suffix in SUFFIXES:
        yield Case("pipe", f"a{suffix}", pipe(f"a{suffix}"))
    for name, part in DAMAGED_PARTS:
        yield Case("pipe", f"{name}/{part}", pipe_inside(name, part))


def bombs(frames: np.ndarray) -> Iterator[Case]:
    """Chunks and pixels that unpack into a gigabyte, or many streams, where few are declared."""
    packed = {
        "gzip": (zarr.codecs.GzipCodec(), gzip.compress(bytes(9)) + _zeros(31)),
        "gzip 2": (zarr.codecs.GzipCodec(), gzip.compress(bytes(9)) * 100_000),
        "zstd": (zarr.codecs.ZstdCodec(), _zstd_zeros()),
        "blosc": (zarr.codecs.BloscCodec(), struct.pack("<4B3I", 2, 1, 33, 1, _BOMB, _BOMB, 99)),
    }

    def in_zarr(codec: object, chunk: bytes) -> Callable[[Path], Path]:
        def write(place: Path) -> Path:
            options = {"chunks": (1, 24, 32), "compressors": [codec]}
            zarr.create_array(place / "a.zarr", data=frames, **options)
            (place / "a.zarr/c/0/0/0").write_bytes(chunk)
            return place / "a.zarr"

        return write

    def in_hdf5(place: Path) -> Path:
        with h5py.File(place / "a.h5", "w") as file:
            chunks = {"chunks": (1, 24, 32), "compression": "gzip"}
            data = file.create_dataset("data", data=frames, **chunks)
            data.id.write_direct_chunk((0, 0, 0), _zeros(15))
        return place / "a.h5"

    def in_tiff(place: Path) -> Path:
        tifffile.imwrite(place / "a.tif", frames[0], compression="zlib")
        with tifffile.TiffFile(place / "a.tif", mode="r+") as tif:
            bomb, page = _zeros(15), tif.pages.first
            page.tags["StripByteCounts"].overwrite(len(bomb))
            page.tags["StripOffsets"].overwrite((place / "a.tif").stat().st_size)
        with (place / "a.tif").open("ab") as file:
            file.write(bomb)
        return place / "a.tif"

    def in_png(place: Path) -> Path:
        def chunk(name: bytes, content: bytes) -> bytes:
            body = name + content
            return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

        header = struct.pack(">IIBBBBB", 32, 24, 8, 0, 0, 0, 0)
        parts = [chunk(b"IHDR", header), chunk(b"IDAT", _zeros(15)), chunk(b"IEND", b"")]
        (place / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
        return place / "a.png"

    for name, (codec, content) in packed.items():
        yield Case("bomb", f"{name} in Zarr", in_zarr(codec, content))
    yield Case("bomb", "Deflate in HDF5", in_hdf5)
    yield Case("bomb", "Deflate in TIFF", in_tiff)
    yield Case("bomb", "Deflate in PNG", in_png)


def _zeros(wbits: int) -> bytes:
    """Pack a gigabyte of zeros: a megabyte of Deflate."""
    packer = zlib.compressobj(9, wbits=wbits)
    part = bytes(1 << 24)
    return b"".join(packer.compress(part) for _ in range(_BOMB >> 24)) + packer.flush()


def _zstd_zeros() -> bytes:
    """Pack a gigabyte of zeros: 8,192 blocks of one byte each, and no size in the header."""
    block = ((1 << 17) << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    return b"\x28\xb5\x2f\xfd\0\x70" + block * (_BOMB >> 17) + b"\1\0\0"


def sidecars(seed: int, count: int) -> Iterator[Case]:
    """JSON of any content beside an image, and things in its place that are no file."""
    rng = np.random.default_rng(seed)
    odd = [
        b"", b"{", b"null", b"3", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe{}", b"NaN",
        b'{"pixel_size": 1e999, "pixel_size_units": "nm"}', b" " * 2_000_000,
        b'{"pixel_size": %s, "pixel_size_units": "nm"}' % (b"9" * 5000),
    ]  # fmt: skip

    def beside(content: bytes) -> Callable[[Path], Path]:
        def write(place: Path) -> Path:
            np.save(place / "a.npy", np.eye(24, 32))
            (place / "a.json").write_bytes(content)
            return place / "a.npy"

        return write

    def no_file(make_it: Callable[[Path], object]) -> Callable[[Path], Path]:
        def write(place: Path) -> Path:
            np.save(place / "a.npy", np.eye(24, 32))
            make_it(place / "a.json")
            return place / "a.npy"

        return write

    for number, content in enumerate(odd):
        yield Case("sidecar", f"odd {number}", beside(content))
    for number in range(count):
        content = json.dumps(_any_json(rng, 0)).encode()
        yield Case("sidecar", f"any {number}", beside(content))
    yield Case("sidecar", "a pipe", no_file(os.mkfifo))
    yield Case("sidecar", "a folder", no_file(Path.mkdir))
    yield Case("sidecar", "a link to itself", no_file(lambda path: path.symlink_to(path.name)))


_WORDS = ["pixel_size", "pixel_size_y", "pixel_size_units", "field_of_view", "field_of_view_unit"]


def _any_json(rng: np.random.Generator, depth: int) -> object:
    """Draw any value that JSON knows, with words that mean something here."""
    kind = rng.integers(8 if depth < 4 else 6)
    if kind < 6:
        values = [None, True, float(rng.normal()), int(rng.integers(-(2**60), 2**60)), "nm", "1/nm"]
        return [*values, float("nan"), float("inf"), "\ud800", 0, "", -1][rng.integers(12)]
    size = rng.integers(6)
    if kind == 6:
        return [_any_json(rng, depth + 1) for _ in range(size)]
    return {str(rng.choice(_WORDS)): _any_json(rng, depth + 1) for _ in range(size)}
