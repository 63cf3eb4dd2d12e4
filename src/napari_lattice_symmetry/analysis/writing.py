"""Results that are written while the next frame is analyzed, since the disk takes its time."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar


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
