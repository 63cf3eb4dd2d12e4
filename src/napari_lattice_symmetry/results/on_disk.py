"""Results that are written while they are made, so that a run can be killed and continued."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import NANOMETER, PIXEL, Movie, frame_checksum, unit_name
from napari_lattice_symmetry.errors import AnalysisError, InputError
from napari_lattice_symmetry.files import PARTIAL, as_path, remove, writing
from napari_lattice_symmetry.results.maps import MAPS
from napari_lattice_symmetry.results.result import FrameResult, MovieResult, load_result
from napari_lattice_symmetry.results.schema import describe
from napari_lattice_symmetry.results.store import (
    check_place,
    create_group,
    every_chunk,
    open_group,
    read_fields,
)

if TYPE_CHECKING:
    import zarr

logger = logging.getLogger(__name__)

Result = TypeVar("Result", bound="StreamedResult")


@dataclass(eq=False, kw_only=True)
class StreamedResult(MovieResult):
    """A result whose maps lie in a Zarr group; what is inserted is on the disk.

    Of a frame that is not done, maps may be there in part; it is done again.

    Attributes
    ----------
    path : pathlib.Path
        Where they lie.
    group : zarr.Group
        Open for writing.
    writers : concurrent.futures.Executor
        Writes arrays side by side, to wait for the disk only once.
    """

    path: Path
    group: zarr.Group
    writers: Executor

    def __post_init__(self) -> None:
        with every_chunk():
            self.arrays: dict[str, Any] = {name: self.group[name] for name in self.maps}
            self.stored_state: Any = self.group["state"]

    def insert(self, frame: FrameResult) -> None:
        """Write the maps of a frame, and then that they are there.

        Raises
        ------
        AnalysisError
            If they cannot be written; frames inserted earlier stay.
        """
        row = frame.position

        def write(name: str) -> None:
            self.arrays[name][MAPS[name].at(row)] = frame.maps[name]

        with self._writing():
            list(self.writers.map(write, self.maps))
            self.stored_state[row] = frame.state
        for name in self.series:
            self.maps[name][row] = frame.maps[name]
        self.state[row] = frame.state

    @property
    def series(self) -> list[str]:
        """Names of what is one value a frame and class, and is in memory too."""
        return [name for name in self.maps if not MAPS[name].on_grid]

    def _writing(self) -> AbstractContextManager[None]:
        advice = "finished frames are kept, and the same run continues after them"
        return writing(self.path, advice, AnalysisError)


def check_target(
    path: str | Path, movie: Movie, parameters: AnalysisParameters, *, overwrite: bool = False
) -> None:
    """See that a run can be done and write to `path`, or continue what is there.

    Raises
    ------
    InputError
        If the window does not fit into the frames, or no frame is to be analyzed; if `path`
        cannot be written, or holds something else, or the result of another movie, calibration
        or other parameters and `overwrite` is False.
    """
    path = as_path(path)
    describe(movie, parameters, {})  # tells bad geometry first
    check_place(path, overwrite=True)
    if overwrite or not path.exists():
        return
    there = load_result(path)
    check_parameters(path, there.parameters, parameters)
    if not _may_be_of(there, movie):
        raise InputError(
            f"{path} is the result of another movie ({there.source or there.name}); choose "
            "another name, or overwrite it."
        )
    known = movie.calibrated or there.unit == PIXEL  # else it was set by hand, and holds on
    size = movie.pixel_size if known else None
    check_calibration(path, there, size, movie.frame_time, unit=movie.unit)


def _may_be_of(there: MovieResult, movie: Movie) -> bool:
    """Return whether a result can be of this movie, as far as that is told without its frames."""
    if "checksum" not in there.maps:  # as in the first version
        return there.provenance.get("movie_sha256") == movie.fingerprint
    indices = there.parameters.frame_indices(len(movie))
    shape = movie.shape[1:]
    return there.grid.frame_shape == shape and there.frame_indices.tolist() == [*indices]


def check_frames(path: Path, movie: Movie, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Read the frames of which a result is kept, and compare them with what was analyzed.

    Those that cannot be read any more are passed over, and all that are left once `should_stop`
    says True, after which nothing is inserted.

    Raises
    ------
    InputError
        If one is another frame now; two acquisitions must not be mixed.
    """
    there = load_result(path)
    for row in np.flatnonzero(there.done) if "checksum" in there.maps else ():
        if should_stop():
            return
        index = int(there.frame_indices[row])
        try:
            found = frame_checksum(movie.frame(index))
        except Exception:  # its reader may raise anything; unread, it is no other frame either
            continue
        if found != there.maps["checksum"][row]:
            raise InputError(
                f"{path}: frame {index} of {movie.source or movie.name} is not the one that was "
                "analyzed; choose another name, or overwrite it."
            )


