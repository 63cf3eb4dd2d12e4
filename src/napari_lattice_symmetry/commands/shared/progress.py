"""How far a run is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:
    from tqdm import tqdm

INTERVAL = 30.0
"""Seconds from one line to the next where there is no terminal."""


class Progress(Protocol):
    """Shows how far a run is."""

    def show(self, done: int) -> None:
        """Show how much is done."""

    def tell(self, sentence: str) -> None:
        """Write a sentence among what is shown."""


@contextmanager
def progress(name: str, total: int, done: int = 0, unit: str = "window") -> Iterator[Progress]:
    """Show the progress of a run on the standard error.

    Parameters
    ----------
    name : str
        Of the movie.
    total, done : int
        Number of windows, and how many are finished before.
    unit : str
        What is counted, if not windows.
    """
    if not sys.stderr.isatty():
        yield _Lines(name, total, unit)
        return
    from tqdm import tqdm

    with tqdm(total=total, initial=done, unit=unit, desc=name) as bar:
        yield _Bar(bar)


class _Bar:
    def __init__(self, bar: tqdm[Any]) -> None:
        self._bar = bar

    def show(self, done: int) -> None:
        self._bar.update(done - self._bar.n)

    def tell(self, sentence: str) -> None:
        self._bar.write(sentence, file=sys.stderr)


class _Lines:
    def __init__(self, name: str, total: int, unit: str) -> None:
        self._name, self._total, self._unit = name, total, unit
        self._next = monotonic() + INTERVAL

    def show(self, done: int) -> None:
        if monotonic() >= self._next:
            self._next = monotonic() + INTERVAL
            self.tell(f"{self._name}: {done:,} of {self._total:,} {self._unit}s")

    def tell(self, sentence: str) -> None:
        click.echo(sentence, err=True)
