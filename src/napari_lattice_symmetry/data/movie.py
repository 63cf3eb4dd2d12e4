"""The one form in which an image stack travels: frames, calibration, origin."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b, sha256
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError

if TYPE_CHECKING:
    import dask.array as da

Frames: TypeAlias = "NDArray[Any] | da.Array"

NANOMETER = "nm"
PIXEL = "pixel"

BY_HAND = "set by hand"
"""How the source of a calibration ends that no file knows."""


def unit_name(unit: str) -> str:
    """Return a unit of length as it is written beside a number."""
    return "px" if unit == PIXEL else unit


_MANY_LAYERS = 100

_LETTERS = {
    **dict.fromkeys(("t", "time", "frame", "frames"), "T"),
    **dict.fromkeys(("c", "ch", "channel", "channels"), "C"),
    **{letter.lower(): letter for letter in "ZYX"},
}


@dataclass(frozen=True, eq=False)
class Movie:
    """An image stack with its calibration.

    Parameters
    ----------
    frames : numpy.ndarray or dask.array.Array, shape (T, Y, X)
        Gray values of any real dtype; may be lazy.
    name : str
        Short name, for layers and files.
    pixel_size : (float, float)
        Size of a pixel along y and x, in `unit`.
    unit : {"nm", "pixel"}
        "nm" when the file was calibrated (readers convert), else "pixel".
    frame_time : float, optional
        Seconds from one frame to the next.
    calibration_source : str, optional
        Where the pixel size and the frame time come from, in words.
    metadata : mapping
        Whatever the file says about itself, kept whole.
    source : str, optional
        Where the frames came from, usually a path.
    reopen : callable, optional
        Opens the movie anew, where the frames can be read again; can be pickled, so that other
        processes read the frames for themselves.
    dataset, channel : str, optional
        Which of several in the source; None where nothing had to be chosen.
    frames_are : {"first", "last", "channels"}, optional
        Along which axis of the source frames lie, where that was chosen.
    geometry : mapping, optional
        Where it lies in a viewer, in values that JSON knows; results keep it as it is.

    Raises
    ------
    InputError
        If the frames are not a non-empty (T, Y, X) stack of real numbers, or the
        calibration is not positive and finite.
    """

    frames: Frames
    name: str = "movie"
    pixel_size: tuple[float, float] = (1.0, 1.0)
    unit: str = PIXEL
    frame_time: float | None = None
    calibration_source: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    reopen: Callable[[], Movie] | None = None
    dataset: str | None = None
    channel: str | None = None
    frames_are: str | None = None
    geometry: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        shape, dtype = self.frames.shape, np.dtype(self.frames.dtype)
        if len(shape) != 3:
            raise InputError(
                f"{self.name}: an array of shape {shape} is not a movie; "
                "frames must be (T, Y, X) or one (Y, X) image."
            )
        if any(map(math.isnan, shape)):  # of a Dask array that was filtered
            raise InputError(
                f"{self.name}: how many frames there are is not known before they are computed; "
                "call compute_chunk_sizes() of the Dask array first."
            )
        if 0 in shape:
            raise InputError(f"{self.name}: the stack is empty (shape {shape}).")
        if dtype.kind not in "buif":
            raise InputError(f"{self.name}: {dtype} frames are not real numbers.")
        if self.unit not in (NANOMETER, PIXEL):
            raise InputError(f"{self.name}: unit {self.unit!r} is not known; use 'nm' or 'pixel'.")
        if np.shape(self.pixel_size) != (2,) or not all(map(_is_positive, self.pixel_size)):
            raise InputError(
                f"{self.name}: pixel size {self.pixel_size} must be two numbers, along y and x, "
                "positive and finite."
            )
        time = self.frame_time
        if time is not None and not _is_positive(time):
            raise InputError(f"{self.name}: frame time {time} s must be positive and finite.")

    @property
    def calibrated(self) -> bool:
        """Whether pixel sizes are lengths rather than pixels."""
        return self.unit != PIXEL

    @property
    def pixel_side(self) -> float | None:
        """Side in nm of a square pixel of the same area; None if not calibrated."""
        return math.sqrt(math.prod(self.pixel_size)) if self.calibrated else None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, Y, X)."""
        t, y, x = self.frames.shape
        return int(t), int(y), int(x)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of shape, dtype and three frames; tells movies of the same name apart."""
        n = len(self)
        digest = sha256(f"{self.shape} {np.dtype(self.frames.dtype).name}".encode())
        for index in sorted({0, n // 2, n - 1}):
            # Readers raise anything; that a frame cannot be read is for its analysis to say.
            with suppress(Exception):
                digest.update(self.frame(index).tobytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        return self.shape[0]

    def frame(self, index: int) -> NDArray[Any]:
        """Read frame `index` into memory, shape (Y, X); what is masked becomes NaN."""
        frame = self.frames[index]
        if hasattr(frame, "compute"):  # one chunk needs no threads, let alone a cluster
            frame = frame.compute(scheduler="synchronous")
        return _unmasked(frame)

    def recalibrated(
        self, pixel_size: tuple[float, float] | None = None, frame_time: float | None = None
    ) -> Movie:
        """Return the movie with another calibration, set by hand.

        Parameters
        ----------
        pixel_size : (float, float), optional
            Along y and x, in nm; as it is if not given.
        frame_time : float, optional
            In seconds; as it is if not given.

        Raises
        ------
        InputError
            If they are not positive and finite.
        """
        by_hand = {"pixel size": pixel_size, "frame time": frame_time}
        words = [word for word, value in by_hand.items() if value is not None]
        if not words:
            return self
        before = [self.calibration_source] if self.calibration_source and len(words) == 1 else []
        return replace(
            self,
            pixel_size=pixel_size or self.pixel_size,
            unit=self.unit if pixel_size is None else NANOMETER,
            frame_time=self.frame_time if frame_time is None else frame_time,
            calibration_source="; ".join([*before, f"{' and '.join(words)} {BY_HAND}"]),
        )

    @classmethod
    def from_array(cls, array: Any, **keywords: Any) -> Movie:
        """Return a movie of an array (T, Y, X) or of one image (Y, X).

        Parameters
        ----------
        array : array-like
            NumPy, masked (what is masked becomes NaN), Dask, HDF5, Zarr or xarray; lazy arrays
            are read frame by frame.
        **keywords
            Other fields.

        Raises
        ------
        InputError
            If it is not an array of real numbers.
        """
        frames = _as_frames(array, keywords.get("name", "movie"))
        if frames.ndim == 2:
            frames = frames[np.newaxis]
        return cls(frames, **keywords)


def is_blank(frame: NDArray[Any]) -> bool:
    """Return whether a frame is constant, NaN or both."""
    finite = frame[np.isfinite(frame)]
    return finite.size == 0 or bool(finite.min() == finite.max())


def _is_positive(value: Any) -> bool:
    return isinstance(value, Real) and 0 < float(value) < math.inf


def frame_checksum(frame: NDArray[Any]) -> int:
    """Return 64 bits that tell a frame from any other: BLAKE2b of its shape, dtype and values."""
    digest = blake2b(f"{frame.shape} {frame.dtype.name}".encode(), digest_size=8)
    digest.update(np.ascontiguousarray(frame).data)
    return int.from_bytes(digest.digest())


def axis_letter(name: object) -> str:
    """Return T, Z, C, Y or X for an axis that is called so, in letters or words; "?" for others."""
    return _LETTERS.get(str(name).lower(), "?")


def _as_frames(array: Any, name: str) -> Any:
    """Return what behaves as a NumPy or a Dask array, without reading what is lazy."""
    if hasattr(array, "dims") and hasattr(array, "data"):  # xarray
        letters = list(map(axis_letter, array.dims))
        array = _as_frames(array.data, name)
        if letters.count("Y") == letters.count("X") == 1:
            image = letters.index("Y"), letters.index("X")
            outer = (axis for axis in range(len(letters)) if axis not in image)
            array = array.transpose((*outer, *image))
    if hasattr(array, "dask"):
        return _in_one_layer(array)
    if hasattr(array, "chunks") and hasattr(array, "shape"):  # in an HDF5 file or a Zarr store
        import dask.array as da

        chunks = (1,) * (len(array.shape) - 2) + tuple(array.shape[-2:])
        return da.from_array(array, chunks=chunks, fancy=False, lock=True)
    try:
        return _unmasked(array)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name}: this is no array of frames of one size; give (T, Y, X)."
        ) from error


def _unmasked(array: Any) -> NDArray[Any]:
    """Return an array in which what is masked is NaN."""
    if not isinstance(array, np.ma.MaskedArray):
        return np.asarray(array)
    kind = array.dtype if array.dtype.kind not in "biu" else np.result_type(array, np.float32)
    masked: Any = array.astype(kind)
    return np.asarray(masked.filled(np.nan))


def _in_one_layer(frames: da.Array) -> da.Array:
    """Gather the tasks of a Dask array that was stacked of many.

    Each of those has a layer of its own in the graph, and for every frame that is read Dask
    would go through all of them: 0.4 s for one of 4,000 frames.
    """
    import dask.array as da

    if len(frames.dask.layers) < _MANY_LAYERS:
        return frames
    return da.Array(dict(frames.dask), frames.name, frames.chunks, dtype=frames.dtype)
