"""GIF, MP4, AVI and MOV through imageio; PyAV decodes what is no GIF."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.calibration import seconds
from napari_lattice_symmetry.io.optional import require
from napari_lattice_symmetry.io.stack import Files, Stack

SUFFIXES = (".gif", ".mp4", ".avi", ".mov")
_PIXELS_PER_BYTE = 4096

logger = logging.getLogger(__name__)


def open_video(path: Path, files: Files) -> dict[str, Stack]:
    """Look at the header of a video; how fast it plays need not be how fast it was recorded."""
    import imageio.v3 as iio

    gif = path.suffix.lower() == ".gif"
    if not gif:
        require("av", "PyAV", "video", path)
    try:
        video: Any = files.enter_context(iio.imopen(path, "r", plugin="pillow" if gif else "pyav"))
    except OSError as error:
        raise InputError(f"{path.name} is not a video, or holds no pictures.") from error
    properties = video.properties(index=..., **({} if gif else {"format": "gray"}))
    # Frames of a GIF may or may not be transparent; as RGB they are all of one shape.
    shape = (*properties.shape[:3], 3) if gif else properties.shape
    options = {"mode": "RGB"} if gif else {"format": "gray"}
    if np.prod(shape[1:3]) > path.stat().st_size * _PIXELS_PER_BYTE:
        raise InputError(f"{path.name} is damaged: its frames are larger than the file can hold.")
    if not gif:
        shape = (_count_frames(path, declared=shape[0]), *shape[1:])
    facts = video.metadata()
    time = seconds(facts.get("duration", 0), "ms") if gif else seconds(1 / (facts["fps"] or np.inf))
    return {
        path.stem: Stack(
            _Video(video, shape, properties.dtype, options, path),
            axes="TYXS" if gif else "TYX",
            frame_time=time,
            calibration_source="frame time as it is played",
            metadata=facts,
        )
    }


def _count_frames(path: Path, declared: int) -> int:
    """Count the frames that are there, without decoding them: a copy may have been cut off."""
    import av

    with av.open(path) as container:
        count = sum(p.size > 0 and not p.is_corrupt for p in container.demux(video=0))
    if count == 0:
        raise InputError(f"{path.name} is truncated: none of its {declared} frames is there.")
    if count < declared:
        logger.warning("%s is truncated: %d of its %d frames are there.", path, count, declared)
    return min(count, declared)


class _Video:
    """Frames as an array, decoded when they are asked for, by one thread at a time."""

    def __init__(
        self, video: Any, shape: tuple[int, ...], dtype: Any, options: dict[str, Any], path: Path
    ) -> None:
        self._read, self._path, self._lock = partial(video.read, **options), path, Lock()
        self.shape, self.dtype = shape, np.dtype(dtype)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        with self._lock:
            if index is ...:
                index = (slice(None),)
            chosen, *rest = index
            numbers = range(self.shape[0])[chosen]
            frames = np.empty((len(numbers), *self.shape[1:]), self.dtype)
            for place, number in enumerate(numbers):
                frame = self._read(index=number)
                if frame.shape != self.shape[1:]:
                    raise InputError(
                        f"{self._path.name} is damaged: its frames have different sizes."
                    )
                frames[place] = frame
            return frames[:, *rest]
