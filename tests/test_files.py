"""Places on disk: what is replaced, and what is left as it was."""

from __future__ import annotations

import ast
import os
from functools import partial
from pathlib import Path

import pytest

import napari_lattice_symmetry
from napari_lattice_symmetry.errors import AnalysisError, InputError
from napari_lattice_symmetry.files import as_path, check_free, check_writable, replacing, writing


def test_a_file_is_moved_to_its_place_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "table.csv"
    with replacing(path) as partial:
        assert partial.suffix == ".csv", "some libraries write what the ending says"
        partial.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert [each.name for each in path.parent.iterdir()] == ["table.csv"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), TypeError("what")])
def test_a_failure_leaves_the_older_file(tmp_path, error):
    path = tmp_path / "table.csv"
    path.write_text("older")

    def write():
        with replacing(path) as partial:
            partial.write_text("half of")
            raise error

    with pytest.raises(InputError if isinstance(error, OSError) else TypeError) as caught:
        write()
    if isinstance(error, OSError):
        assert str(caught.value) == (
            f"{path} cannot be written (No space left on device); "
            "choose a folder in which you may write."
        )
    assert path.read_text() == "older"
    assert [each.name for each in tmp_path.iterdir()] == ["table.csv"]


def test_a_folder_replaces_a_folder(tmp_path):
    path = tmp_path / "run.zarr"
    path.mkdir()
    (path / "older").touch()
    with replacing(path) as partial:
        partial.mkdir()
        (partial / "newer").touch()
    assert [each.name for each in path.iterdir()] == ["newer"]
    assert [each.name for each in tmp_path.iterdir()] == ["run.zarr"]


def test_a_folder_is_never_replaced_by_a_file(tmp_path):
    path = tmp_path / "thesis"
    path.mkdir()
    (path / "all of it").touch()
    with (
        pytest.raises(InputError, match=r"thesis cannot be written"),
        replacing(path) as partial,
    ):
        partial.write_text("a table")
    assert [each.name for each in path.iterdir()] == ["all of it"]
    assert [each.name for each in tmp_path.iterdir()] == ["thesis"]


def test_only_its_like_is_replaced_and_only_if_asked(tmp_path):
    file, folder = tmp_path / "file", tmp_path / "folder"
    check_free(file, overwrite=False)
    file.touch()
    folder.mkdir()
    with pytest.raises(InputError, match=r"file exists; choose another name, or overwrite it\."):
        check_free(file, overwrite=False)
    check_free(file, overwrite=True)
    for overwrite in (False, True):
        with pytest.raises(InputError, match=r"folder exists and is not a file; choose another"):
            check_free(folder, overwrite=overwrite)


def test_the_sentence_can_end_with_what_is_saved(tmp_path):
    with (
        pytest.raises(AnalysisError, match=r"run cannot be written \(gone\); frames are kept\."),
        writing(tmp_path / "run", "frames are kept", AnalysisError),
    ):
        raise OSError("gone")


def test_a_place_is_tried_without_a_trace(tmp_path):
    check_writable(tmp_path / "run.zarr")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "notes").touch()
    with pytest.raises(InputError, match=r"run\.zarr cannot be written"):
        check_writable(tmp_path / "notes" / "run.zarr")


def test_what_is_left_of_a_trial_is_in_no_ones_way(tmp_path):
    (tmp_path / "run.zarr" / "probe.partial").mkdir(parents=True)
    check_writable(tmp_path / "run.zarr")
    assert [each.name for each in (tmp_path / "run.zarr").iterdir()] == ["probe.partial"]


@pytest.mark.parametrize("name", [3, None, "", "a\0b", b"a\0b", "\ud800", ["a"]])
def test_what_is_no_name_is_told(name):
    with pytest.raises(InputError, match="is the name of no file"):
        as_path(name)


def test_names_of_bytes_are_names():
    assert as_path(b"a.npy") == as_path("a.npy") == Path("a.npy")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders")
def test_a_device_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")  # as /dev/null, which root could replace by a file
    with (
        pytest.raises(InputError, match=r"pipe\.csv is a device or a pipe"),
        replacing(tmp_path / "pipe.csv"),
    ):
        pytest.fail("it was begun")
    assert (tmp_path / "pipe.csv").is_fifo()
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("length", [250, 300])
def test_a_name_that_is_too_long_is_told(tmp_path, length):
    """The first is one, but has no room for what is written beside it."""
    path = tmp_path / ("a" * length)
    for check in (partial(check_free, overwrite=False), check_writable):
        if length > 255 or check is check_writable:
            with pytest.raises(InputError, match=r"cannot be written .*; choose a shorter name"):
                check(path)
    with pytest.raises(InputError, match="choose a shorter name"), replacing(path) as partial_file:
        partial_file.touch()


def moves(node):
    """Tell whether a path is moved: what has one argument replaces no text."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("replace", "rename")
        and len(node.args) == 1
        and not node.keywords
    )


def test_files_are_moved_to_their_places_by_one_function():
    """Only parts of results move by themselves."""
    source = Path(napari_lattice_symmetry.__file__).parent
    movers = {
        file.relative_to(source).as_posix()
        for file in source.rglob("*.py")
        if any(map(moves, ast.walk(ast.parse(file.read_text(encoding="utf-8")))))
    }
    assert movers == {"files.py", "results/durable.py", "results/on_disk.py"}
