"""What `write_layer_stack` wrote, put together again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.data.movie import Frames
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.general.zarr_files import open_labels
from napari_lattice_symmetry.io.loading import channels_of
from napari_lattice_symmetry.io.stack import Files, Stack
from napari_lattice_symmetry.io.writing.header import METADATA_KEY, is_header, layer_stack_of

_PRECISION = 1e-4  # of a resolution in a TIFF file, which is a fraction of two integers


def layer_stack_among(path: Path, stacks: Mapping[str, Stack], files: Files) -> LayerStack | None:
    """Read the layer stack in an open file; None if others wrote the file, or changed it since."""
    if not stacks:
        return None
    first = next(iter(stacks.values()))
    header = _header(first.metadata)
    if header is None:
        return None
    parts = [channels_of(stack, path, files) for stack in stacks.values()]
    with suppress(InputError, KeyError, TypeError, ValueError):
        stack = layer_stack_of(header, *_sort(path, parts, header["hyperstack"], files))
        return stack if _is_still_calibrated_so(stack, first) else None
    return None


def _header(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    """Find our description: in an attribute of Zarr, in the OME-XML, or in the notes for ImageJ."""
    with suppress(ValueError, ElementTree.ParseError):
        found = metadata.get(METADATA_KEY)
        text = str((metadata.get("imagej") or {}).get("Info") or "")
        if "<OME" in str(metadata.get("ImageDescription")):
            xml = ElementTree.fromstring(metadata["ImageDescription"])
            text = xml.findtext("{*}Image/{*}Description") or ""
        found = found or (json.loads(text) if text else None)
        return found if is_header(found) else None
    return None


def _sort(
    path: Path, parts: Sequence[Sequence[Frames]], about: Mapping[str, Any], files: Files
) -> tuple[list[Frames], list[Frames]]:
    """Tell images from labels, by where the writer of each format puts them."""
    n_images, n_labels = len(about["images"]), len(about["labels"])
    arrays = [array for part in parts for array in part]
    if path.is_dir():
        labels = [channels_of(stack, path, files)[0] for stack in open_labels(path).values()]
        return arrays if n_images else [], labels
    if about["labels first"]:
        return arrays[n_labels:], arrays[:n_labels]
    return arrays[:n_images], arrays[n_images:]


def _is_still_calibrated_so(stack: LayerStack, found: Stack) -> bool:
    """Return whether the format itself says of lengths and times what the header says."""
    step, size_y, size_x = stack.scale
    meant = (size_y, size_x) if stack.calibrated else (0.0, 0.0)
    return bool(
        np.allclose(found.pixel_size or (0.0, 0.0), meant, _PRECISION, 0)
        and np.isclose(found.frame_time or 0.0, step if stack.timed else 0.0, _PRECISION, 0)
    )
