from __future__ import annotations

import os
import pickle
import subprocess
import sys

import h5py
import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import SUFFIXES, list_datasets, read_movie, read_movies
from napari_lattice_symmetry.io.loading import memory_budget


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


# RosettaSciIO leaves files that it cannot read to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_random_bytes(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    needs_others = r"(tells of|holds|cannot be read without)"
    with pytest.raises(InputError, match=rf"^a\{suffix} (is not a|{needs_others})"):
        read_movie(path)


def test_unknown_kind_names_the_known_ones(tmp_path):
    (tmp_path / "a.docx").write_text("a report")
    with pytest.raises(InputError, match=r"a\.docx .* \.tif, .*\.npz"):
        read_movie(tmp_path / "a.docx")


def test_several_datasets_are_several_movies(tmp_path, frames):
    np.savez(tmp_path / "a.npz", raw=frames, flat=frames[0], times=np.arange(5))
    raw, flat = read_movies(tmp_path / "a.npz")
    assert (raw.name, flat.name) == ("a raw", "a flat")
    np.testing.assert_array_equal(raw.frames, frames)
    np.testing.assert_array_equal(flat.frames, frames[:1])


def test_several_channels_are_several_movies(tmp_path, frames):
    np.save(tmp_path / "a.npy", np.stack([frames, 255 - frames], axis=1))
    movies = read_movies(tmp_path / "a.npy")
    assert [movie.name for movie in movies] == ["a 0", "a 1"]
    np.testing.assert_array_equal(movies[1].frames, 255 - frames)
    np.testing.assert_array_equal(movies[1].reopen().frames, movies[1].frames)


def test_movies_of_one_file_keep_it_open_together(tmp_path, frames, little_memory):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"], file["dark"] = frames, frames[::-1]
    movies = {movie.name: movie for movie in read_movies(tmp_path / "a.h5")}
    del movies["a dark"]
    np.testing.assert_array_equal(movies["a raw"].frames.compute(), frames)
    with pytest.raises(OSError, match="already open"):
        h5py.File(tmp_path / "a.h5", "w")
    movies.clear()
    h5py.File(tmp_path / "a.h5", "a").close()


def test_what_is_no_movie_does_not_hide_what_is(tmp_path, frames):
    np.savez(tmp_path / "a.npz", frames=frames, phases=np.zeros((9, 9), complex))
    assert len(read_movies(tmp_path / "a.npz")) == 1
    np.testing.assert_array_equal(read_movie(tmp_path / "a.npz").frames, frames)
    assert list_datasets(tmp_path / "a.npz") == ["frames", "phases"]
    with pytest.raises(InputError, match="complex128 values"):
        read_movie(tmp_path / "a.npz", dataset="phases")


def test_a_movie_that_is_opened_again_is_the_same(tmp_path, frames):
    np.save(tmp_path / "a.npy", frames)
    again = pickle.loads(pickle.dumps(read_movie(tmp_path / "a.npy").reopen))
    np.testing.assert_array_equal(again().frames, frames)


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("a.dm4", "rsciio.digitalmicrograph", "em"),
        ("a.emd", "rsciio.emd", "em"),
        ("a.ibw", "igor2.binarywave", "spm"),
        ("a.mp4", "av", "video"),
    ],
)
def test_a_library_that_is_missing_is_named(tmp_path, monkeypatch, name, module, extra):
    (tmp_path / name).write_bytes(b"anything")
    for part in (module, module.partition(".")[0]):
        monkeypatch.setitem(sys.modules, part, None)
    with pytest.raises(
        InputError, match=rf'^{name} .*pip install "napari-lattice-symmetry\[{extra}\]"'
    ):
        read_movie(tmp_path / name)


def test_libraries_keep_quiet_even_when_they_are_first_imported():
    pytest.importorskip("rsciio", reason="install the extra 'em'")
    code = """if True:
        import logging
        from pathlib import Path
        from napari_lattice_symmetry.io import silent_libraries
        from napari_lattice_symmetry.io.optional import require
        with silent_libraries():
            require("rsciio.mrc", "RosettaSciIO", "em", Path("a.mrc"))
            logging.getLogger("rsciio.mrc").warning("within")
        logging.getLogger("rsciio.mrc").warning("after")
    """
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "within" not in told.stdout + told.stderr
    assert "after" in told.stdout + told.stderr


def test_memory_budget_is_some_of_this_machine():
    assert 1e6 < memory_budget() < 1e14


def test_importing_the_readers_loads_no_library_of_theirs():
    code = "import sys, napari_lattice_symmetry.io; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {
        "rsciio",
        "igor2",
        "gwyfile",
        "av",
        "tifffile",
        "h5py",
        "imageio",
        "PIL",
        "dask",
        "zarr",
        "napari",
        "tensorflow",
    }
    assert not heavy & set(loaded.stdout.split())


def test_a_name_of_any_bytes_can_be_shown(tmp_path):
    path = tmp_path / os.fsdecode(b"a\xff.npy")
    np.save(path, np.eye(8))
    assert read_movie(path).name == r"a\xff"


@pytest.mark.parametrize("suffix", [*SUFFIXES, ""])
def test_a_pipe_is_not_waited_for(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    os.mkfifo(path)
    with pytest.raises(InputError, match=r"^a.* (is a pipe or a device|cannot be read)"):
        read_movie(path)
    if suffix:  # in a folder, it is no frame
        np.save(tmp_path / "b.npy", np.eye(8))
        assert len(read_movie(tmp_path)) == 1
