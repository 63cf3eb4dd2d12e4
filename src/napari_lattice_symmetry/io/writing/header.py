"""What lies beside the numbers of a layer stack in every format, so that all of it comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.data.movie import Frames

METADATA_KEY = "napari-lattice-symmetry"
"""Under this key all that is ours lies in the attributes of an OME-Zarr group."""

_KEY, _COLORS = "hyperstack", "colours"  # as files of the first version have it
_VERSION = 1


def header_of(stack: LayerStack, *, labels_first: bool = False) -> dict[str, Any]:
    """Describe a layer stack in values that JSON knows; its own metadata stay as they are."""
    return {
        **stack.metadata,
        _KEY: {
            "version": _VERSION,
            "name": stack.name,
            "images": _types(stack.images),
            "labels": _types(stack.labels),
            "labels first": labels_first,
            "scale": list(stack.scale),
            "translate": list(stack.translate),
            "unit": stack.unit,
            "timed": stack.timed,
            _COLORS: dict(stack.colors),
            "values": {
                name: {str(value): list(meaning) for value, meaning in values.items()}
                for name, values in stack.values.items()
            },
        },
    }


def printable(name: str) -> str:
    """Return a name without the characters that XML and file systems do not know."""
    return "".join(letter if letter.isprintable() else "_" for letter in name)


def is_header(facts: Any) -> bool:
    """Return whether this is what `header_of` gives, in a version that is known."""
    about = facts.get(_KEY) if isinstance(facts, Mapping) else None
    return isinstance(about, Mapping) and about.get("version") == _VERSION


def layer_stack_of(
    header: Mapping[str, Any], images: Sequence[Frames], labels: Sequence[Frames]
) -> LayerStack:
    """Put a layer stack together again, of the arrays in their order; they get their types back.

    Raises
    ------
    InputError, KeyError, TypeError, ValueError
        If these are not the arrays that the header tells of.
    """
    about = header[_KEY]
    scale_t, scale_y, scale_x = map(float, about["scale"])
    start_t, start_y, start_x = map(float, about["translate"])
    return LayerStack(
        name=str(about["name"]),
        images=_typed(about["images"], images),
        labels=_typed(about["labels"], labels),
        scale=(scale_t, scale_y, scale_x),
        translate=(start_t, start_y, start_x),
        unit=about["unit"],
        timed=bool(about["timed"]),
        colors={str(name): str(color) for name, color in about[_COLORS].items()},
        values={str(name): _meanings(values) for name, values in about["values"].items()},
        metadata={key: value for key, value in header.items() if key != _KEY},
    )


def _meanings(values: Mapping[str, Sequence[str]]) -> dict[int, tuple[str, str]]:
    return {int(value): (str(name), str(color)) for value, (name, color) in values.items()}


def _types(arrays: Mapping[str, Frames]) -> list[list[str]]:
    return [[name, np.dtype(array.dtype).name] for name, array in arrays.items()]


def _typed(types: Sequence[Sequence[str]], arrays: Sequence[Frames]) -> dict[str, Frames]:
    return {
        str(name): array.astype(np.dtype(dtype), copy=False)
        for (name, dtype), array in zip(types, arrays, strict=True)
    }
