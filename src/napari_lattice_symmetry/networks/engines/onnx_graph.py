"""Layers of Keras as graphs of ONNX, which have channels before rows and columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from napari_lattice_symmetry.networks.archive import Float32, ForeignNetworkError, Layer

if TYPE_CHECKING:
    import onnx

Shape: TypeAlias = tuple[int, ...]
Inputs: TypeAlias = Mapping[str, tuple[type[np.generic], Sequence[str | int]]]
"""Types and shapes by name; a size that varies has a name, too."""

_OPSET, _IR_VERSION = 19, 9  # of 2023: any later ONNX Runtime knows them
_FIRST = [0, 3, 1, 2]  # channels, from last
_DOUBLE = 11  # the type, in ONNX

_POOLINGS = {"AveragePooling2D": "AveragePool", "MaxPooling2D": "MaxPool"}
_ACTIVATIONS = {"linear": "Identity", "relu": "Relu", "softmax": "Softmax"}


class Graph:
    """A graph of ONNX, to which nodes are added in the order in which they run."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str | ArrayLike, **attributes: Any) -> str:
        """Add a node with one output, and return the name of that; arrays become constants."""
        from onnx import helper

        names = [each if isinstance(each, str) else self._constant(each) for each in inputs]
        output = f"{kind} {len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, names, [output], **attributes))
        return output

    def _constant(self, values: ArrayLike) -> str:
        from onnx import numpy_helper

        name = f"constant {len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def activate(self, x: str, layer: Layer) -> str:
        """Add the activation of a layer, whose channels or units are the axis 1."""
        activation = layer.settings["activation"]
        if activation not in _ACTIVATIONS:
            raise ForeignNetworkError(f"the activation {activation}")
        attributes = {"axis": 1} if activation == "softmax" else {}
        return self.add(_ACTIVATIONS[activation], x, **attributes)

    def serialized(self, inputs: Inputs, outputs: Sequence[str]) -> bytes:
        """Return the model."""
        from onnx import ValueInfoProto, helper

        described = [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), shape
            )
            for name, (kind, shape) in inputs.items()
        ]
        found = [ValueInfoProto(name=name) for name in outputs]
        graph = helper.make_graph(self._nodes, "network", described, found, self._constants)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
        )
        content: bytes = model.SerializeToString()
        return content


def layers_graph(layers: Sequence[Layer], shape: Shape) -> tuple[bytes, Shape]:
    """Translate layers up to the first dropout.

    Parameters
    ----------
    layers : sequence of Layer
        Without dropout.
    shape : tuple of int
        Of what enters the first, one window, channels last.

    Returns
    -------
    model : bytes
        Its input, float32, is called "x".
    shape : tuple of int
        Of what it gives for a window, channels last.

    Raises
    ------
    ForeignNetworkError
        If there is no translation.
    """
    graph, x = Graph(), "x"
    inputs: Inputs = {x: (np.float32, ["n", *shape])}
    x = graph.add("Identity", x) if len(shape) == 1 else graph.add("Transpose", x, perm=_FIRST)
    padded = margin = 0  # paddings that are done ahead, and what the next convolution pads
    for i, layer in enumerate(layers):
        if layer.kind == "AnglePadding":
            margin = layer.settings["width"]
            if not padded:
                padded, before, after = _plan_padding(layers[i:], shape[0])
                x = graph.add("Pad", x, [0, 0, before, 0, 0, 0, after, 0], mode="wrap")
            padded -= 1
        elif layer.kind == "Conv2D":
            x, shape = _add_convolution(graph, x, shape, layer, margin)
            margin = 0
        elif layer.kind in _TRANSLATIONS:
            x, shape = _TRANSLATIONS[layer.kind](graph, x, shape, layer)
        else:
            raise ForeignNetworkError(f"a {layer.kind} layer")
    if len(shape) != 1:
        raise ForeignNetworkError(f"features of shape {shape}")
    return graph.serialized(inputs, [x]), shape


def _plan_padding(layers: Sequence[Layer], n_angles: int) -> tuple[int, int, int]:
    """Pad the angle for a chain of padded convolutions at once, so that no image is copied later.

    What lies around the circle passes through the convolutions like all else. Only what is
    behind zeros, along the radius, has to be padded every time.

    Returns
    -------
    n_paddings, before, after : int
        How many of the paddings are done so, and how many angles that takes on both sides.
    """
    chain, n = [], n_angles
    for padding, convolution in pairwise(layers):
        if padding.kind == "Conv2D":
            continue
        if (padding.kind, convolution.kind) != ("AnglePadding", "Conv2D"):
            break
        settings, width = convolution.settings, padding.settings["width"]
        (size, _), (stride, _) = settings["kernel_size"], settings["strides"]
        if settings["padding"] != "valid" or (n + 2 * width - size) // stride + 1 != n / stride:
            break
        n //= stride
        chain.append((width, size, stride))
    first, last = 0, n - 1  # rows that are needed of the output, then of every input
    for width, size, stride in reversed(chain):
        first, last = first * stride - width, last * stride - width + size - 1
    before, after = -first, last - n_angles + 1
    if not chain or before > n_angles:
        raise ForeignNetworkError("a padding without a convolution")
    return len(chain), before, after


