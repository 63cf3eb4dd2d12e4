"""Damaged files: each ends in one sentence or in a movie, soon, and without taking the memory.

They are read in processes of their own, which are ended when they hang and started anew.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import h5py
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
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
from napari_lattice_symmetry.io.formats import OPENERS
from napari_lattice_symmetry.io.writing.write import write_layer_stack

N_CUTS = 50
N_CHANGED = 10
N_CASES = N_CUTS + N_CHANGED
SECONDS = 5  # of computing; a busy machine takes longer by the clock
HANGING = 60
BYTES = 1 << 30
TOLD = 4000  # bytes that libraries may write on standard error about one file

FOLDER = os.environ.get("LATTICE_SYMMETRY_DATA")
REAL = sorted(Path(FOLDER, "formats").iterdir()) if FOLDER else []
NEIGHBORS = {".emi": "tia_stack5_1.ser", ".Z_mtrx": "20201111_0001.mtrx"}


class Reader:
    """A process that reads files."""

    def __init__(self, folder):
        self._told = folder / "stderr"
        self._start()

    def _start(self):
        with self._told.open("wb") as told:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("fuzz_worker.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=told,
                text=True,
            )

    def read(self, path):
        """Give what is wrong with how the reading of `path` ended; nothing if all is well."""
        told = self._told.stat().st_size
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            line = self._process.stdout.readline() if selector.select(HANGING) else ""
        if not line:
            crashed = self._process.poll()
            self.stop()
            self._start()
            return "it hangs" if crashed is None else f"it crashes ({crashed})"
        report = json.loads(line)
        told = self._told.stat().st_size - told
        wrong = [
            report["ended"] not in ("read", "refused") and f"{report['ended']}: {report['says']}",
            report["seconds"] > SECONDS and f"it takes {report['seconds']:.1f} s",
            report["grown"] > BYTES and f"it takes {report['grown']:,} bytes",
            told > TOLD and f"it fills the screen with {told:,} bytes",
            report["ended"] == "refused" and not report["says"] and "it says nothing",
        ]
        return "; ".join(filter(None, wrong))

    def stop(self):
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    """Two readers, for two cores."""
    pool = SimpleQueue()
    readers = [Reader(tmp_path_factory.mktemp("reader")) for _ in range(2)]
    for reader in readers:
        pool.put(reader)
    yield pool
    for reader in readers:
        reader.stop()


def damage(content, seed):
    """Cut the content at many places, and change bytes, in the first ones more than elsewhere."""
    for end in np.linspace(1, len(content) - 1, N_CUTS).astype(int):
        yield f"cut at {end}", content[:end]
    rng = np.random.default_rng(seed)
    for number in range(N_CHANGED):
        changed = np.frombuffer(content, np.uint8).copy()
        reach = len(content) if number % 2 else min(len(content), 4096)
        places = rng.integers(0, reach, 4 ** (number % 5))
        changed[places] = rng.integers(0, 256, len(places))
        yield f"change {number}", changed.tobytes()


def check_damaged(readers, opened, damaged, folder):
    """Damage a file again and again, and open it, or the folder in which it lies."""
    content = damaged.read_bytes()

    def check(case):
        number, (name, damaged_content) = case
        place = folder / str(number)
        place.mkdir()
        if opened.is_dir():
            shutil.copytree(opened, place / opened.name)
        else:
            for neighbor in opened.parent.glob(NEIGHBORS.get(opened.suffix, opened.name)):
                shutil.copy(neighbor, place)
        target = place / damaged.relative_to(opened.parent)
        target.unlink(missing_ok=True)
        target.write_bytes(damaged_content)
        reader = readers.get()
        try:
            wrong = reader.read(place / opened.name)
        finally:
            readers.put(reader)
            shutil.rmtree(place)
        return f"{name}: {wrong}" if wrong else ""

    with ThreadPoolExecutor(2) as threads:
        ended = list(threads.map(check, enumerate(damage(content, len(content)))))
    assert len(ended) == N_CASES
    assert not list(filter(None, ended))


@pytest.mark.slow
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_files(readers, tmp_path, path):
    check_damaged(readers, path, path, tmp_path)


def made_hdf5(path, frames):
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=frames, chunks=True, compression="gzip")


def made_prz(path, frames):
    with path.open("wb") as file:
        np.savez_compressed(file, data=frames[0], meta_data_json='[{"type": "Image"}]')


def made_blo(path, frames):
    path.write_bytes(struct.pack("<6s H 3I 4H", b"IMGBLO", 258, 0, 0, 0, 8, 0, 4, 3) + bytes(768))


def made_video(path, frames):
    pytest.importorskip("av", reason="install the extra 'video'")
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
PARTS = {  # of folders: the whole, the file in it that is damaged
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
DAMAGED_PARTS = [(name, part) for name, (_, parts) in PARTS.items() for part in parts]


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_made_files(readers, tmp_path, frames, name):
    (tmp_path / "whole").mkdir()
    path = tmp_path / "whole" / name
    MADE[name](path, frames)
    check_damaged(readers, path, path, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "part"), DAMAGED_PARTS)
def test_parts_of_folders(readers, tmp_path, frames, name, part):
    (tmp_path / "whole").mkdir()
    path = tmp_path / "whole" / name
    make, _ = PARTS[name]
    make(path, frames)
    check_damaged(readers, path, path / part, tmp_path)


def test_there_are_enough_cases():
    """Of made files alone, as real ones are not everywhere; each does all its cases."""
    assert (len(MADE) + len(DAMAGED_PARTS)) * N_CASES >= 2000


def test_every_reader_is_among_them(shared_data):
    suffixes = {path.suffix.lower() for path in (*map(Path, (*MADE, *PARTS)), *REAL)}
    readers = {reader for suffix, reader in OPENERS.items() if suffix in suffixes}
    assert readers == set(OPENERS.values())


def test_the_check_sees_what_is_wrong(tmp_path, monkeypatch):
    """Else all the others could not fail."""
    reader = Reader(tmp_path)
    with monkeypatch.context() as impatient:
        impatient.setattr(sys.modules[__name__], "HANGING", 0.01)
        assert reader.read(tmp_path / "absent.npy") == "it hangs"  # it has not even begun
    assert not reader.read(tmp_path / "absent.npy")
    monkeypatch.setattr(sys.modules[__name__], "SECONDS", -1)
    monkeypatch.setattr(sys.modules[__name__], "BYTES", -1)
    assert "it takes 0.0 s; it takes 0 bytes" in reader.read(tmp_path / "absent.npy")
    reader.stop()
