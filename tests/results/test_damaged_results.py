"""Saved results that were cut or changed: each is a clear error, or still a result."""

from __future__ import annotations

import errno
import json
import os

import numpy as np
import pytest
from click.testing import CliRunner
from zarr.storage import LocalStore

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.bravais.registry import REGISTRY
from napari_lattice_symmetry.cli import main
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.results import load_result
from napari_lattice_symmetry.results.maps import MAPS

CASES = 20  # of each file, which are some twenty


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """A saved result with all maps that there can be."""
    from stand_in import FakeClassifier

    path = tmp_path_factory.mktemp("results") / "run.zarr"
    frames = np.random.default_rng(0).normal(20, 15, (3, 48, 64))
    movie = Movie(frames, name="run", pixel_size=(0.02, 0.02), unit="nm", frame_time=0.5)
    parameters = AnalysisParameters(
        window=32,
        stride=16,
        samples=3,
        lattice_maps=True,
        plane_groups=True,
        distortion=((1, 0.1), (0, 1)),
    )
    model = FakeClassifier()
    model.sha256 = REGISTRY.entries["compact"]["sha256"]  # whose answers a verdict weighs
    result = analyze(movie, parameters, model=model)
    for name, spec in MAPS.items():
        # Noise has no lattice, and no file is written.
        if not spec.present(AnalysisParameters(answer="network")):
            result.maps[name][...] = 1
    result.save(path)
    return path


@pytest.fixture
def stored(intact):
    """The same, of which a test may change files."""
    before = {file: file.read_bytes() for file in intact.rglob("*") if file.is_file()}
    yield intact
    for file, content in before.items():
        file.write_bytes(content)


def read_all(path):
    """Read what there is of a result, and see that it is one."""
    result = load_result(path)
    assert result.state.shape == result.frame_indices.shape
    for name, maps in result.maps.items():
        values, spec = np.asarray(maps), MAPS[name]
        assert values.shape == spec.shape(len(result.state), result.grid), name
        assert values.dtype == spec.dtype, name
        if name.endswith("labels"):
            assert values.max(initial=0) <= 6


def damage(content, random):
    """Cut a file, or change some of its bytes."""
    if random.random() < 0.4:
        return content[: random.integers(len(content))]
    changed = bytearray(content)
    for place in random.integers(len(content), size=random.integers(1, 4)):
        changed[place] ^= random.integers(1, 256)
    return bytes(changed)


def names_of_files():
    names = ["zarr.json", *(f"{name}/zarr.json" for name in ("frame_indices", "labels", "mean"))]
    chunks = {name: "/".join("0" * len(spec.axes)) for name, spec in MAPS.items()}
    chunks |= {"state": "0", "frame_indices": "0"}
    return [*names, *(f"{name}/c/{chunk}" for name, chunk in chunks.items())]


@pytest.mark.parametrize("name", names_of_files())
def test_a_damaged_file_is_told_or_does_no_harm(stored, name):
    file = stored / name
    content = file.read_bytes()
    messages = []
    for case in range(CASES):
        file.write_bytes(damage(content, np.random.default_rng(case)))
        try:
            read_all(stored)
        except InputError as error:
            messages.append(str(error))
    assert all(str(stored) in message and "\n" not in message for message in messages)
    assert len(messages) == CASES if "/c/" in name else len(messages) > CASES / 2


@pytest.mark.parametrize("name", [name for name in names_of_files() if "/c/" in name])
def test_a_file_that_is_gone_is_told(stored, name):
    (stored / name).unlink()
    gone = f"is damaged .*a file of {name.partition('/')[0]} is gone"
    with pytest.raises(InputError, match=gone):
        read_all(stored)


@pytest.mark.parametrize("names", [("state", "labels"), ("state", "frame_indices", *MAPS)])
def test_files_that_are_gone_together_are_told(stored, names):
    for name in names:
        for file in (stored / name / "c").rglob("*"):
            if file.is_file():
                file.unlink()
    with pytest.raises(InputError, match=r"is damaged .*a file of state is gone"):
        load_result(stored)


def test_a_folder_in_the_place_of_a_file_is_told(stored):
    file = stored / "labels/c/0/0/0"
    file.unlink()
    file.mkdir()
    with pytest.raises(InputError, match=r"is damaged .*a file of labels is gone"):
        read_all(stored)
    file.rmdir()


def test_what_may_not_be_read_is_not_called_damaged(stored, monkeypatch):
    result = load_result(stored)

    async def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(LocalStore, "get", refuse)
    told = r"run\.zarr cannot be read \(Permission denied\); see that"
    with pytest.raises(InputError, match=told):
        np.asarray(result.labels)
    with pytest.raises(InputError, match=told):
        load_result(stored)


def cut(stored, name="mean/c/0/0/0/0"):
    content = (stored / name).read_bytes()
    (stored / name).write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("command", [("export", "--to"), ("report", "-o")])
def test_commands_name_a_damaged_file_in_one_sentence(stored, tmp_path, command):
    cut(stored, "labels/c/0/0/0")
    name, option = command
    output = tmp_path / ("run.tif" if name == "export" else "run.html")
    done = CliRunner().invoke(main, [name, str(stored), option, str(output)])
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {stored} is damaged (")
    assert done.output.count("\n") == 1
    assert not output.exists()


def test_a_class_that_there_is_not_is_told(stored):
    import zarr

    zarr.open_group(stored, mode="r+")["labels"][0, 0, 0] = 200
    with pytest.raises(InputError, match=r"run\.zarr is damaged .*labels holds the value 200"):
        np.asarray(load_result(stored).labels)


@pytest.mark.parametrize("name", ["state", "frame_indices", "fractions"])
def test_a_declared_size_is_not_believed(stored, name):
    for each in {"state", name}:
        about = json.loads((stored / each / "zarr.json").read_text())
        about["shape"][0] = 10**13
        about["chunk_grid"]["configuration"]["chunk_shape"][0] = 10**13
        (stored / each / "zarr.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match=r"run\.zarr is damaged"):
        load_result(stored)


@pytest.mark.parametrize(
    "change",
    [
        {"frame_shape": [10**9, 10**9]},
        {"calibration": {"pixel_size": [0, -1], "unit": "nm", "frame_time": None}},
        {"calibration": {"pixel_size": [1, 1], "unit": "parsec", "frame_time": None}},
        {"schema_version": "one"},
        {"provenance": 3},
        {"parameters": []},
        {"maps": [name for name in MAPS if name != "fractions"]},
    ],
)
def test_attributes_that_make_no_sense_are_told(stored, change):
    about = json.loads((stored / "zarr.json").read_text())
    about["attributes"] |= change
    (stored / "zarr.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match=r"run\.zarr is damaged"):
        load_result(stored)
