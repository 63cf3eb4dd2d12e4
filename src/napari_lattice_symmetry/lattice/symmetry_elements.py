"""Where the symmetry elements of a plane group lie: axes, mirrors and glide lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.lattice.plane_groups import standard_operations

Float = NDArray[np.float64]

_CLOSE = 1e-6
_REACH = range(-2, 3)


@dataclass(frozen=True)
class Axis:
    """A rotation axis at a place, fractions of the cell from 0 to 1."""

    fold: int
    place: tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A mirror or a glide line through a place along a direction, in fractions of the cell."""

    mirror: bool
    place: tuple[float, float]
    direction: tuple[float, float]


@cache
def symmetry_elements(group: str) -> tuple[tuple[Axis, ...], tuple[Line, ...]]:
    """List the axes and lines in the conventional cell of a group, edges included.

    Parameters
    ----------
    group : str
        One of `PLANE_GROUPS`.

    Returns
    -------
    axes : tuple of Axis
        The highest at every place, without those of order 1.
    lines : tuple of Line
        Those that meet the cell, a mirror before a glide line at the same place.
    """
    rotations, translations = standard_operations(group)
    centers = [np.zeros(2), np.full(2, 0.5)] if group.startswith("c") else [np.zeros(2)]
    axes: dict[tuple[float, float], int] = {}
    mirrors: dict[tuple[float, ...], Line] = {}
    glides: dict[tuple[float, ...], Line] = {}
    for (rotation, shift), center, step in product(
        zip(rotations, translations, strict=True), centers, product(_REACH, repeat=2)
    ):
        total = shift + center + step
        if np.linalg.det(rotation) < 0:
            glide = (np.eye(2) + rotation) @ total / 2
            line = _line(rotation, (total - glide) / 2, mirror=bool(np.abs(glide).max() < _CLOSE))
            if line is not None:
                found, key = line
                (mirrors if found.mirror else glides).setdefault(key, found)
        elif np.abs(rotation - np.eye(2)).max() > _CLOSE:
            place = np.linalg.solve(np.eye(2) - rotation, total)
            if (place > -_CLOSE).all() and (place < 1 + _CLOSE).all():
                x, y = (float(value) for value in np.round(place, 6) + 0.0)
                axes[x, y] = max(axes.get((x, y), 1), _order(rotation))
    lines = {**glides, **mirrors}
    return (
        tuple(Axis(fold, place) for place, fold in sorted(axes.items())),
        tuple(lines.values()),
    )


def _order(rotation: Float) -> int:
    power, order = rotation, 1
    while np.abs(power - np.eye(2)).max() > _CLOSE:
        power, order = power @ rotation, order + 1
    return order


def _line(rotation: Float, place: Float, *, mirror: bool) -> tuple[Line, tuple[float, ...]] | None:
    """Return a line and what tells it from others; None if it does not meet the cell."""
    columns = np.eye(2) + rotation
    along = columns[:, np.abs(columns).sum(axis=0).argmax()]
    along = along / np.abs(along).max()
    along = along if (along[0], along[1]) > (0, 0) or along[0] > 0 else -along
    normal = np.array([-along[1], along[0]])
    offset = float(normal @ place)
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) @ normal
    inside = min(offset - corners.min(), corners.max() - offset)
    if inside < -_CLOSE:
        return None
    if inside < _CLOSE and np.count_nonzero(np.abs(corners - offset) < _CLOSE) == 1:
        return None  # it only touches a corner
    x, y = (float(value) for value in place)
    line = Line(mirror, (x, y), (float(along[0]), float(along[1])))
    return line, (*np.round(along, 4), round(offset, 4) + 0.0)
