"""HDF5 files that libhdf5 cannot cope with."""

from __future__ import annotations

import time

import h5py
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
    monkeypatch.setattr(hdf5_guard, "_SILENCE", 60.0)
    began = time.monotonic()
    with pytest.raises(InputError, match="hangs"):
        read_movie(path)
    assert time.monotonic() - began < 30, "it is tried once only"


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


def test_a_file_that_has_changed_is_tried_again(hanging_file, frames, monkeypatch):
    monkeypatch.setattr(hdf5_guard, "_SILENCE", 1.0)
    with pytest.raises(InputError, match="hangs"):
        read_movie(hanging_file)
    with h5py.File(hanging_file, "w") as file:
        file["data"] = frames
    assert read_movie(hanging_file).shape == frames.shape
