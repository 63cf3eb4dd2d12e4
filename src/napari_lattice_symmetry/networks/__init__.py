"""What every network shares: the engine, training, thinned networks, shipped weights."""

from typing import Literal, TypeAlias, get_args

EngineName: TypeAlias = Literal["onnx", "tensorflow"]
"""ONNX Runtime, and TensorFlow for networks without translation; TensorFlow for all."""

ENGINES: tuple[EngineName, ...] = get_args(EngineName)
