"""Damaged files: each ends in one sentence or in a movie, soon, and without taking the memory.

They are read in processes of their own, which are ended when they hang and started anew.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
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

from napari_lattice_symmetry.hyperstack import Hyperstack
from napari_lattice_symmetry.io.writing import write_hyperstack

N_CUTS = 50
N_CHANGED = 10
SECONDS = 5  # of computing; a busy machine takes longer by the clock
HANGING = 60
BYTES = 1 << 30
TOLD = 4000  # bytes that libraries may write on standard error about one file

FOLDER = os.environ.get("LATTICE_SYMMETRY_DATA")
REAL = sorted(Path(FOLDER, "formats").iterdir()) if FOLDER else []
NEIGHBOURS = {".emi": "tia_stack5_1.ser", ".Z_mtrx": "20201111_0001.mtrx"}


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
            for neighbour in opened.parent.glob(NEIGHBOURS.get(opened.suffix, opened.name)):
                shutil.copy(neighbour, place)
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
        wrong = [
            case for case in threads.map(check, enumerate(damage(content, len(content)))) if case
        ]
    assert not wrong


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_files(readers, tmp_path, path):
    check_damaged(readers, path, path, tmp_path)


def made_hdf5(path, frames):
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=frames, chunks=True, compression="gzip")


def made_gsf(path, frames):
    y, x = frames[0].shape
    header = f"Gwyddion Simple Field 1.0\nXRes = {x}\nYRes = {y}\n".encode()
    path.write_bytes(header + bytes(4 - len(header) % 4) + frames[0].astype("<f4").tobytes())


def made_hyperstack(path, frames):
    write_hyperstack(Hyperstack("run", {"a": frames, "b": frames}), path)


MADE = {
    "a.tif": lambda path, frames: tifffile.imwrite(path, frames, imagej=True),
    "lzw.tif": lambda path, frames: tifffile.imwrite(path, frames, compression="lzw"),
    "a.ome.tif": made_hyperstack,
    "a.png": lambda path, frames: iio.imwrite(path, frames[0]),
    "a.jpg": lambda path, frames: iio.imwrite(path, frames[0]),
    "a.bmp": lambda path, frames: iio.imwrite(path, frames[0]),
    "a.gif": iio.imwrite,
    "a.npy": np.save,
    "a.npz": np.savez_compressed,
    "a.h5": made_hdf5,
    "a.gsf": made_gsf,
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", MADE)
def test_made_files(readers, tmp_path, frames, name):
    (tmp_path / "whole").mkdir()
    path = tmp_path / "whole" / name
    MADE[name](path, frames)
    check_damaged(readers, path, path, tmp_path)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", ["zarr.json", "0/zarr.json", "0/c/0/0/0/0"])
def test_parts_of_ome_zarr(readers, tmp_path, frames, part):
    (tmp_path / "whole").mkdir()
    path = tmp_path / "whole" / "a.zarr"
    made_hyperstack(path.with_name("a.ome.zarr"), frames)
    path.with_name("a.ome.zarr").rename(path)
    check_damaged(readers, path, path / part, tmp_path)


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
