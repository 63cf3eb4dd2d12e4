from __future__ import annotations

import shutil

import h5py
import numcodecs
import numpy as np
import pytest
import zarr
from made_files import HYPERSPY_AXES, write_hyperspy, write_ome

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import list_datasets, read_labels, read_movie


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_with_its_calibration(tmp_path, frames, version):
    movie = read_movie(write_ome(tmp_path / "a.zarr", frames, version))
    np.testing.assert_array_equal(movie.frames, frames)
    assert movie.pixel_size == pytest.approx((0.02, 0.01))
    assert (movie.unit, movie.frame_time, movie.name) == ("nm", 0.5, "a")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_channels(tmp_path, frames, version):
    both = np.stack([frames, 255 - frames], axis=1)
    omero = {"channels": [{"label": "HAADF"}, {"label": "BF"}]}
    path = write_ome(tmp_path / "a.ome.zarr", both[:, :, None], version, "tczyx", omero=omero)
    movie = read_movie(path, channel="BF")
    np.testing.assert_array_equal(movie.frames, 255 - frames)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_labels_beside_an_image_are_no_movie(tmp_path, frames, version):
    path = write_ome(tmp_path / "a.ome.zarr", frames, version)
    group = zarr.open_group(path)
    about = {"labels": ["grains"]}
    labels = group.create_group("labels", attributes=about if version == "0.4" else {"ome": about})
    labels.create_group("grains").create_array("0", data=frames % 3)
    np.testing.assert_array_equal(read_movie(path).frames, frames)


def write_labels(path, version, **arrays):
    about = {"labels": list(arrays)}
    group = zarr.open_group(path)
    group.create_group("labels", attributes=about if version == "0.4" else {"ome": about})
    for name, data in arrays.items():
        write_ome(path / "labels" / name, data, version)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_labels_beside_an_image(tmp_path, frames, version):
    path = write_ome(tmp_path / "a.ome.zarr", frames, version)
    write_labels(path, version, grains=frames % 3, holes=frames > 200)
    grains, holes = read_labels(path)
    assert (grains.name, holes.name) == ("grains", "holes")
    np.testing.assert_array_equal(grains.frames, frames % 3)
    np.testing.assert_array_equal(holes.frames, frames > 200)
    assert (grains.unit, grains.frame_time) == ("nm", 0.5)
    assert grains.pixel_size == pytest.approx((0.02, 0.01))


def test_labels_beside_each_of_several_images(tmp_path, frames):
    zarr.create_group(tmp_path / "a.zarr", attributes={"ome": {"bioformats2raw.layout": 3}})
    for number in range(2):
        write_ome(tmp_path / "a.zarr" / str(number), frames, "0.5")
        write_labels(tmp_path / "a.zarr" / str(number), "0.5", grains=frames + number)
    one, two = read_labels(tmp_path / "a.zarr")
    assert (one.name, two.name) == ("grains", "grains 2")
    np.testing.assert_array_equal(two.frames, frames + 1)


def test_labels_that_are_no_whole_numbers(tmp_path, frames):
    path = write_ome(tmp_path / "a.ome.zarr", frames, "0.5")
    write_labels(path, "0.5", grains=frames / 2)
    with pytest.raises(InputError, match=r"^a\.ome\.zarr holds labels 'grains' of float64 values"):
        read_labels(path)


def test_no_labels(tmp_path, frames):
    zarr.create_array(tmp_path / "a.zarr", data=frames)
    np.save(tmp_path / "a.npy", frames)
    for path in (tmp_path, tmp_path / "a.zarr", tmp_path / "a.npy"):
        assert read_labels(path) == []
    with pytest.raises(InputError, match=r"^a\.ome\.zarr is not a readable ZARR file"):
        read_labels(write_escaping_labels(tmp_path / "a.ome.zarr", frames))


def write_escaping_labels(path, frames):
    write_ome(path, frames, "0.5")
    zarr.open_group(path).create_group("labels", attributes={"ome": {"labels": ["../../other"]}})
    return path


def test_ome_zarr_before_axes_had_names(tmp_path, frames):
    about = {"multiscales": [{"version": "0.1", "datasets": [{"path": "0"}]}]}
    group = zarr.create_group(tmp_path / "a.zarr", zarr_format=2, attributes=about)
    group.create_array("0", data=frames[:, None, None])
    movie = read_movie(tmp_path / "a.zarr")
    np.testing.assert_array_equal(movie.frames, frames)
    assert not movie.calibrated


@pytest.mark.parametrize("name", ["a.zarr", "a.zspy"])
def test_a_zipped_folder(tmp_path, frames, name):
    whole = tmp_path / "whole" / name
    if name == "a.zarr":
        write_ome(whole, frames, "0.5")
    else:
        write_hyperspy(whole, frames, HYPERSPY_AXES)
    zipped = shutil.make_archive(str(tmp_path / "packed"), "zip", whole)
    shutil.move(zipped, tmp_path / name)
    movie = read_movie(tmp_path / name)
    np.testing.assert_array_equal(movie.frames, frames)
    assert movie.pixel_size == pytest.approx((0.02, 0.01))


