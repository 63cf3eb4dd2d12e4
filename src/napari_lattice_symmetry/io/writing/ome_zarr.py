"""Images and labels as OME-Zarr 0.5."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.data.movie import Frames
from napari_lattice_symmetry.io.writing.header import METADATA_KEY, header_of, printable

if TYPE_CHECKING:
    import zarr

VERSION = "0.5"
_UNSAFE = re.compile(r'[\\/:*?"<>|]')
_MAX_NAME = 60  # characters, of up to four bytes each


def write_ome_zarr(stack: LayerStack, path: Path) -> None:
    """Write images as the channels of one image (T, C, Y, X), and labels as its labels.

    Frames are read and written one by one. Without images, the first labels are the image too.
    """
    import zarr

    channels = list(stack.images) or list(stack.labels)[:1]
    root = zarr.create_group(path, zarr_format=3)
    root.attrs.update(
        {
            "ome": {
                "version": VERSION,
                **_multiscales(stack, stack.name),
                "omero": {"channels": [_channel(stack, name) for name in channels]},
            },
            METADATA_KEY: header_of(stack),
        }
    )
    _write_array(root, stack, [(stack.images or stack.labels)[name] for name in channels])
    if not stack.labels:
        return
    labels = root.create_group("labels")
    group_names = _group_names(stack.labels)
    labels.attrs["ome"] = {"version": VERSION, "labels": group_names}
    for group_name, (name, values) in zip(group_names, stack.labels.items(), strict=True):
        group = labels.create_group(group_name)
        group.attrs["ome"] = {
            "version": VERSION,
            **_multiscales(stack, name),
            "image-label": _image_label(stack.values.get(name, {})),
        }
        _write_array(group, stack, [values])


def _group_names(names: Iterable[str]) -> list[str]:
    """Make of each name one that any file system takes, and no two that some takes for one."""
    safe: list[str] = []
    for name in names:
        stem = _UNSAFE.sub("_", printable(name))[:_MAX_NAME].strip(" ._") or "labels"
        numbered = (f"{stem} {number}" for number in count(2))
        taken = {other.casefold() for other in (*safe, "zarr.json")}
        safe.append(next(each for each in chain([stem], numbered) if each.casefold() not in taken))
    return safe


def _write_array(group: zarr.Group, stack: LayerStack, channels: list[Frames]) -> None:
    n_frames, y, x = stack.shape
    array = group.create_array(
        "0",
        shape=(n_frames, len(channels), y, x),
        dtype=np.result_type(*(channel.dtype for channel in channels)),
        chunks=(1, 1, y, x),
        dimension_names=("t", "c", "y", "x"),
    )
    for c, channel in enumerate(channels):
        for t in range(n_frames):
            array[t, c] = np.asarray(channel[t])


def _multiscales(stack: LayerStack, name: str) -> dict[str, Any]:
    (scale_t, *scale), (start_t, *start) = stack.scale, stack.translate
    length = {"unit": "nanometer"} if stack.calibrated else {}
    axes = [
        {"name": "t", "type": "time", **({"unit": "second"} if stack.timed else {})},
        {"name": "c", "type": "channel"},
        {"name": "y", "type": "space", **length},
        {"name": "x", "type": "space", **length},
    ]
    transformations = [
        {"type": "scale", "scale": [scale_t, 1.0, *scale]},
        {"type": "translation", "translation": [start_t, 0.0, *start]},
    ]
    level = {"path": "0", "coordinateTransformations": transformations}
    return {"multiscales": [{"name": name, "axes": axes, "datasets": [level]}]}


def _channel(stack: LayerStack, name: str) -> dict[str, Any]:
    values = (stack.images or stack.labels)[name]
    low, high = _limits(values)
    return {
        "label": name,
        "color": stack.colors.get(name, "#FFFFFF").removeprefix("#"),
        "active": True,
        "window": {"min": low, "max": high, "start": low, "end": high},
    }


def _limits(values: Frames) -> tuple[float, float]:
    """Return the lowest and the highest value, finite and apart, frame by frame."""
    finite = [frame[np.isfinite(frame)] for frame in map(np.asarray, values)]
    some = [frame for frame in finite if frame.size]
    low = min((float(frame.min()) for frame in some), default=0.0)
    high = max((float(frame.max()) for frame in some), default=1.0)
    return low, high if high > low else low + 1.0


def _image_label(values: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
    about: dict[str, Any] = {"source": {"image": "../../"}}
    if values:  # readers take an empty list of colors for one that leaves none
        about["colors"] = [
            {"label-value": value, "rgba": [*bytes.fromhex(color.removeprefix("#")), 255]}
            for value, (_, color) in values.items()
        ]
        about["properties"] = [
            {"label-value": value, "class": name} for value, (name, _) in values.items()
        ]
    return about