def check_calibration(
    path: Path,
    there: MovieResult,
    pixel_size: tuple[float, float] | None,
    frame_time: float | None,
    *,
    unit: str = NANOMETER,
) -> None:
    """See that a result has this calibration, as far as it is known.

    Parameters
    ----------
    path : pathlib.Path
        Of the result.
    there : MovieResult
        The result.
    pixel_size : (float, float), optional
        Along y and x, in `unit`.
    frame_time : float, optional
        In seconds.
    unit : {"nm", "pixel"}
        Of the pixel size.

    Raises
    ------
    InputError
        If it has another one, or none.
    """
    same_size = pixel_size is None or (pixel_size, unit) == (there.pixel_size, there.unit)
    if same_size and frame_time in (None, there.frame_time):
        return
    height, width = there.pixel_size
    size = f"{height:g} x {width:g} {unit_name(there.unit)} (y, x)"
    time = "no frame time" if there.frame_time is None else f"{there.frame_time:g} s"
    raise InputError(
        f"{path} was made with another calibration ({size}, {time}); choose another name, or "
        "overwrite it."
    )


def check_parameters(path: Path, theirs: AnalysisParameters, ours: AnalysisParameters) -> None:
    """See that a result was made with the parameters with which it is to be continued.

    The engine may be another one; versions are noted. Of a network that no verdict knows, the
    answer is its own.

    Raises
    ------
    InputError
        If it was not.
    """
    wanted, made_with = (
        each.model_dump(exclude={"engine"}) for each in (ours.answerable(), theirs)
    )
    other = [f"{name}={value!r}" for name, value in made_with.items() if wanted[name] != value]
    if other:
        raise InputError(
            f"{path} was made with {', '.join(other)}; use that to continue it, choose another "
            "name, or overwrite it."
        )


@contextmanager
def open_result(
    path: str | Path,
    movie: Movie,
    parameters: AnalysisParameters,
    provenance: dict[str, Any],
    *,
    overwrite: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[StreamedResult]:
    """Open a result to insert frames into: a new one, or an unfinished one to continue.

    Nobody else can open it meanwhile. A new one in which no frame is done in the end is
    removed, and what it was to replace is put back.

    Raises
    ------
    InputError
        As in `check_target` and `check_frames`, and if another run writes to `path` or the network
        is not the one that `path` was made with.
    """
    path = as_path(path)
    about = describe(movie, parameters, provenance)

    def check() -> None:
        check_target(path, movie, parameters, overwrite=overwrite)
        if path.exists() and not overwrite:
            check_frames(path, movie, should_stop)

    with open_to_write(
        path,
        StreamedResult,
        provenance,
        check=check,
        create=lambda new: create_group(new, about),
        overwrite=overwrite,
    ) as result:
        yield result


@contextmanager
def open_to_write(
    path: Path,
    kind: type[Result],
    provenance: dict[str, Any],
    *,
    check: Callable[[], object],
    create: Callable[[Path], object],
    overwrite: bool,
) -> Iterator[Result]:
    """Open a result of the class `kind`: a new one, or one that `check` lets be continued.

    Raises
    ------
    InputError
        As in `open_result`.
    """
    new, old, lock = (path.with_name(f".{path.name}.{part}") for part in ("new", "old", "lock"))
    check_place(path, overwrite=True)
    with _locked(lock, path), ThreadPoolExecutor(len(MAPS)) as writers:
        check()
        if overwrite or not path.exists():
            with writing(path):
                remove(new)
                create(new)
                if path.exists():
                    remove(old)
                    path.rename(old)
                new.rename(path)
        group, fields = open_group(path, "r+"), read_fields(path)
        _check_weights(path, fields["provenance"], provenance)
        with writing(path):
            _note_versions(group, fields["provenance"], provenance["versions"])
            for leftover in [*path.rglob(f"*{PARTIAL}")]:
                remove(leftover)
        result = kind(**fields, path=path, group=group, writers=writers)
        try:
            yield result
        finally:
            if result.state.any():
                remove(old)
            else:
                writers.shutdown()  # what comes after would lie in the way
                remove(path)
                if old.exists():
                    old.rename(path)


@contextmanager
def _locked(lock_file: Path, path: Path) -> Iterator[None]:
    """Keep others from writing to `path`; the system lets go when this process dies."""
    from filelock import FileLock, Timeout

    lock = FileLock(lock_file, blocking=False, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{path} is being written by another run; wait for its end, or choose another name."
        ) from None
    try:
        yield
    finally:
        lock_file.unlink(missing_ok=True)  # who waits for the file that is gone tries again
        lock.release()


def _note_versions(group: Any, there: dict[str, Any], ours: dict[str, str]) -> None:
    """Keep the versions that go on with a result, where they are not those before."""
    continued = there.get("continued_with", [])
    before = continued[-1] if continued else there.get("versions", {})
    changes = [
        f"{name} {before.get(name, 'unknown')}, now {version}"
        for name, version in ours.items()
        if version != before.get(name)
    ]
    if changes:
        logger.warning("%s was begun with %s.", group.store.root, "; ".join(changes))
        there["continued_with"] = [*continued, ours]
        group.attrs["provenance"] = there


def _check_weights(path: Path, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    for what, whose in (
        ("weights", f"the network {theirs.get('network')!r}"),
        ("verdict", "the verdict"),
    ):
        if theirs.get(f"{what}_sha256") != ours[f"{what}_sha256"]:
            raise InputError(
                f"{path} was made with other weights of {whose}; choose another name, or "
                "overwrite it."
            )