def test_series_beside_each_other(tmp_path, frames):
    root = zarr.create_group(tmp_path / "a.zarr", attributes={"ome": {"bioformats2raw.layout": 3}})
    for number in range(11):
        write_ome(tmp_path / "a.zarr" / str(number), frames + number, "0.5")
    assert len(list(root.groups())) == 11
    datasets = list_datasets(tmp_path / "a.zarr")
    assert len(datasets) == 11
    for number, dataset in enumerate(datasets):
        movie = read_movie(tmp_path / "a.zarr", dataset=dataset)
        np.testing.assert_array_equal(movie.frames, frames + number)


def test_a_plate_is_refused(tmp_path):
    zarr.create_group(tmp_path / "a.zarr", zarr_format=2, attributes={"plate": {"wells": []}})
    with pytest.raises(InputError, match=r"a\.zarr is a plate of many images"):
        read_movie(tmp_path / "a.zarr")


def test_a_path_inside_leads_to_nothing_outside(tmp_path, frames):
    write_ome(tmp_path / "other.zarr", frames, "0.4")
    about = {"multiscales": [{"axes": ["t", "y", "x"], "datasets": [{"path": "../other.zarr/0"}]}]}
    zarr.create_group(tmp_path / "a.zarr", zarr_format=2, attributes=about)
    with pytest.raises(InputError, match=r"^a\.zarr is not a readable ZARR file"):
        read_movie(tmp_path / "a.zarr")


def test_lazy(tmp_path, frames, little_memory):
    zarr.create_array(tmp_path / "a.zarr", data=frames, chunks=(1, 24, 32))
    movie = read_movie(tmp_path / "a.zarr")
    assert movie.frames.chunks == ((1,) * 5, (24,), (32,))
    np.testing.assert_array_equal(movie.frames.compute(), frames)


def test_plain_arrays(tmp_path, frames):
    zarr.create_array(tmp_path / "a.zarr", data=frames)
    np.testing.assert_array_equal(read_movie(tmp_path / "a.zarr").frames, frames)
    group = zarr.create_group(tmp_path / "b.zarr")
    group.create_array("raw", data=frames)
    group.create_array("times", data=np.arange(5))
    np.testing.assert_array_equal(read_movie(tmp_path / "b.zarr").frames, frames)


def test_a_zarr_folder_of_any_name(tmp_path, frames):
    write_ome(tmp_path / "run", frames, "0.5")
    np.testing.assert_array_equal(read_movie(tmp_path / "run").frames, frames)


def test_a_folder_that_is_no_zarr(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(InputError, match=r"a\.zarr is not a Zarr folder"):
        read_movie(tmp_path / "a.zarr")


def test_an_array_that_claims_ten_terabytes(tmp_path):
    shape = (1000, 100_000, 100_000)
    zarr.create_array(tmp_path / "a.zarr", shape=shape, chunks=(1, 1000, 1000), dtype="u1")
    with pytest.raises(InputError, match=r"a\.zarr does not fit into memory: 10,000,000,000 bytes"):
        read_movie(tmp_path / "a.zarr")


def test_an_array_that_claims_a_billion_frames(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(10**9, 9, 9), chunks=(1, 9, 9), dtype="u1")
    with pytest.raises(InputError, match=r"a\.zarr declares 1,000,000,000 frames"):
        read_movie(tmp_path / "a.zarr")


def test_frames_that_were_never_written_are_empty(tmp_path, frames):
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=(500, 512, 512), chunks=(1, 512, 512), dtype="f4"
    )
    array[3, :24, :32] = frames[0]
    movie = read_movie(tmp_path / "a.zarr", lazy=True)
    np.testing.assert_array_equal(movie.frame(3)[:24, :32], frames[0])
    assert not movie.frame(4).any()


PACKINGS = {
    "gzip": numcodecs.GZip(),
    "zlib": numcodecs.Zlib(),
    "zstd": numcodecs.Zstd(),
    "blosc": numcodecs.Blosc(),
    "lz4": numcodecs.LZ4(),
    "bz2": numcodecs.BZ2(),
    "lzma": numcodecs.LZMA(),
}


