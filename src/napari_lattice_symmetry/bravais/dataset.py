"""Simulated spectra to train on: drawn in parallel, from one seed, kept on disk.

Nothing here needs Keras, so that the processes that draw start fast.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from tqdm import tqdm

from napari_lattice_symmetry.bravais.training_images import TRACKS, ImageDistribution, draw_windows
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.networks.drawing import draw_chunks
from napari_lattice_symmetry.spectrum.cartesian import cartesian_spectrum
from napari_lattice_symmetry.spectrum.polar import polar_spectrum

SPECTRA: dict[str, Callable[[NDArray[Any]], NDArray[np.float32]]] = {
    "polar": polar_spectrum,
    "published": cartesian_spectrum,
}
"""What each network sees of a window."""

CHUNK = 20 * len(CLASSES)
# One stream of random numbers for each purpose: what is validated on is never trained on.
TRAINING, VALIDATION, BENCHMARK = 0, 1, 2

# Tracks whose spacings scale with the window are drawn in several sizes.
_SCALED_TRACKS = ("field", "rough")
_SIZES = (64, 96, 128, 128, 192)


@dataclass(frozen=True)
class Chunk:
    """Orders `CHUNK` windows: a pure function of its fields, whoever computes it."""

    network: str
    track: str
    seed: int
    stream: int
    index: int

    def draw(self) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
        """Draw spectra (CHUNK, ...) and class indices 0 to 5 (CHUNK,)."""
        seed = (self.seed, self.stream, self.index)
        track, size = TRACKS[self.track], 128
        if self.track in _SCALED_TRACKS:
            size = _SIZES[self.index % len(_SIZES)]
            track = _scaled(track, size)
        with scipy.fft.set_workers(1):
            windows, labels = draw_windows(CHUNK, track, seed, size)
            spectra = SPECTRA[self.network](windows)
        return spectra.astype(np.float16), labels - 1


def _scaled(track: ImageDistribution, size: int) -> ImageDistribution:
    """Let 5 to 30 periods fit into windows of `size`, none under 4 px."""
    return replace(track, cells=replace(track.cells, spacing=(max(4, size / 30), size / 5)))


def plan_chunks(
    network: str, mix: tuple[str, ...], windows: int, seed: int, stream: int
) -> list[Chunk]:
    """Order `windows` windows (rounded up to whole chunks), the tracks of `mix` in turn."""
    n_chunks = -(-windows // CHUNK)
    return [Chunk(network, mix[i % len(mix)], seed, stream, i) for i in range(n_chunks)]


def draw_set(
    chunks: list[Chunk], folder: Path, name: str, workers: int | None, progress: bool
) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
    """Draw chunks into memory-mapped files, going on where an earlier call was stopped.

    Returns
    -------
    spectra : numpy.memmap, shape (n, ...), float16
    classes : numpy.memmap, shape (n,), uint8
        Class indices 0 to 5.
    """
    done_file = folder / f"{name}.done"
    done = int(done_file.read_text()) if done_file.exists() else 0
    mode = "r+" if done else "w+"
    shape = (len(chunks) * CHUNK, *chunks[0].draw()[0].shape[1:])
    spectra = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
        folder / f"{name}-spectra.npy", mode=mode, dtype=np.float16, shape=shape
    )
    classes = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
        folder / f"{name}-classes.npy", mode=mode, dtype=np.uint8, shape=shape[:1]
    )
    bar = tqdm(
        total=shape[0],
        initial=done * CHUNK,
        unit="window",
        unit_scale=True,
        desc=f"simulating ({name})",
        disable=not progress,
        mininterval=2,
    )
    with bar:
        for i, (chunk_spectra, chunk_classes) in enumerate(
            draw_chunks(chunks[done:], workers), start=done
        ):
            rows = slice(i * CHUNK, (i + 1) * CHUNK)
            spectra[rows], classes[rows] = chunk_spectra, chunk_classes
            bar.update(CHUNK)
            if i % 50 == 49 or i == len(chunks) - 1:
                spectra.flush()
                classes.flush()
                done_file.write_text(str(i + 1))
    return spectra, classes
