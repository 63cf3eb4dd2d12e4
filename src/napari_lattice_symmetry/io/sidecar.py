"""Calibration that lies beside an image, in a JSON file of the same name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.calibration import pixel_size_nm
from napari_lattice_symmetry.io.stack import Stack, short_name

_MAX_BYTES = 1_000_000


def calibrate(stack: Stack, path: Path) -> None:
    """Take the pixel size from a JSON file beside `path`, if that has one and `stack` has none.

    It may give ``pixel_size`` (or ``pixel_size_y`` and ``pixel_size_x``) with ``pixel_size_units``,
    or ``field_of_view`` in the same way, at any depth.
    """
    sidecar = path.with_name(f"{short_name(path)}.json")
    if stack.refusal or stack.pixel_size or not sidecar.is_file():
        return
    if sidecar.stat().st_size > _MAX_BYTES:
        return
    try:
        facts = json.loads(sidecar.read_text(encoding="utf-8"), parse_int=float)
    except (OSError, RecursionError, ValueError):  # whose JSON it is, nobody knows
        return
    for y, x, unit in _sizes(facts, stack.frame_shape):
        stack.pixel_size = pixel_size_nm(y, x, unit)
        stack.refusal = refusals.diffraction(unit)
        if stack.pixel_size or stack.refusal:
            stack.calibration_source = sidecar.name
            stack.metadata = {**stack.metadata, "sidecar": facts}
            return


def _sizes(facts: Any, frame_shape: tuple[int, int]) -> Iterator[tuple[float, float, str]]:
    """Find sizes of pixels: along y, along x, and their unit."""
    for record in _records(facts):
        for word, (n_y, n_x) in {"pixel_size": (1, 1), "field_of_view": frame_shape}.items():
            y, x = (record.get(f"{word}_{axis}", record.get(word)) for axis in "yx")
            unit = record.get(f"{word}_units", record.get(f"{word}_unit"))
            if isinstance(y, float) and isinstance(x, float) and isinstance(unit, str):
                yield y / n_y, x / n_x, unit


def _records(facts: Any) -> Iterator[Mapping[str, Any]]:
    """Go through a tree of JSON, however deep."""
    waiting = [facts]
    for node in waiting:
        if isinstance(node, Mapping):
            yield node
        if isinstance(node, Mapping | list):
            waiting.extend(node.values() if isinstance(node, Mapping) else node)
