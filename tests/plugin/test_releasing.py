from __future__ import annotations

import pytest

from napari_lattice_symmetry.plugin.releasing import Releasing


class Event:
    """As those of napari and the signals of Qt are connected."""

    def __init__(self):
        self.heard = []

    def connect(self, react):
        self.heard.append(react)

    def disconnect(self, react):
        self.heard.remove(react)


class Part:
    def __init__(self, name, order):
        self.name, self.order = name, order

    def release(self):
        self.order.append(self.name)


@pytest.fixture
def dock():
    return Releasing()


def test_what_is_released_listens_no_more(dock):
    one, other = Event(), Event()
    dock.listen(one, print)
    dock.listen(other, print)
    assert one.heard == other.heard == [print]
    dock.release()
    assert one.heard == other.heard == []


def test_parts_are_released_with_their_dock_the_last_first_and_once(dock):
    order = []
    parts = [dock.keep(Part(name, order)) for name in ("canvas", "tab")]
    assert [part.name for part in parts] == ["canvas", "tab"]
    dock.release()
    dock.release()
    assert order == ["tab", "canvas"]


def test_a_part_that_fails_leaves_no_other_behind(dock):
    event = Event()
    dock.listen(event, print)
    dock.keep(Part("tab", None))  # has no list to write to
    with pytest.raises(AttributeError):
        dock.release()
    assert event.heard == []