@pytest.mark.parametrize("name", PACKINGS)
def test_a_chunk_that_unpacks_into_more_than_it_holds(tmp_path, frames, name, monkeypatch):
    options = {"chunks": (1, 24, 32), "zarr_format": 2, "compressors": [PACKINGS[name]]}
    zarr.create_array(tmp_path / "a.zarr", data=frames, **options)
    np.testing.assert_array_equal(read_movie(tmp_path / "a.zarr").frames, frames)
    monkeypatch.setattr("napari_lattice_symmetry.io.general.zarr_bounds._FREE", 0)
    bomb = PACKINGS[name].encode(np.zeros(1 << 20, np.uint8))
    (tmp_path / "a.zarr/2.0.0").write_bytes(bytes(bomb))
    movie = read_movie(tmp_path / "a.zarr", lazy=True)
    monkeypatch.setattr(type(PACKINGS[name]), "decode", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(InputError, match=r"^a\.zarr is not .*its chunk 2\.0\.0 unpacks into more"):
        movie.frame(2)


def test_a_chunk_that_claims_ten_terabytes(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(9, 9), chunks=(3_000_000,) * 2, dtype="u1")
    with pytest.raises(InputError, match="claims chunks of 9,000,000,000,000 bytes"):
        read_movie(tmp_path / "a.zarr")


@pytest.mark.parametrize("role", ["filters", "compressors"])
def test_nothing_is_unpickled(tmp_path, monkeypatch, role):
    codecs = {"filters": None, "compressors": None, role: [numcodecs.Pickle()]}
    zarr.create_array(tmp_path / "a.zarr", shape=(9, 9), dtype="u1", zarr_format=2, **codecs)
    (tmp_path / "a.zarr/0.0").write_bytes(b"whatever is unpickled")
    monkeypatch.setattr(numcodecs.Pickle, "decode", lambda *_: pytest.fail("it was unpickled"))
    with pytest.raises(InputError, match=r"a\.zarr is not|is pickled, and not opened"):
        read_movie(tmp_path / "a.zarr")


def test_lost_metadata(tmp_path, frames):
    path = write_ome(tmp_path / "a.zarr", frames, "0.5")
    shutil.rmtree(path / "0")
    with pytest.raises(InputError, match=r"^a\.zarr is not a readable ZARR file"):
        read_movie(path)


@pytest.mark.parametrize("name", ["a.hspy", "a.zspy"])
def test_hyperspy_with_its_calibration(tmp_path, frames, name):
    path = write_hyperspy(tmp_path / name, frames, HYPERSPY_AXES)
    assert list_datasets(path) == ["run"]
    movie = read_movie(path)
    np.testing.assert_array_equal(movie.frames, frames)
    assert movie.pixel_size == pytest.approx((0.02, 0.01))
    assert movie.frame_time == 0.5
    assert movie.metadata["axis-2"]["scale"] == -10


@pytest.mark.parametrize("name", ["a.hspy", "a.zspy"])
def test_hyperspy_metadata_are_kept(tmp_path, frames, name):
    original = {"Microscope": {"voltage": 200.0, "name": "Titan"}, "detectors": ["HAADF", "BF"]}
    path = write_hyperspy(tmp_path / name, frames, HYPERSPY_AXES, original_metadata=original)
    assert read_movie(path).metadata["original_metadata"] == original


@pytest.mark.parametrize("name", ["a.hspy", "a.zspy"])
def test_hyperspy_signals_that_are_no_images(tmp_path, frames, name):
    energy = ("Energy loss", 0.1, "eV", False)
    scan = [("y", 1, "nm", True), ("x", 1, "nm", True)]
    image = [("y", 1, "nm", False), ("x", 1, "nm", False)]
    for i, spectra in enumerate(([*scan, energy], [energy, *scan], [energy, *image])):
        path = write_hyperspy(tmp_path / f"{i}{name}", frames, spectra)
        with pytest.raises(InputError, match=r"holds spectra \(along Energy loss\)"):
            read_movie(path)


def test_hyperspy_diffraction_stack_is_refused(tmp_path, frames):
    patterns = [("time", 1, "s", True), ("ky", 1, "1/nm", False), ("kx", 1, "1/nm", False)]
    with pytest.raises(InputError, match=r"a\.hspy is a diffraction pattern"):
        read_movie(write_hyperspy(tmp_path / "a.hspy", frames, patterns))


def test_not_hyperspy(tmp_path):
    h5py.File(tmp_path / "a.hspy", "w").close()
    with pytest.raises(InputError, match=r"a\.hspy is not a HyperSpy file"):
        read_movie(tmp_path / "a.hspy")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_frames_lie_along_the_axis_that_is_named_so(tmp_path, frames, zarr_format):
    names = ["y", "x", "time"]
    about = (
        {"dimension_names": names}
        if zarr_format == 3
        else {"attributes": {"_ARRAY_DIMENSIONS": names}}
    )
    data = np.moveaxis(frames, 0, 2)
    zarr.create_array(tmp_path / "a.zarr", data=data, zarr_format=zarr_format, **about)
    np.testing.assert_array_equal(read_movie(tmp_path / "a.zarr").frames, frames)
