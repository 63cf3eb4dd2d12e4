"""What a .keras file holds, read without Keras: layer by layer, settings and weights."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeAlias
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

Float32: TypeAlias = NDArray[np.float32]

_OURS = "lattice_symmetry>"
"""How Keras registers the layers in `layers.py`."""


class ForeignNetworkError(Exception):
    """A network that only Keras can read or run."""


@dataclass(frozen=True)
class Layer:
    """A layer of a sequential network.

    Parameters
    ----------
    kind : str
        Name of its class.
    settings : dict
        Its configuration, as in Keras.
    weights : tuple of ndarray, float32
        Kernel and bias, if it has any.
    inputs : tuple of str
        Names of the layers whose outputs it takes; empty in a sequential network.
    """

    kind: str
    settings: dict[str, Any]
    weights: tuple[Float32, ...]
    inputs: tuple[str, ...] = ()


def read_layers(archive: bytes, kind: str = "Sequential") -> list[Layer]:
    """Return the layers of a network in single precision, as a .keras file holds it.

    Parameters
    ----------
    archive : bytes
        Content of the file.
    kind : {"Sequential", "Functional"}
        What network it has to be; the layers of a functional one come after their inputs.

    Raises
    ------
    ForeignNetworkError
        If it is anything else.
    """
    import h5py

    try:
        with ZipFile(BytesIO(archive)) as file:
            network = json.loads(file.read("config.json"))
            weights = h5py.File(BytesIO(file.read("model.weights.h5")))
        if network["class_name"] != kind:
            raise ForeignNetworkError(f"a {network['class_name']} network")
        places: Counter[str] = Counter()
        return [_layer(about, weights, places) for about in network["config"]["layers"]]
    except (BadZipFile, LookupError, OSError, TypeError, ValueError) as error:
        raise ForeignNetworkError(str(error)) from error


def is_finite(archive: bytes) -> bool:
    """Return whether all weights in a .keras file are finite, which a training may end without.

    They are looked at one by one, since an engine may make zeros of what is no number. Of what
    cannot be read so, nothing is told.
    """
    import h5py

    found: list[bool] = []

    def look(_name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and node.dtype.kind == "f":
            found.append(bool(np.isfinite(node[()]).all()))

    with suppress(BadZipFile, LookupError, OSError), ZipFile(BytesIO(archive)) as file:
        h5py.File(BytesIO(file.read("model.weights.h5"))).visititems(look)
    return all(found)


def _layer(about: dict[str, Any], weights: Any, places: Counter[str]) -> Layer:
    kind, settings = about["class_name"], about["config"]
    ours = about["registered_name"] == f"{_OURS}{kind}"
    if not (ours or about["module"] == "keras.layers"):
        raise ForeignNetworkError(f"a {kind} layer of {about['module']}")
    precision = settings["dtype"]
    if isinstance(precision, dict):
        precision = precision["config"]["name"]
    if precision != "float32":
        raise ForeignNetworkError(f"a layer in {precision}")
    # Weights lie under the name of the class and a running number.
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
    name = re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
    place = f"layers/{name}_{places[name]}" if places[name] else f"layers/{name}"
    places[name] += 1
    group = weights[place]["vars"] if place in weights else {}
    values = tuple(group[str(i)][()] for i in range(len(group)))
    return Layer(kind, settings, values, tuple(_inputs(about.get("inbound_nodes", []))))


def _inputs(described: Any) -> Iterator[str]:
    """List the layers that a description names as inputs, however deep it hides them."""
    if isinstance(described, dict):
        if described.get("class_name") == "__keras_tensor__":
            yield described["config"]["keras_history"][0]
        else:
            for part in described.values():
                yield from _inputs(part)
    elif isinstance(described, list):
        for part in described:
            yield from _inputs(part)
