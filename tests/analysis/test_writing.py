"""Items that are inserted while the next is made."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from napari_lattice_symmetry.analysis.writing import insert_in_background

SOON = 30


@dataclass
class Item:
    """Is inserted once it may be, and notes in which thread."""

    may: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    error: Exception | None = None

    def insert(self):
        assert self.may.wait(SOON)
        if self.error:
            raise self.error
        self.thread = threading.current_thread()


@pytest.fixture
def items():
    return [Item(), Item(), Item()]


def test_an_item_is_inserted_while_the_next_is_made(items):
    first, second, third = items

    def make():
        yield first
        assert first.thread is None  # the next is made meanwhile
        first.may.set()
        second.may.set()
        third.may.set()
        yield second
        yield third

    given = []
    for item in insert_in_background(make()):
        assert item.thread not in (None, threading.current_thread())
        given.append(item)
    assert given == items


def test_an_item_is_given_at_the_next_moment_after_it_is_in(items):
    first, second, _ = items

    def make():
        yield first
        first.may.set()
        while first.thread is None:
            pass
        while not given:
            yield None
        second.may.set()
        yield second

    given = []
    for item in insert_in_background(make()):
        given.append(item)
        if item is first:
            assert not second.may.is_set()
    assert given == [first, second]


def test_what_cannot_be_inserted_ends_it(items):
    for item in items:
        item.may.set()
    items[1].error = OSError("full")
    given = []
    with pytest.raises(OSError, match="full"):
        given.extend(insert_in_background(items))
    assert items[0].thread is not None


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_came_before_an_error_is_inserted(items, error):
    def make():
        yield items[0]
        items[0].may.set()
        raise error

    with pytest.raises(error):
        list(insert_in_background(make()))
    assert items[0].thread is not None


def test_what_was_begun_is_inserted_when_nobody_asks_for_more(items):
    items[0].may.set()
    items[1].may.set()
    given = insert_in_background(items)
    next(given)
    given.close()
    assert items[0].thread is not None
