"""What plane groups cost: of one window, and of the map of a frame."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.cells import plane_groups
from napari_lattice_symmetry.lattice.motifs import draw_motif, random_cell, random_motif

SEED, SIZE, PERIODS, STRIDE = 2026, 128, 10, 32
SIZES = (96, 128, 192, 256)
CRYSTALS = (("square", "p4m"), ("hexagonal", "p6m"), ("rectangular", "pmm"), ("oblique", "p2"))
HEADER = ["lattice", *(f"{size} px" for size in SIZES), *(f"fit, {size} px" for size in SIZES)]


@dataclass(frozen=True)
class GroupCost:
    """Processor times in ms a window, and of a frame in s.

    Parameters
    ----------
    group, fit : float
        Of a window: naming its group, and fitting the lattice before.
    map, processor : float
        By the clock, and of all threads: a frame of 512 x 512 px at a stride of 32 px, with
        classes and plane groups.
    share : float
        Of the processor time of the frame that plane groups take.
    """

    group: float
    fit: float
    map: float
    processor: float
    share: float


def measure(repeats: int = 5) -> GroupCost:
    """Measure all of it, as medians."""
    windows = _windows(64)
    frame = np.block([list(row) for row in _windows(16).reshape(4, 4, SIZE, SIZE)])
    model = nls.load_model()
    rows = []
    for turn in range(1 + repeats):
        start = time.process_time()
        nls.fit_lattices(windows)
        fitted = time.process_time()
        plane_groups(windows)
        named = time.process_time()
        spent = []
        for with_groups in (False, True):
            before, clock = time.process_time(), time.perf_counter()
            nls.analyze(frame, stride=STRIDE, plane_groups=with_groups, model=model)
            spent.append((time.perf_counter() - clock, time.process_time() - before))
        (_, plain), (clock, whole) = spent
        if turn:  # the first warms up
            fit = fitted - start  # which naming begins with, too
            each = [1e3 * (named - fitted - fit) / 64, 1e3 * fit / 64]
            rows.append([*each, clock, whole, 1 - plain / whole])
    return GroupCost(*np.median(rows, axis=0).tolist())


def window_rows(repeats: int = 3, n: int = 16) -> list[list[str]]:
    """Measure windows of lattices and sides, in ms of processor time: group, and fit before it."""
    rows = []
    for family, group in CRYSTALS:
        costs = []
        for size in SIZES:
            windows = _windows(n, size, family, group)
            spent = []
            for _ in range(1 + repeats):
                start = time.process_time()
                nls.fit_lattices(windows)
                fitted = time.process_time()
                plane_groups(windows)  # which fits, too
                fit = fitted - start
                spent.append((time.process_time() - fitted - fit, fit))
            costs.append(1e3 / n * np.median(spent[1:], axis=0))  # the first warms up
        rows.append([family, *(f"{each:.1f}" for column in np.transpose(costs) for each in column)])
    return rows


def _windows(n: int, size: int = SIZE, family: str = "square", group: str = "p4m") -> np.ndarray:
    """Draw windows of a crystal, shape (n, size, size)."""
    rng = np.random.default_rng((SEED, 6))
    motif = random_motif(group, rng)
    basis = random_cell(family, size / PERIODS, rng)
    return np.array([draw_motif(motif, basis, size, rng, counts=50) for _ in range(n)])
