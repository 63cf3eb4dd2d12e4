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
from napari_lattice_symmetry.bravais.verdict_images import SIZES, UNUSUAL, draw_examples
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.networks.drawing import draw_chunks
from napari_lattice_symmetry.spectrum.cartesian import cartesian_spectrum
from napari_lattice_symmetry.spectrum.lattice_fit import TOLERANCE
from napari_lattice_symmetry.spectrum.polar import polar_spectrum

SPECTRA: dict[str, Callable[[NDArray[Any]], NDArray[np.float32]]] = {
    "polar": polar_spectrum,
    "compact": polar_spectrum,
    "published": cartesian_spectrum,
}
"""What each network sees of a window."""

CHUNK = 20 * len(CLASSES)
# One stream of random numbers for each purpose: what is validated on is never trained on.
TRAINING, VALIDATION, BENCHMARK = 0, 1, 2

# Tracks whose spacings scale with the window are drawn in several sizes.
_SCALED_TRACKS = ("field", "rough")
_SIZES = (64, 96, 128, 128, 192)

UNUSUAL_TRACK = "unusual"
"""Many atoms a cell, few and many periods, fringes, hum, two lattices: what no track holds."""

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Chunk:
    """Orders `CHUNK` windows: a pure function of its fields, whoever computes it."""

    network: str
    track: str
    seed: int
    stream: int
    index: int

    def draw(self) -> tuple[NDArray[np.float16], Float32]:
        """Draw spectra (CHUNK, ...) and the class probabilities that are right (CHUNK, 6)."""
        seed = (self.seed, self.stream, self.index)
        with scipy.fft.set_workers(1):
            if self.track == UNUSUAL_TRACK:
                size = SIZES[self.index % len(SIZES)]
                windows, truths, _ = draw_examples(CHUNK, seed, size, UNUSUAL)
                targets = [truth.target(0 if truth.exact else TOLERANCE) for truth in truths]
            else:
                windows, targets = self._draw_track(seed)
            spectra = SPECTRA[self.network](windows)
        return spectra.astype(np.float16), np.array(targets, np.float32)

    def _draw_track(self, seed: tuple[int, ...]) -> tuple[Float32, Any]:
        track, size = TRACKS[self.track], 128
        if self.track in _SCALED_TRACKS:
            size = _SIZES[self.index % len(_SIZES)]
            track = _scaled(track, size)
        windows, labels = draw_windows(CHUNK, track, seed, size)
        return windows, np.eye(len(CLASSES))[labels - 1]


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
) -> tuple[NDArray[np.float16], Float32]:
    """Draw chunks into memory-mapped files, going on where an earlier call was stopped.

    Returns
    -------
    spectra : numpy.memmap, shape (n, ...), float16
    targets : numpy.memmap, shape (n, 6), float32
        Class probabilities that are right.
    """
    done_file = folder / f"{name}.done"
    done = int(done_file.read_text()) if done_file.exists() else 0
    mode = "r+" if done else "w+"
    shape = (len(chunks) * CHUNK, *chunks[0].draw()[0].shape[1:])
    spectra = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
        folder / f"{name}-spectra.npy", mode=mode, dtype=np.float16, shape=shape
    )
    targets = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
        folder / f"{name}-targets.npy", mode=mode, dtype=np.float32, shape=(shape[0], len(CLASSES))
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
        for i, (chunk_spectra, chunk_targets) in enumerate(
            draw_chunks(chunks[done:], workers), start=done
        ):
            rows = slice(i * CHUNK, (i + 1) * CHUNK)
            spectra[rows], targets[rows] = chunk_spectra, chunk_targets
            bar.update(CHUNK)
            if i % 50 == 49 or i == len(chunks) - 1:
                spectra.flush()
                targets.flush()
                done_file.write_text(str(i + 1))
    return spectra, targets