def _add_convolution(
    graph: Graph, x: str, shape: Shape, layer: Layer, margin: int
) -> tuple[str, Shape]:
    """Add a convolution, of which the angle is padded already where there is a `margin`."""
    _demand(layer, data_format="channels_last", groups=1, dilation_rate=[1, 1])
    settings = layer.settings
    kernel, *bias = layer.weights
    size, strides = np.array(settings["kernel_size"]), np.array(settings["strides"])
    rows_columns = np.array(shape[:2])
    if settings["padding"] == "same":
        padding: dict[str, Any] = {"auto_pad": "SAME_UPPER"}
        found = -(-rows_columns // strides)
    else:
        padding = {"pads": [0, margin, 0, margin]}
        found = (rows_columns + 2 * margin - size) // strides + 1
    x = graph.add("Conv", x, kernel.transpose(3, 2, 0, 1), *bias, strides=[*strides], **padding)
    return graph.activate(x, layer), (*found.tolist(), kernel.shape[-1])


def _add_pooling(graph: Graph, x: str, shape: Shape, layer: Layer) -> tuple[str, Shape]:
    _demand(layer, data_format="channels_last", padding="valid")
    size, strides = layer.settings["pool_size"], layer.settings["strides"]
    x = graph.add(_POOLINGS[layer.kind], x, kernel_shape=size, strides=strides)
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(shape, size, strides, strict=False))
    return x, (rows, columns, shape[2])


def _add_flattening(graph: Graph, x: str, shape: Shape, layer: Layer) -> tuple[str, Shape]:
    _demand(layer, data_format="channels_last")
    size = int(np.prod(shape))
    return graph.add("Reshape", graph.add("Transpose", x, perm=[0, 2, 3, 1]), [-1, size]), (size,)


def _add_dense(graph: Graph, x: str, shape: Shape, layer: Layer) -> tuple[str, Shape]:
    if len(shape) != 1:
        raise ForeignNetworkError("a dense layer on an image")
    kernel, *bias = layer.weights
    x = graph.add("Gemm", x, kernel, *bias)
    return graph.activate(x, layer), (kernel.shape[1],)


def _add_turned_dense(graph: Graph, x: str, shape: Shape, layer: Layer) -> tuple[str, Shape]:
    """Add a dense layer in all turns, see `turn_products`."""
    n_angles, radii, channels = shape
    kernel, bias = layer.weights
    units, width = kernel.shape[1], radii * channels
    kernel = kernel.reshape(n_angles, radii, channels, units).swapaxes(1, 2)
    of_image, of_kernel, of_turns = turn_products(n_angles)
    # In double precision, lest the order in which threads add up changes the rounded weights.
    factors = of_kernel.astype(np.float64) @ kernel.reshape(n_angles, -1).astype(np.float64)
    kernel = factors.astype(np.float32).reshape(-1, width, units)
    x = graph.add("Reshape", graph.add("Transpose", x, perm=[2, 0, 1, 3]), [n_angles, -1])
    x = graph.add("Reshape", graph.add("MatMul", of_image, x), [len(kernel), -1, width])
    x = graph.add("Reshape", graph.add("MatMul", x, kernel), [len(kernel), -1])
    x = graph.add("Reshape", graph.add("MatMul", of_turns, x), [n_angles, -1, units])
    x = graph.add("Relu", graph.add("Add", x, bias))
    return graph.add("ReduceMean", x, [0], keepdims=0), (units,)


