"""Results that get row after row, and rows in between."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from napari_lattice_symmetry.analysis import analyze, iter_analyze
from napari_lattice_symmetry.errors import AnalysisError, InputError
from napari_lattice_symmetry.results import durable, load_result
from napari_lattice_symmetry.results.growing import GrowingResult, open_growing_result

SOURCE = "/data/growth.tif"


@pytest.fixture(params=["plain", "all maps"])
def settings(request, parameters):
    if request.param == "plain":
        return parameters
    more = {"distortion": ((1.02, 0.0), (0.0, 1.0)), "lattice_maps": True}
    return parameters.model_copy(update=more)


@pytest.fixture
def open_store(movie, settings, fake_model, tmp_path):
    """Open the result on the disk, the frames of which may come from elsewhere."""

    def open_it(source=SOURCE, first=movie, dataset=None, **changed):
        path, wanted = tmp_path / "a.zarr", settings.model_copy(update=changed)
        if first is not None:
            first = replace(first, source=source, dataset=dataset)
        growing = SimpleNamespace(source=source, first=first, dataset=dataset, channel=None)
        growing.frames_are = None
        growing.set_by_hand = None, None
        return open_growing_result(path, growing, wanted, fake_model)

    return open_it


@pytest.fixture
def whole(movie, settings, fake_model):
    """What an analysis of the finished movie finds: the result, and its frames one by one."""
    frames = list(iter_analyze(movie, settings, model=fake_model))
    return analyze(movie, settings, model=fake_model), frames


def assert_same_arrays(one, other):
    for name in [*other.maps, "state", "frame_indices"]:
        ours, theirs = (np.asarray(getattr(result, name)) for result in (one, other))
        assert ours.dtype == theirs.dtype, name
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


def fill(result, frames, order):
    """Insert frames in some order, as a late file makes it, each at the row it then has."""
    present = []
    for number in order:
        row = sum(other < number for other in present)
        present.append(number)
        result.make_room(row, f"frame_{number}")
        frame = frames[number]
        result.insert(replace(frame, position=row))


ORDERS = [range(6), [0, 2, 3, 5, 1, 4], range(5, -1, -1)]


@pytest.mark.parametrize("order", ORDERS, ids=["in order", "late", "backwards"])
def test_growing_in_memory(movie, settings, fake_model, whole, order):
    finished, frames = whole
    result = GrowingResult.begin(movie, settings, fake_model)
    assert len(result.state) == 0
    fill(result, frames, order)
    assert_same_arrays(result, finished)
    assert result.names == [f"frame_{n}" for n in range(6)]
    assert result.provenance["weights_sha256"] == fake_model.sha256


@pytest.mark.parametrize("order", ORDERS, ids=["in order", "late", "backwards"])
def test_growing_on_disk(open_store, whole, tmp_path, order):
    finished, frames = whole
    with open_store() as result:
        fill(result, frames, order)
        assert_same_arrays(result, finished)
    assert_same_arrays(load_result(tmp_path / "a.zarr"), finished)
    assert load_result(tmp_path / "a.zarr").source == SOURCE


def test_rows_move_across_chunks(open_store, whole, monkeypatch):
    monkeypatch.setattr("napari_lattice_symmetry.results.store._MAX_CHUNK_FRAMES", 2)
    monkeypatch.setattr("napari_lattice_symmetry.results.growing._CHUNK_NAMES", 2)
    finished, frames = whole
    with open_store() as result:
        fill(result, frames, [1, 2, 3, 4, 5, 0])
        assert_same_arrays(result, finished)


@pytest.mark.parametrize("settings", ["plain"], indirect=True)
class TestContinuing:
    def test_what_is_there_is_continued(self, open_store, whole, tmp_path):
        finished, frames = whole
        with open_store() as result:
            fill(result, frames, [0, 1])
            result.make_room(2, "frame_2")  # killed before its maps came
        with open_store(first=None) as result:
            assert result.names == ["frame_0", "frame_1", "frame_2"]
            np.testing.assert_array_equal(result.done, [True, True, False])
            result.insert(frames[2])
            for number in range(3, 6):
                result.make_room(number, f"frame_{number}")
                result.insert(frames[number])
        assert_same_arrays(load_result(tmp_path / "a.zarr"), finished)

    @pytest.mark.parametrize("n_writes", [0, 1, 4, 9, 14, 18, 20, 22, 24])
    def test_a_kill_while_rows_move_costs_no_more_than_these(
        self, open_store, whole, tmp_path, n_writes
    ):
        """Whichever write is the last, the store is valid and can be continued."""
        finished, frames = whole
        with open_store() as result:
            fill(result, frames, [0, 1, 3, 4, 5])
            with killed_after(n_writes), pytest.raises(KilledError):
                result.make_room(2, "frame_2")
        assert load_result(tmp_path / "a.zarr").done[:2].all()
        with open_store(first=None) as result:
            assert result.names[:2] == ["frame_0", "frame_1"]
            assert len({*result.names}) == len(result.names)
            for number in range(6):
                name = f"frame_{number}"
                if name not in result.names:
                    result.make_room(number, name)
                if not result.done[result.names.index(name)]:
                    result.insert(frames[number])
        assert_same_arrays(load_result(tmp_path / "a.zarr"), finished)

    def test_others_are_not_continued(self, movie, open_store, whole, fake_model, tmp_path):
        finished, frames = whole
        with open_store() as result:
            fill(result, frames, [0])
        with pytest.raises(InputError, match="window=32"), open_store(window=40):
            pass
        with pytest.raises(InputError, match="of another movie"), open_store("/data/other"):
            pass
        settings = finished.parameters
        analyze(movie, settings, model=fake_model, output=tmp_path / "a.zarr", overwrite=True)
        with pytest.raises(InputError, match="to which no frames are added"), open_store():
            pass

    def test_full_disk_is_told(self, open_store, whole, tmp_path):
        full = OSError(28, "No space left on device")
        with open_store() as result:
            fill(result, whole[1], [0, 1])
            with killed_after(0, full), pytest.raises(AnalysisError, match="No space left"):
                result.make_room(2, "frame_2")
        assert load_result(tmp_path / "a.zarr").done.tolist() == [True, True]


class KilledError(BaseException):
    """Stands for the end of the process."""


@contextmanager
def killed_after(n_writes, error=KilledError):
    """Let so many files be written, and no more."""
    plain, left = durable._replace, [n_writes]

    def mortal(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise error
        plain(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "_replace", mortal)
        yield
