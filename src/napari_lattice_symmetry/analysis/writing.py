"""Results that are written while the next frame is analyzed, since the disk takes its time."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from napari_lattice_symmetry.results.result import FrameResult, MovieResult

Result = TypeVar("Result", bound=MovieResult | None)


@dataclass(frozen=True, eq=False)
class ResultStep(Generic[Result]):
    """A step of what fills a result.

    Attributes
    ----------
    result : MovieResult or None
        What the frame belongs in; None if there is none yet.
    frame : FrameResult or None
        The frame that was analyzed; None if nothing was.
    in_result : bool
        Whether the frame is in the result.
    """

    result: Result
    frame: FrameResult | None = None
    in_result: bool = False

    def insert(self) -> None:
        """Put the frame into the result, unless it is there."""
        if self.result is not None and self.frame is not None and not self.in_result:
            self._make_room()
            self.result.insert(self.frame)

    def _make_room(self) -> None:
        """Let the result have a row for the frame, where it has not all from the start."""


AnyStep = TypeVar("AnyStep", bound=ResultStep[Any])


def give_steps(
    steps: Iterable[AnyStep | None], *, inserted: bool
) -> Generator[AnyStep, None, None]:
    """Give steps as they come, or once their frames are in the result.

    Parameters
    ----------
    steps : iterable of ResultStep
        None stands for a moment in between.
    inserted : bool
        Whether each frame is put into the result here, while the next is analyzed.

    Yields
    ------
    ResultStep
        In their order.
    """
    if not inserted:
        yield from filter(None, steps)
        return
    for step in insert_in_background(steps):
        yield replace(step, in_result=True)


class Insertable(Protocol):
    """What has something to insert into a result."""

    def insert(self) -> None:
        """Insert it."""


Item = TypeVar("Item", bound=Insertable)


def insert_in_background(items: Iterable[Item | None]) -> Generator[Item, None, None]:
    """Insert items one after the other, each while the next is made.

    Parameters
    ----------
    items : iterable
        What has something to insert; None is a moment to look whether one is inserted.

    Yields
    ------
    Insertable
        Each once it is inserted, in their order.

    Raises
    ------
    Exception
        What `insert` raises, or `items`; those that came before are inserted nevertheless.
    """
    with ThreadPoolExecutor(1) as writer:
        waiting: deque[tuple[Item, Future[None]]] = deque()
        for item in items:
            if item is not None:
                waiting.append((item, writer.submit(item.insert)))
            while waiting and (len(waiting) > 1 or waiting[0][1].done()):
                yield _inserted(*waiting.popleft())
        while waiting:
            yield _inserted(*waiting.popleft())


def _inserted(item: Item, insertion: Future[None]) -> Item:
    insertion.result()  # raises what went wrong
    return item