def turn_products(n_angles: int) -> tuple[Float32, Float32, Float32]:
    """Return what takes images and kernels to products, and products to turns.

    All turns of an image against a kernel are a circular correlation along the angle: in Fourier
    space one product for each frequency. A complex product is done in three real ones, after
    C. F. Gauss; the lowest frequency and, of an even number, the highest have no imaginary part. So
    12 turns take 17 products instead of 144.

    Parameters
    ----------
    n_angles : int
        Number of turns.

    Returns
    -------
    of_image, of_kernel : ndarray, shape (products, n_angles), float32
        Factors of every product, as sums over the angles of an image and of a kernel.
    of_turns : ndarray, shape (n_angles, products), float32
        Every turn, as a sum over products.

    Examples
    --------
    >>> image, kernel = np.random.default_rng(0).normal(size=(2, 12))
    >>> of_image, of_kernel, of_turns = turn_products(12)
    >>> turns = of_turns @ ((of_image @ image) * (of_kernel @ kernel))
    >>> bool(np.isclose(turns[3], np.roll(image, -3) @ kernel, atol=1e-5))
    True
    """
    turns = 2 * np.pi * np.arange(n_angles) / n_angles
    lone = [0] if n_angles % 2 else [0, n_angles // 2]
    of_image = [np.cos(frequency * turns) for frequency in lone]
    of_kernel, of_turns = [*of_image], [each / n_angles for each in of_image]
    for frequency in range(1, (n_angles + 1) // 2):
        cos, sin = np.cos(frequency * turns), np.sin(frequency * turns)
        of_image += [cos - sin, cos, -sin]
        of_kernel += [cos, sin - cos, cos + sin]
        of_turns += [2 * each / n_angles for each in (cos - sin, -sin, -cos)]
    first, second, third = (np.array(each, np.float32) for each in (of_image, of_kernel, of_turns))
    return first, second, np.ascontiguousarray(third.T)


def heads_graph(head: Sequence[Layer], width: int) -> bytes:
    """Translate thinned heads and their sums.

    All units together are one product, and few are dropped: taking the dropped ones off again is
    several times cheaper than a product of the others for every thinned network.

    Parameters
    ----------
    head : sequence of Layer
        Dropout and dense layers, from the first dropout on, a dense layer after each dropout.
    width : int
        Number of features that enter it.

    Returns
    -------
    bytes
        The model. Its inputs are "features" (n, width), "weights" (n,), "dropped" and "mask 1" ...
        as `ThinnedHeads` draws them; its outputs are the fields of `Sums`.

    Raises
    ------
    ForeignNetworkError
        If there is no translation.
    """
    graph, masks = Graph(), list[str]()
    kernel = np.pad(head[1].weights[0] / np.float32(1 - head[0].settings["rate"]), ((0, 1), (0, 0)))
    features = graph.add("Transpose", "features", perm=[1, 0])
    rows = graph.add("Pad", features, [0, 0, 1, 0])  # the row of no unit is zero
    everything = _add_bias(graph, graph.add("MatMul", kernel.T, rows), head[1])
    dropped = graph.add("Transpose", graph.add("Gather", kernel, "dropped"), perm=[0, 2, 1])
    left_out = graph.add("MatMul", dropped, graph.add("Gather", rows, "dropped"))
    x = graph.activate(graph.add("Sub", everything, left_out), head[1])
    waiting: list[str] = []  # for the next dense layer: its kernel is smaller than what it takes
    for layer in head[2:]:
        if layer.kind == "Dropout":
            masks.append(f"mask {len(masks) + 1}")
            waiting.append(graph.add("Unsqueeze", masks[-1], [1]))
            continue
        weights: str | Float32 = layer.weights[0].T
        for mask in waiting:
            weights = graph.add("Mul", weights, mask)
        waiting = []
        x = graph.activate(_add_bias(graph, graph.add("MatMul", weights, x), layer), layer)
    logarithm = graph.add("Log", graph.add("Max", x, np.float32(1e-12)))
    information = graph.add("ReduceSum", graph.add("Mul", x, logarithm), [1], keepdims=0)
    p = graph.add("Cast", x, to=_DOUBLE)
    sums = [
        graph.add("Transpose", graph.add("ReduceSum", terms, [0], keepdims=0), perm=[1, 0])
        for terms in (p, graph.add("Mul", p, p))
    ]
    information = graph.add("Cast", information, to=_DOUBLE)
    entropies = graph.add("Neg", graph.add("ReduceSum", information, [0], keepdims=0))
    inputs: Inputs = {
        "features": (np.float32, ["n", width]),
        "weights": (np.float64, ["n"]),
        "dropped": (np.int32, ["s", "most"]),
        **{name: (np.float32, ["s", f"width of {name}"]) for name in masks},
    }
    return graph.serialized(inputs, [*sums, entropies, graph.add("MatMul", p, "weights")])


def _add_bias(graph: Graph, x: str, layer: Layer) -> str:
    """Add the bias of a layer, if it has one, to products (..., units, windows)."""
    for bias in layer.weights[1:]:
        x = graph.add("Add", x, bias[:, np.newaxis])
    return x


def _demand(layer: Layer, **settings: Any) -> None:
    for name, value in settings.items():
        if layer.settings[name] != value:
            raise ForeignNetworkError(f"a {layer.kind} layer of {name} {layer.settings[name]}")


_TRANSLATIONS: dict[str, Callable[[Graph, str, Shape, Layer], tuple[str, Shape]]] = {
    "AveragePooling2D": _add_pooling,
    "Dense": _add_dense,
    "Flatten": _add_flattening,
    "MaxPooling2D": _add_pooling,
    "TurnedDense": _add_turned_dense,
}
