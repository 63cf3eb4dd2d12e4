"""HDF5 files that libhdf5 cannot cope with."""

from __future__ import annotations

import zlib

import h5py
import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.io.general import hdf5_guard


@pytest.fixture
def hanging_file(tmp_path, frames):
    """A whole file but for one byte: the size of a text on its heap."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["data"] = frames
        file.attrs["operator"] = "somebody"
    content = bytearray(path.read_bytes())
    content[content.index(b"GCOL") + 24] = 255
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("suffix", [".h5", ".hspy", ".emd"])
def test_a_file_that_hangs_the_library(hanging_file, monkeypatch, suffix):
    monkeypatch.setattr(hdf5_guard, "_SILENCE", 1.0)
    path = hanging_file.rename(hanging_file.with_suffix(suffix))
    with pytest.raises(InputError, match=rf"^a\{suffix} is damaged: the HDF5 library hangs"):
        read_movie(path)
    monkeypatch.setattr(hdf5_guard, "subprocess", None)  # it is tried once only
    with pytest.raises(InputError, match="hangs"):
        read_movie(path)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import os; os.abort()", "crashes"),
        ("x = b'1' * (1 << 30); import time; time.sleep(60)", "takes too much memory"),
    ],
)
def test_what_else_the_library_may_do(tmp_path, frames, monkeypatch, code, problem):
    (tmp_path / "trial.py").write_text(code)
    monkeypatch.setattr(hdf5_guard, "_TRIAL", tmp_path / "trial.py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = frames
    with pytest.raises(InputError, match=problem):
        read_movie(tmp_path / "a.h5")


def test_what_a_trial_tells_may_come_in_parts(tmp_path, frames, monkeypatch):
    (tmp_path / "trial.py").write_text(
        "import sys, time\n"
        "for part in ['0', '\\n', '12', '34\\n', '\\n']:\n"
        "    print(part, end='', flush=True)\n"
        "    time.sleep(0.1)\n"
    )
    monkeypatch.setattr(hdf5_guard, "_TRIAL", tmp_path / "trial.py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = frames
    assert read_movie(tmp_path / "a.h5").shape == frames.shape


def test_a_file_that_has_changed_is_tried_again(hanging_file, frames, monkeypatch):
    monkeypatch.setattr(hdf5_guard, "_SILENCE", 1.0)
    with pytest.raises(InputError, match="hangs"):
        read_movie(hanging_file)
    with h5py.File(hanging_file, "w") as file:
        file["data"] = frames
    assert read_movie(hanging_file).shape == frames.shape


def test_a_chunk_that_unpacks_into_more_than_it_holds(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        options = {"dtype": "u4", "chunks": (1, 32, 32), "compression": "gzip"}
        data = file.create_dataset("data", (5, 32, 32), **options)
        data[:] = 1
        data.id.write_direct_chunk((2, 0, 0), zlib.compress(bytes(1 << 24)))
    with pytest.raises(InputError, match=r"^a\.h5 is damaged: its chunks unpack into more"):
        read_movie(tmp_path / "a.h5")


def test_one_large_chunk_is_no_damage(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5_guard, "_MAX_MEMORY", 1 << 27)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        shape = (100, 1024, 512)
        options = {"dtype": "u2", "chunks": shape, "compression": "gzip"}
        file.create_dataset("data", shape, **options)[0, 0, 0] = 1
    assert read_movie(tmp_path / "a.h5").shape == shape


def test_frames_that_were_never_written_are_empty(tmp_path, frames):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", (500, 24, 32), "u1", chunks=(1, 24, 32))[3] = frames[0]
    movie = read_movie(tmp_path / "a.h5")
    np.testing.assert_array_equal(movie.frame(3), frames[0])
    assert not movie.frame(4).any()
