"""Along which axis of an array frames lie, where its file says nothing, or something else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

FramesAre: TypeAlias = Literal["first", "last", "channels"]
"""Along the first axis, (T, Y, X); along the last, (Y, X, T); the channels, (C, Y, X)."""

FRAMES_ARE: tuple[FramesAre, ...] = get_args(FramesAre)


def guess_axes(shape: Sequence[int]) -> str:
    """Tell the axes from the shape alone; none if it cannot be that of a movie.

    A last axis of 1, 3 or 4 is color; of more than four axes, those of length 1 say nothing.
    """
    color = tuple(shape[-1:]) in ((1,), (3,), (4,))
    known = {2: "YX", 3: "YXS" if color else "TYX", 4: "TYXS" if color else "TCYX"}
    if len(shape) <= 4:
        return known.get(len(shape), "")
    kept = [size for size in shape[:-2] if size > 1]
    if len(kept) > 2:
        return ""
    outer = iter("TC"[: len(kept)])
    return "".join(next(outer) if size > 1 else "T" for size in shape[:-2]) + "YX"


def may_be_last(shape: Sequence[int]) -> bool:
    """Return whether frames may well lie along the last of three axes that nobody named.

    So it is where the first two would make squarer, larger images than the last two, or square
    ones where those would not.
    """
    if len(shape) != 3 or 0 in shape:
        return False
    first, second, last = shape
    larger = last < second and abs(math.log(first / second)) < math.log(second / last)
    return larger or (first == second != last)


def frames_along(axes: str, shape: Sequence[int], frames_are: FramesAre) -> str:
    """Return the letters of axes with frames along those that were chosen; none if not there."""
    if frames_are == "channels":
        long = {letter for letter, size in zip(axes, shape, strict=True) if size > 1}
        return axes.replace("C", "T") if "C" in long and not long & {"T", "Z"} else ""
    if len(shape) != 3:
        return ""
    return "TYX" if frames_are == "first" else "YXT"
