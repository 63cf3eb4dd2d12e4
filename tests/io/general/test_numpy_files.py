from __future__ import annotations

import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest
import tifffile

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import list_datasets, read_movie


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (self.path.touch, ())


@pytest.mark.parametrize("dtype", ["uint8", ">u2", "i4", "f2", ">f8", "bool"])
def test_npy(tmp_path, frames, dtype):
    np.save(tmp_path / "a.npy", frames.astype(dtype))
    movie = read_movie(tmp_path / "a.npy")
    np.testing.assert_array_equal(movie.frames, frames.astype(dtype))
    assert movie.frames.dtype.isnative
    assert not movie.calibrated


def test_one_image_is_a_movie_of_one_frame(tmp_path, frames):
    np.save(tmp_path / "a.npy", np.asfortranarray(frames[0]))
    np.testing.assert_array_equal(read_movie(tmp_path / "a.npy").frames, frames[:1])


def test_the_movie_outlives_its_file(tmp_path, frames):
    np.save(tmp_path / "a.npy", frames)
    movie = read_movie(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", 255 - frames)
    np.testing.assert_array_equal(movie.frames, frames)


def test_a_last_axis_of_three_or_four_is_color(tmp_path, frames):
    gray = frames.astype(np.float64)
    np.save(tmp_path / "a.npy", np.stack([gray] * 3, axis=-1))
    movie = read_movie(tmp_path / "a.npy")
    np.testing.assert_allclose(movie.frames, gray)
    assert movie.frames.dtype == np.float64


@pytest.mark.parametrize("n_frames", [1, 5])
def test_a_last_axis_of_one_is_gray(tmp_path, frames, n_frames):
    np.save(
        tmp_path / "a.npy", frames[..., np.newaxis] if n_frames > 1 else frames[0, ..., np.newaxis]
    )
    np.testing.assert_array_equal(read_movie(tmp_path / "a.npy").frames, frames[:n_frames])


@pytest.mark.parametrize("save", [np.save, tifffile.imwrite], ids=["npy", "tif"])
def test_colors_take_no_more_memory_than_their_luminance(tmp_path, save):
    colors = np.random.default_rng(0).integers(0, 255, (50, 64, 64, 3), np.uint8)
    path = tmp_path / f"a.{'npy' if save is np.save else 'tif'}"
    save(path, colors)
    read_movie(path)  # so that all is imported
    tracemalloc.start()
    movie = read_movie(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert movie.frames.nbytes == 50 * 64 * 64 * 4
    assert peak < 1.5 * movie.frames.nbytes


def test_four_axes_ask_for_a_channel(tmp_path, frames):
    np.save(tmp_path / "a.npy", np.stack([frames, 255 - frames], axis=1))
    with pytest.raises(InputError, match=r"a\.npy holds 2 channels; choose .*: 0, 1\."):
        read_movie(tmp_path / "a.npy")
    np.testing.assert_array_equal(read_movie(tmp_path / "a.npy", channel=0).frames, frames)


def test_lazy(tmp_path, frames, little_memory):
    np.save(tmp_path / "a.npy", frames)
    movie = read_movie(tmp_path / "a.npy")
    assert movie.frames.chunks == ((1,) * 5, (24,), (32,))
    np.testing.assert_array_equal(movie.frames.compute(), frames)


def test_a_lazy_frame_that_is_lost_names_the_file(tmp_path, frames, little_memory):
    np.save(tmp_path / "a.npy", frames)
    movie = read_movie(tmp_path / "a.npy")
    (tmp_path / "a.npy").unlink()
    with pytest.raises(InputError, match=r"^a\.npy is not a readable NPY file"):
        movie.frame(0)


@pytest.mark.parametrize("shape", [(7,), (), (2, 2, 2, 8, 8)])
def test_shapes_that_are_no_movie(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape))
    with pytest.raises(InputError, match=r"^a\.npy holds an array of shape \("):
        read_movie(tmp_path / "a.npy")


def test_values_that_are_no_gray_values(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((8, 8), complex))
    with pytest.raises(InputError, match=r"a\.npy holds complex128 values"):
        read_movie(tmp_path / "a.npy")


def test_an_empty_stack(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((0, 8, 8)))
    with pytest.raises(InputError, match=r"a\.npy holds an empty stack"):
        read_movie(tmp_path / "a.npy")


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_nothing_is_unpickled(tmp_path, name):
    sprung = tmp_path / "sprung"
    objects = np.array([[Trap(sprung)]], dtype=object)
    save = np.save if name == "a.npy" else np.savez
    save(tmp_path / name, objects)
    with pytest.raises(InputError, match=f"^{name} holds pickled Python objects"):
        read_movie(tmp_path / name)
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))
    assert sprung.exists(), "the trap does not work"


@pytest.mark.parametrize("size", [5, 9, 60, 200])
def test_truncated_npy(tmp_path, frames, size):
    np.save(tmp_path / "whole.npy", frames)
    (tmp_path / "a.npy").write_bytes((tmp_path / "whole.npy").read_bytes()[:size])
    with pytest.raises(InputError, match=r"^a\.npy is "):
        read_movie(tmp_path / "a.npy")


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_a_header_that_claims_ten_terabytes(tmp_path, kind):
    path = tmp_path / "a.npy"
    facts = {"descr": "<f8", "fortran_order": False, "shape": (1000, 50000, 25000)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, facts)
        file.write(bytes(100))
    if kind == "npz":
        with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, "a.npy")
    with pytest.raises(InputError, match=rf"^a\.{kind} is damaged or truncated"):
        read_movie(path.with_suffix(f".{kind}"))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_takes_its_only_image(tmp_path, frames, save):
    save(tmp_path / "a.npz", movie=frames, times=np.arange(5))
    assert list_datasets(tmp_path / "a.npz") == ["movie"]
    np.testing.assert_array_equal(read_movie(tmp_path / "a.npz").frames, frames)


def test_npz_with_something_else_in_it(tmp_path, frames):
    np.savez(tmp_path / "a.npz", movie=frames)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("notes.txt", "taken at night")
    np.testing.assert_array_equal(read_movie(tmp_path / "a.npz").frames, frames)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_versions_of_npy(tmp_path, frames, version):
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, frames, version)
    np.testing.assert_array_equal(read_movie(tmp_path / "a.npy").frames, frames)


def test_a_pattern_at_each_point_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((20, 30, 8, 8)))
    with pytest.raises(InputError, match=r"a\.npy holds four-dimensional data \(20 x 30 x 8 x 8\)"):
        read_movie(tmp_path / "a.npy")


def test_npz_asks_which_of_several(tmp_path, frames):
    path = tmp_path / "a.npz"
    np.savez(path, raw=frames, flat=frames[0])
    with pytest.raises(InputError, match=r"raw \(5, 24, 32\), flat \(24, 32\)"):
        read_movie(path)
    with pytest.raises(InputError, match=r"no dataset 'dark'.*raw"):
        read_movie(path, dataset="dark")
    np.testing.assert_array_equal(read_movie(path, dataset="flat").frames, frames[:1])


def test_npz_cannot_be_read_in_parts(tmp_path, frames, little_memory):
    np.savez_compressed(tmp_path / "a.npz", frames)
    with pytest.raises(InputError, match=r"a\.npz does not fit into memory: 3,840 bytes"):
        read_movie(tmp_path / "a.npz")


def test_an_axis_of_one_gray_value_is_none(tmp_path, frames):
    np.save(tmp_path / "a.npy", frames[..., np.newaxis])
    np.testing.assert_array_equal(read_movie(tmp_path / "a.npy").frames, frames)
