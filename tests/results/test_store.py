from __future__ import annotations

import json
import os
import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from napari_lattice_symmetry.analysis import analyze, iter_analyze
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.results import MovieResult, is_result, load_result
from napari_lattice_symmetry.results.store import check_place


@pytest.fixture
def result(movie, parameters, fake_model):
    return analyze(movie, parameters, model=fake_model)


def assert_same(one, other):
    assert list(one.maps) == list(other.maps)
    for name, maps in one.maps.items():
        assert maps.dtype == other.maps[name].dtype, name
        np.testing.assert_array_equal(maps, other.maps[name], err_msg=name)
    for field in fields(MovieResult)[1:]:
        a, b = getattr(one, field.name), getattr(other, field.name)
        if hasattr(a, "dtype"):
            assert a.dtype == b.dtype, field.name
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        else:
            assert a == b, field.name
            assert type(a) is type(b), field.name


def test_round_trip_keeps_everything(result, tmp_path):
    result.save(tmp_path / "growth.zarr")
    assert_same(load_result(tmp_path / "growth.zarr"), result)


def test_round_trip_of_an_unfinished_uncalibrated_result(frames, parameters, fake_model, tmp_path):
    from napari_lattice_symmetry.data.movie import Movie

    movie = Movie(frames)
    result = MovieResult.empty(movie, parameters)
    result.insert(next(iter_analyze(movie, parameters, model=fake_model)))
    result.save(str(tmp_path / "part.zarr"))
    assert_same(load_result(str(tmp_path / "part.zarr")), result)


def test_other_programs_find_plain_zarr_3(result, tmp_path):
    result.save(tmp_path / "growth.zarr")
    mean = json.loads((tmp_path / "growth.zarr/mean/zarr.json").read_text())
    assert mean["zarr_format"] == 3
    assert mean["dimension_names"] == ["class", "time", "y", "x"]
    attributes = json.loads((tmp_path / "growth.zarr/zarr.json").read_text())["attributes"]
    assert attributes["schema_version"] == 1
    assert attributes["parameters"] == result.parameters.model_dump()
    assert attributes["calibration"] == {
        "pixel_size": [0.02, 0.01],
        "unit": "nm",
        "frame_time": 0.5,
    }


def test_older_result_is_replaced_only_if_asked(result, tmp_path):
    path = tmp_path / "growth.zarr"
    result.save(path)
    newer = replace(result, name="newer")
    with pytest.raises(InputError, match=r"growth.zarr exists; choose another name"):
        newer.save(path)
    assert load_result(path).name == "growth"
    newer.save(path, overwrite=True)
    assert load_result(path).name == "newer"
    assert [entry.name for entry in tmp_path.iterdir()] == ["growth.zarr"]


def test_what_is_no_result_is_never_replaced(result, tmp_path):
    import zarr

    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/thesis.txt").write_text("all of it")
    (tmp_path / "file").write_text("mine")
    zarr.create_group(tmp_path / "other.zarr", attributes={"format": "something else"})
    for name in ("folder", "file", "other.zarr"):
        with pytest.raises(InputError, match="exists and is not a result"):
            result.save(tmp_path / name, overwrite=True)
    assert (tmp_path / "folder/thesis.txt").read_text() == "all of it"
    assert (tmp_path / "file").read_text() == "mine"


def test_failure_while_writing_keeps_the_older_result(result, tmp_path, monkeypatch):
    path = tmp_path / "growth.zarr"
    result.save(path)
    broken = replace(result, name="broken", provenance={"not": object()})
    with pytest.raises(TypeError):
        broken.save(path, overwrite=True)
    assert_same(load_result(path), result)
    assert [entry.name for entry in tmp_path.iterdir()] == ["growth.zarr"]


def test_failure_while_moving_keeps_the_older_result(result, tmp_path, monkeypatch):
    path = tmp_path / "growth.zarr"
    result.save(path)
    rename = Path.rename

    def refuse_the_new(self, target):
        if target == path and load_result(self).name == "newer":
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new)
    with pytest.raises(InputError, match="Permission denied"):
        replace(result, name="newer").save(path, overwrite=True)
    assert_same(load_result(path), result)
    assert [entry.name for entry in tmp_path.iterdir()] == ["growth.zarr"]


def test_folders_on_the_way_are_made(result, tmp_path):
    result.save(tmp_path / "2024" / "may" / "growth.zarr")
    assert is_result(tmp_path / "2024" / "may" / "growth.zarr")


def test_place_below_a_file_is_told(result, tmp_path):
    (tmp_path / "notes").write_text("")
    with pytest.raises(InputError, match=r"growth.zarr cannot be written \(.+\); choose a folder"):
        result.save(tmp_path / "notes" / "growth.zarr")


def test_lack_of_permission_is_told_beforehand(tmp_path, monkeypatch):
    def refuse(self, *arguments, **keywords):
        if self.parent == tmp_path:  # root may write anywhere, so the system cannot be asked
            raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match=r"cannot be written \(Permission denied\)"):
        check_place(tmp_path / "growth.zarr")


def test_checking_a_target_leaves_no_trace(tmp_path):
    check_place(tmp_path / "growth.zarr")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_result_is_not_loaded(tmp_path):
    (tmp_path / "file.zarr").write_text("not a folder")
    (tmp_path / "empty.zarr").mkdir()
    for name in ("file.zarr", "empty.zarr", "absent.zarr"):
        assert not is_result(tmp_path / name)
        with pytest.raises(InputError, match=f"{name} is not a saved result"):
            load_result(tmp_path / name)


def edit_attributes(path, change):
    described = json.loads((path / "zarr.json").read_text())
    change(described["attributes"])
    (path / "zarr.json").write_text(json.dumps(described))


def test_result_of_a_newer_version_is_told(result, tmp_path):
    path = tmp_path / "growth.zarr"
    result.save(path)
    edit_attributes(path, lambda attributes: attributes.update(schema_version=99))
    with pytest.raises(InputError, match="newer version"):
        load_result(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: shutil.rmtree(path / "mean"),
        lambda path: edit_attributes(path, lambda attributes: attributes.pop("calibration")),
        lambda path: edit_attributes(path, lambda a: a["parameters"].update(stride=0)),
    ],
)
def test_damaged_result_is_told(result, tmp_path, damage):
    path = tmp_path / "growth.zarr"
    result.save(path)
    damage(path)
    with pytest.raises(InputError, match=r"growth\.zarr is damaged") as caught:
        load_result(path)
    assert "\n" not in str(caught.value)


def test_saves_where_folders_cannot_be_opened(result, tmp_path, monkeypatch):
    real = os.open

    def refuse_folders(path, *args, **kwargs):
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr("os.open", refuse_folders)
    result.save(tmp_path / "growth.zarr")
    monkeypatch.undo()
    assert_same(result, load_result(tmp_path / "growth.zarr"))
