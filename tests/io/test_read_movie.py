from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import SUFFIXES, list_datasets, read_movie
from napari_lattice_symmetry.io.stack import memory_budget


@pytest.mark.parametrize("read", [read_movie, list_datasets])
def test_missing_file(tmp_path, read):
    with pytest.raises(InputError, match=r"a\.tif does not exist"):
        read(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_empty_file(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.touch()
    with pytest.raises(InputError, match=rf"^a\{suffix} is empty"):
        read_movie(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_random_bytes(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(InputError, match=rf"^a\{suffix} is not a"):
        read_movie(path)


def test_unknown_kind_names_the_known_ones(tmp_path):
    (tmp_path / "a.docx").write_text("a report")
    with pytest.raises(InputError, match=r"a\.docx .* \.tif, .*\.npz"):
        read_movie(tmp_path / "a.docx")


def test_memory_budget_is_some_of_this_machine():
    assert 1e6 < memory_budget() < 1e14


def test_importing_the_readers_loads_no_library_of_theirs():
    code = "import sys, napari_lattice_symmetry.io; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"tifffile", "h5py", "imageio", "PIL", "dask", "zarr", "napari", "tensorflow"}
    assert not heavy & set(loaded.stdout.split())
