"""A folder of images, one a frame, in the natural order of their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import images, tiff
from napari_lattice_symmetry.io.stack import (
    Files,
    Opener,
    Stack,
    check,
    choose,
    one_sentence,
    to_movie,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OPENERS: dict[str, Opener] = {
    **dict.fromkeys(images.SUFFIXES, images.open_image),
    **dict.fromkeys(tiff.SUFFIXES, tiff.open_tiff),
}


def open_folder(path: Path, files: Files) -> dict[str, Stack]:
    """Look at the headers of all images in a folder; the calibration is that of the first."""
    paths = [file for file in path.iterdir() if file.suffix.lower() in _OPENERS]
    paths = [file for file in paths if not file.name.startswith(".")]
    paths.sort(key=lambda file: natural_order(file.name))
    if not paths:
        raise InputError(f"{path.name} is a folder without images ({', '.join(_OPENERS)}).")
    stacks = [_look(file) for file in paths]
    usual, _ = Counter(stack.frame_shape for stack in stacks).most_common(1)[0]
    for file, stack in zip(paths, stacks, strict=True):
        if stack.frame_shape != usual:
            odd, others = (" x ".join(map(str, shape)) for shape in (stack.frame_shape, usual))
            raise InputError(
                f"{path.name} holds images of different sizes: {file.name} has {odd} px, "
                f"most have {others} px."
            )
    dtype = np.result_type(*{stack.grey_dtype for stack in stacks})
    return {
        path.name: Stack(
            _Images(paths, usual, dtype),
            axes="TYX",
            pixel_size=stacks[0].pixel_size,
            calibration_source=f"{paths[0].name}: {stacks[0].calibration_source}",
        )
    }


class _Images:
    """Image files as one array (T, Y, X); a frame is decoded when it is asked for."""

    def __init__(self, paths: Sequence[Path], shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
        self._paths = paths
        self.shape, self.dtype = (len(paths), *shape), dtype

    def __getitem__(self, index: Any) -> NDArray[Any]:
        frames, *rest = (slice(None),) if index is ... else index
        planes = [_read(path).astype(self.dtype, copy=False) for path in self._paths[frames]]
        return np.stack(planes)[:, *rest]


def _look(path: Path) -> Stack:
    with Files() as files:
        return _open(path, files)


def _read(path: Path) -> NDArray[Any]:
    with Files() as files:
        return to_movie(_open(path, files), path, None, files).frame(0)


def _open(path: Path, files: Files) -> Stack:
    with one_sentence(path):
        stacks = _OPENERS[path.suffix.lower()](path, files)
        stack = stacks[choose(path, stacks, None)]
        check(stack, path)
    if stack.length("TZ") > 1:
        raise InputError(
            f"{path.name} holds {stack.length('TZ')} frames; a folder is read as one image a file."
        )
    return stack


def natural_order(name: str) -> list[tuple[int, str]]:
    """Give what names are sorted by, so that frame_2 comes before frame_10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
