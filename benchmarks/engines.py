"""How fast other engines run the trunk of the default network.

    tools/uv run --no-sync --with openvino --with torch --with tf2onnx \
        python benchmarks/engines.py --write

prints the table; with ``--write`` it also goes to ``docs/engines.md``. Engines take turns, and
rest in between, since some let their threads spin for a while after they are done.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

import numpy as np
from metrics import markdown_table
from speed import DOCS, default_views, machine, multiply_adds

from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.classifier import BLOCK
from napari_lattice_symmetry.networks.engines.keras_engine import compiled, split_at_dropout
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.networks.layers import AnglePadding, TurnedDense
from napari_lattice_symmetry.spectrum.polar import polar_spectrum

REST = 0.3
MIN_GAIN, MAX_DIFFERENCE = 1.4, 1e-4

Run = Callable[[np.ndarray], np.ndarray]


def openvino_engine(onnx: Path) -> Run:
    """Compile for OpenVINO, in single precision."""
    import openvino

    model = openvino.Core().compile_model(
        onnx, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    )
    return lambda spectra: model([spectra])[0]


def onnx_runtime_engine(onnx: Path) -> Run:
    """Load into ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda spectra: session.run(None, {name: spectra})[0]


def torch_engine(trunk: keras.Model) -> Run:
    """Do layer by layer in PyTorch what the trunk does, channels last."""
    import torch
    from torch.nn import functional

    def step(layer: keras.Layer) -> Callable[[Any], Any]:
        weights = [torch.from_numpy(array) for array in layer.get_weights()]
        if isinstance(layer, AnglePadding):
            w = layer.width
            return lambda x: functional.pad(
                torch.cat([x[:, :, -w:], x, x[:, :, :w]], dim=2), (w, w)
            )
        if isinstance(layer, keras.layers.Conv2D):
            kernel = weights[0].permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
            return lambda x: functional.conv2d(x, kernel, weights[1], stride=layer.strides).relu_()
        if isinstance(layer, keras.layers.AveragePooling2D):
            return lambda x: functional.avg_pool2d(x, layer.pool_size)
        if isinstance(layer, TurnedDense):
            n_angles = len(layer.products[-1])
            kernel = torch.fft.rfft(weights[0].reshape(n_angles, layer.width, layer.units), dim=0)

            def turned(x: Any) -> Any:
                waves = torch.fft.rfft(x.permute(2, 0, 3, 1).flatten(2), dim=0)
                turns = torch.fft.irfft(waves @ kernel.conj(), n_angles, dim=0)
                return (turns + weights[1]).relu_().mean(0)

            return turned
        raise TypeError(f"{layer.name}: a {type(layer).__name__} layer is not measured here")

    steps = [
        step(layer) for layer in trunk.layers if not isinstance(layer, keras.layers.InputLayer)
    ]

    def run(spectra: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            x = torch.from_numpy(spectra).permute(0, 3, 1, 2)
            for one in steps:
                x = one(x)
            return x.numpy()

    return run


def measure(repeats: int) -> list[list[str]]:
    """Let all engines compute the features of a block of windows, in turns."""
    model = load_model()
    trunk, _ = split_at_dropout(model.network)
    windows = default_views().reshape(-1, 128, 128)[:BLOCK]
    spectra = np.ascontiguousarray(polar_spectrum(windows)[..., np.newaxis])
    with tempfile.TemporaryDirectory() as folder:
        onnx = Path(folder) / "trunk.onnx"
        signature = [keras.InputSpec(shape=spectra.shape, dtype="float32", name="spectra")]
        trunk.export(onnx, format="onnx", input_signature=signature, verbose=False)
        graph = compiled(trunk)
        engines: dict[str, Run] = {
            "TensorFlow, compiled": lambda x: keras.ops.convert_to_numpy(graph(x)),
            f"{model.engine}, as in use": model._engine.trunk,
            "TensorFlow, layer by layer": lambda x: keras.ops.convert_to_numpy(trunk(x)),
            "Keras `predict`": lambda x: trunk.predict(x, batch_size=BLOCK, verbose=0),
            f"OpenVINO {version('openvino')}": openvino_engine(onnx),
            "ONNX Runtime, as Keras exports": onnx_runtime_engine(onnx),
            f"PyTorch {version('torch')}": torch_engine(trunk),
        }
    first = next(iter(engines))
    expected = engines[first](spectra)
    differences = {
        name: np.abs(run(spectra) - expected).max() / np.abs(expected).max()
        for name, run in engines.items()
    }
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(repeats):
        for name, run in engines.items():
            sleep(REST)
            start = perf_counter()
            run(spectra)
            times[name].append(perf_counter() - start)
    medians = {name: median(values) for name, values in times.items()}
    work = 2 * BLOCK * multiply_adds(trunk)
    return [
        [
            name,
            f"{1e3 * seconds:.1f} ms",
            f"{work / seconds / 1e9:.0f} GFLOP/s",
            f"{medians[first] / seconds:.2f}",
            f"{differences[name]:.0e}",
        ]
        for name, seconds in medians.items()
    ]


def main() -> None:
    """Print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--write", action="store_true", help="write docs/engines.md")
    options = parser.parse_args()
    header = ["engine", f"{BLOCK} windows", "rate", "times faster", "greatest difference"]
    text = f"""# Engines

Made by `make bench-engines` on: {machine()}. Medians of {options.repeats}, all in one run, the
engines taking turns. What is timed is the part of the default network before the first dropout,
in single precision; differences are relative to the greatest feature.

{markdown_table(header, measure(options.repeats))}
TensorFlow is what trained the network, and the reference. ONNX Runtime runs it since it starts at
once; as in use, the angle is padded once for all convolutions. Another engine would take its place
if it were at least {MIN_GAIN} times faster with answers equal to {MAX_DIFFERENCE:.0e}.
"""
    print(text)
    if options.write:
        (DOCS / "engines.md").write_text(text)


if __name__ == "__main__":
    main()
