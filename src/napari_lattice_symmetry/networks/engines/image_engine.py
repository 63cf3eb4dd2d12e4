"""Fully convolutional networks in ONNX Runtime, of the very weights that Keras stored.

One is run in two parts: what comes before the first dropout once, the rest for each thinned
network, whose masks are inputs. A mask turns whole channels off, the same in every frame, so that a
result depends neither on batches nor on order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.networks.archive import ForeignNetworkError, Layer, read_layers
from napari_lattice_symmetry.networks.dropout import Dropout, draw_masks
from napari_lattice_symmetry.networks.engines.onnx_engine import open_session
from napari_lattice_symmetry.networks.engines.onnx_graph import Graph, Inputs

Float32: TypeAlias = NDArray[np.float32]

_ALIKE = {"Add": "Sum", "ReLU": "Relu"}


class ImageEngine:
    """A fully convolutional network, ready to be sampled; it can be pickled.

    Parameters
    ----------
    archive : bytes
        Content of its .keras file.

    Raises
    ------
    ForeignNetworkError
        If it is no network of this kind.

    Attributes
    ----------
    name : str
        Of what runs it.
    channels, outputs : int
        Channels that it takes, and that it answers with.
    """

    def __init__(self, archive: bytes) -> None:
        import onnxruntime

        self.name = f"ONNX Runtime {onnxruntime.__version__}"
        self._archive = archive
        try:
            layers = read_layers(archive, "Functional")
            first = next(i for i, each in enumerate(layers) if each.kind == "SpatialDropout2D")
            before, after = layers[:first], layers[first:]
            widths = _widths(layers)
            self.channels = widths[layers[0].settings["name"]]
            self.outputs = widths[layers[-1].settings["name"]]
            self._factor = 2 ** sum(each.kind == "MaxPooling2D" for each in layers)
            self._passed = _needed(before, after)
            self._dropouts = [
                Dropout(widths[each.inputs[0]], each.settings["rate"])
                for each in after
                if each.kind == "SpatialDropout2D"
            ]
            self._trunk = open_session(_trunk_graph(before, self._passed, self.channels))
            self._head = open_session(_head_graph(after, self._passed))
        except (LookupError, StopIteration, TypeError, ValueError) as error:
            raise ForeignNetworkError(str(error) or "a network without dropout") from error

    def __reduce__(self) -> tuple[type[ImageEngine], tuple[bytes]]:
        return type(self), (self._archive,)

    def logits(self, seen: Float32, samples: int, seed: int = 0) -> Float32:
        """Compute logits for every pixel by thinned networks.

        Parameters
        ----------
        seen : ndarray, shape (Y, X, channels)
            What the network sees.
        samples : int
            Number of thinned networks; 0 for the whole one.
        seed : int
            Draws their masks.

        Returns
        -------
        ndarray, shape (max(samples, 1), outputs, Y, X), float32
        """
        height, width = seen.shape[:2]
        pad = ((0, -height % self._factor), (0, -width % self._factor), (0, 0))
        x = np.pad(seen, pad, mode="edge")[np.newaxis].transpose(0, 3, 1, 2)
        passed = dict(zip(self._passed, self._trunk(seen=np.ascontiguousarray(x)), strict=True))
        masks = [np.ones((1, each.width), np.float32) for each in self._dropouts]
        if samples:
            masks = draw_masks(self._dropouts, seed, range(samples))
        found = [
            self._head(**passed, **{f"mask {i}": mask[k : k + 1] for i, mask in enumerate(masks)})
            for k in range(max(samples, 1))
        ]
        return np.concatenate([each[0] for each in found])[..., :height, :width]


def _widths(layers: Sequence[Layer]) -> dict[str, int]:
    """Count the channels of the output of every layer, by its name."""
    widths: dict[str, int] = {}
    for layer in layers:
        if layer.kind == "InputLayer":
            width = layer.settings["batch_shape"][-1]
        elif layer.kind == "Conv2D":
            width = layer.weights[0].shape[-1]
        else:
            of_inputs = [widths[name] for name in layer.inputs]
            width = sum(of_inputs) if layer.kind == "Concatenate" else of_inputs[0]
        widths[layer.settings["name"]] = int(width)
    return widths


def _needed(before: Sequence[Layer], after: Sequence[Layer]) -> list[str]:
    """Name the layers of the first part whose outputs the second takes."""
    there = [each.settings["name"] for each in before]
    taken = {name for each in after for name in each.inputs}
    return [name for name in there if name in taken]


def _trunk_graph(layers: Sequence[Layer], passed: Sequence[str], channels: int) -> bytes:
    first, *others = layers
    if first.kind != "InputLayer":
        raise ForeignNetworkError(f"a {first.kind} layer that comes first")
    graph = Graph()
    outputs = _add(graph, others, {first.settings["name"]: "seen"})
    names = [graph.add("Identity", outputs[name]) for name in passed]
    return graph.serialized({"seen": (np.float32, [1, channels, "y", "x"])}, names)


def _head_graph(layers: Sequence[Layer], passed: Sequence[str]) -> bytes:
    graph = Graph()
    outputs = _add(graph, layers, {name: name for name in passed})
    n = sum(each.kind == "SpatialDropout2D" for each in layers)
    inputs: Inputs = {
        **{
            name: (np.float32, [1, f"channels of {name}", f"y of {name}", f"x of {name}"])
            for name in passed
        },
        **{f"mask {i}": (np.float32, [1, f"width {i}"]) for i in range(n)},
    }
    return graph.serialized(inputs, [outputs[layers[-1].settings["name"]]])


def _add(graph: Graph, layers: Sequence[Layer], known: Mapping[str, str]) -> dict[str, str]:
    """Add layers to a graph; returns the name of the output of each."""
    outputs, masks = dict(known), 0
    for layer in layers:
        inputs = [outputs[name] for name in layer.inputs]
        if layer.kind == "Conv2D":
            found = _add_convolution(graph, inputs[0], layer)
        elif layer.kind in _ALIKE:
            found = graph.add(_ALIKE[layer.kind], *inputs)
        elif layer.kind == "BatchNormalization":
            found = _add_normalization(graph, inputs[0], layer)
        elif layer.kind == "MaxPooling2D":
            size = layer.settings["pool_size"]
            found = graph.add("MaxPool", inputs[0], kernel_shape=size, strides=size)
        elif layer.kind == "UpSampling2D" and layer.settings["interpolation"] == "nearest":
            scales = np.array([1, 1, *layer.settings["size"]], np.float32)
            found = graph.add(
                "Resize",
                *(inputs[0], np.empty(0, np.float32), scales),
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        elif layer.kind == "Concatenate":
            found = graph.add("Concat", *inputs, axis=1)
        elif layer.kind == "SpatialDropout2D":
            mask = graph.add("Unsqueeze", f"mask {masks}", np.array([2, 3], np.int64))
            masks += 1
            found = graph.add("Mul", inputs[0], mask)
        else:
            raise ForeignNetworkError(f"a {layer.kind} layer")
        outputs[layer.settings["name"]] = found
    return outputs


def _add_convolution(graph: Graph, x: str, layer: Layer) -> str:
    settings = layer.settings
    kernel, *bias = layer.weights
    (size, _), (dilation, _) = settings["kernel_size"], settings["dilation_rate"]
    if (size > 1 and settings["padding"] != "same") or {*settings["strides"]} != {1}:
        raise ForeignNetworkError("a convolution of another kind")
    pad = dilation * (size - 1) // 2
    dilations = settings["dilation_rate"]
    x = graph.add(
        "Conv", x, kernel.transpose(3, 2, 0, 1), *bias, pads=[pad] * 4, dilations=dilations
    )
    return graph.activate(x, layer)


def _add_normalization(graph: Graph, x: str, layer: Layer) -> str:
    scale, shift, mean, variance = layer.weights
    epsilon = float(layer.settings["epsilon"])
    return graph.add("BatchNormalization", x, scale, shift, mean, variance, epsilon=epsilon)
