"""A folder of images, one a frame, in the natural order of their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import sidecar
from napari_lattice_symmetry.io.formats import OPENERS
from napari_lattice_symmetry.io.general import video
from napari_lattice_symmetry.io.loading import check, to_movie
from napari_lattice_symmetry.io.stack import Files, Stack, movies_among, one_sentence

_NO_FRAMES = {*video.SUFFIXES, ".asw", ".emi", ".mtrx"}
"""Endings of films, and of what lies beside the images of an experiment and tells of them."""


@dataclass(frozen=True)
class _Header:
    """What can be said of an image without keeping it."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    channels: tuple[str, ...]


def open_folder(path: Path, files: Files) -> dict[str, Stack]:
    """Look at the headers of all images in a folder; the calibration is that of the first.

    Each image that all files have, by its name, is a movie; where they hold one each, whatever
    its name, that is.
    """
    paths = [file for file in path.iterdir() if is_frame(file.name) and file.is_file()]
    paths.sort(key=lambda file: frame_order(file.name))
    if not paths:
        raise InputError(f"{path.name} is a folder without images of a known kind.")
    headers = [_look(file) for file in paths]
    common = [name for name in headers[0] if all(name in of_file for of_file in headers)]
    if common:
        return {
            name: _describe(path, paths, name, [of_file[name] for of_file in headers])
            for name in common
        }
    if any(len(of_file) > 1 for of_file in headers):
        raise InputError(f"{path.name} holds files of several images, of which they share none.")
    only = [header for of_file in headers for header in of_file.values()]
    return {path.name: _describe(path, paths, None, only)}


def is_frame(name: str) -> bool:
    """Tell by its name whether a file in a folder is an image."""
    suffix = Path(name).suffix.lower()
    return suffix in OPENERS and suffix not in _NO_FRAMES and not name.startswith(".")


def frame_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return what names are sorted by, so that frame_2 comes before frame_10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name


def _look(path: Path) -> dict[str, _Header]:
    """Describe the images in a file."""
    with Files() as files:
        return {
            name: _Header(stack.frame_shape, stack.gray_dtype, stack.channel_names)
            for name, stack in _open(path, files).items()
        }


def _open(path: Path, files: Files) -> dict[str, Stack]:
    """Open what is one frame in a file."""
    with one_sentence(path):
        stacks = OPENERS[path.suffix.lower()](path, files)
        names = movies_among(path, stacks)
        images = {name: stacks[name] for name in names if stacks[name].length("TZ") == 1}
        if not images:
            raise InputError(
                f"{path.name} holds {stacks[names[0]].length('TZ')} frames; a folder is read as "
                "one image a file."
            )
        for stack in images.values():
            sidecar.calibrate(stack, path)
            check(stack, path)
        return images


def _describe(
    folder: Path, paths: Sequence[Path], name: str | None, headers: Sequence[_Header]
) -> Stack:
    """Describe a movie of one image a file: of that name, or of the only one."""
    _check_alike(folder, paths, headers)
    dtype = np.result_type(*{header.dtype for header in headers})
    images = _Images(paths, name, headers[0], dtype)
    with Files() as files:
        first = images.open(paths[0], files)
        return Stack(
            images,
            axes="TCYX",
            pixel_size=first.pixel_size,
            frame_time=first.frame_time,
            calibration_source=f"{paths[0].name}: {first.calibration_source}",
            channels=first.channel_names,
            metadata=first.metadata,
        )


def _check_alike(folder: Path, paths: Sequence[Path], headers: Sequence[_Header]) -> None:
    usual, _ = Counter(header.shape for header in headers).most_common(1)[0]
    for file, header in zip(paths, headers, strict=True):
        if header.shape != usual:
            odd, others = (" x ".join(map(str, shape)) for shape in (header.shape, usual))
            raise InputError(
                f"{folder.name} holds images of different sizes: {file.name} has {odd} px, "
                f"most have {others} px."
            )
        first = headers[0]
        if (
            header.channels != first.channels
            and max(map(len, (header.channels, first.channels))) > 1
        ):
            ours, theirs = (", ".join(each.channels) for each in (header, first))
            raise InputError(
                f"{folder.name} holds images of different channels: {file.name} has {ours}, "
                f"{paths[0].name} has {theirs}."
            )


class _Images:
    """An image of each file as one array (T, C, Y, X), decoded when it is asked for."""

    def __init__(
        self, paths: Sequence[Path], name: str | None, header: _Header, dtype: np.dtype[Any]
    ) -> None:
        self._paths, self._name, self._n_channels = paths, name, len(header.channels)
        self.shape, self.dtype = (len(paths), self._n_channels, *header.shape), dtype

    def __getitem__(self, index: Any) -> NDArray[Any]:
        frames, channels, *rest = (slice(None), slice(None)) if index is ... else index
        chosen = range(self._n_channels)[channels]
        return np.stack([self._read(path, chosen) for path in self._paths[frames]])[:, :, *rest]

    def open(self, path: Path, files: Files) -> Stack:
        """Open the image in a file."""
        stacks = _open(path, files)
        return stacks[self._name] if self._name is not None else next(iter(stacks.values()))

    def _read(self, path: Path, channels: Sequence[int]) -> NDArray[Any]:
        with Files() as files:
            stack = self.open(path, files)
            planes = [to_movie(stack, path, channel, files).frame(0) for channel in channels]
            return np.stack(planes).astype(self.dtype, copy=False)
