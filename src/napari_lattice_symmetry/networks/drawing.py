"""Drawing what networks learn from, in parallel processes and always the same.

Nothing here needs Keras, so that the processes that draw start fast.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Drawn = TypeVar("Drawn")
Drawn_co = TypeVar("Drawn_co", covariant=True)


class Order(Protocol[Drawn_co]):
    """Something to draw, a pure function of its fields, whoever computes it."""

    def draw(self) -> Drawn_co:
        """Draw it."""


def draw_chunks(chunks: Sequence[Order[Drawn]], workers: int | None = None) -> Iterator[Drawn]:
    """Draw chunks in parallel processes, in order, a few ahead.

    Parameters
    ----------
    chunks : sequence of Order
        What to draw.
    workers : int, optional
        Processes; all cores by default. Results do not depend on it.
    """
    workers = workers or os.cpu_count() or 1
    # "spawn", because a forked TensorFlow hangs.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        orders = iter(chunks)
        pending: list[Future[Drawn]] = [
            pool.submit(chunk.draw) for chunk in islice(orders, 4 * workers)
        ]
        while pending:
            result = pending.pop(0).result()
            pending.extend(pool.submit(chunk.draw) for chunk in islice(orders, 1))
            yield result


def draw_pairs(
    chunks: Sequence[Order[tuple[NDArray[Any], NDArray[Any]]]], workers: int | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Draw chunks that are two arrays each, and join the first of these and the second."""
    one, other = zip(*draw_chunks(chunks, workers), strict=True)
    return np.concatenate(one), np.concatenate(other)
