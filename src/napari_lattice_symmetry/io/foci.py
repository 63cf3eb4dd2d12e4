"""The focus of each image of a series, where a file says it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

_NAMED = re.compile(r"defoc(us|i)|\bfoc(us|i)\b", re.IGNORECASE)
_AXES = re.compile(r"defoc(us|i)|foc(us|i)|z", re.IGNORECASE)
_NM = {"nm": 1.0, "nanometer": 1.0, "m": 1e9, "um": 1e3, "µm": 1e3, "μm": 1e3, "å": 0.1, "a": 0.1}
_FARTHEST = 1e5  # nm: what a focus is at most


def find_defoci(metadata: Mapping[str, Any], images: int) -> tuple[float, ...] | None:
    """Return the defoci of a series in nm, as its file has them; None where it has none.

    A list of as many numbers as there are images, under a name with "defocus", "defoci" or
    "focus", wherever it stands; its unit is that at the end of the name, as in ``defocus_m`` or
    ``Defocus (A)``, else nanometers. Or an axis, a mapping with ``name``, ``scale``, ``offset``,
    ``units`` and ``size``, that is named so or z.

    Parameters
    ----------
    metadata : mapping
        Of a movie or a layer.
    images : int
        Of the series.
    """
    for name, value in _walk(metadata):
        numbers = _axis(value, images) if isinstance(value, Mapping) else _listed(name, value)
        if numbers is not None and len(numbers) == images and _are_foci(numbers):
            return tuple(round(each, 6) for each in numbers)
    return None


def _walk(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Give all that is in nested mappings and lists, by the nearest name."""
    yield name, value
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _walk(each, str(key))
    elif isinstance(value, list | tuple):
        for each in value:
            if isinstance(each, Mapping):
                yield from _walk(each, name)


def _listed(name: str, value: Any) -> list[float] | None:
    if not _NAMED.search(name) or not isinstance(value, Sequence | np.ndarray | str):
        return None
    try:
        parts = re.split(r"[,;\s]+", value.strip("[]() ")) if isinstance(value, str) else value
        numbers = [float(each) for each in parts]
    except (TypeError, ValueError):
        return None
    unit = re.search(r"[\s_(\[]+([^\W\d_]+)[)\]]?$", name)
    scale = _NM.get(unit.group(1).lower(), 1.0) if unit else 1.0
    return [each * scale for each in numbers]


def _axis(value: Mapping[str, Any], images: int) -> list[float] | None:
    if not _AXES.fullmatch(str(value.get("name", ""))):
        return None
    try:
        step, first = float(value["scale"]), float(value.get("offset") or 0)
        size = int(value.get("size", images))
    except (KeyError, TypeError, ValueError):
        return None
    scale = _NM.get(str(value.get("units")).lower())
    if scale is None or not step:
        return None
    return [scale * (first + step * i) for i in range(size)]


def _are_foci(numbers: Sequence[float]) -> bool:
    """Return whether they are apart, finite and no farther than lenses reach."""
    near = all(math.isfinite(each) and abs(each) < _FARTHEST for each in numbers)
    return near and len(set(numbers)) == len(numbers) > 1
