"""Clicks and arrow keys on napari's canvas, borrowed for as long as they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

if TYPE_CHECKING:
    from napari.components import ViewerModel

_LEFT_BUTTON = 1
_CLICK_RADIUS = 3
"""How many pixels of the screen the mouse may move in a click."""

STEPS = {"Up": (-1, 0), "Down": (1, 0), "Left": (0, -1), "Right": (0, 1)}
"""Steps down and to the right that each arrow key stands for."""

_FRAMES = {"Alt-Left": -1, "Alt-Right": 1}


class Picking(QObject):
    """Takes over clicks and arrow keys while it is on, and gives them back after.

    napari's own left and right, which go through time, stay within reach with Alt.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose canvas it is.
    parent : QObject
        What this belongs to.
    keys : bool
        Whether arrow keys are taken too.

    Signals
    -------
    clicked(position)
        Where, in world coordinates.
    moved(down, right)
        Steps that an arrow key asks for.
    stepped(frames)
        Frames that Alt with an arrow key asks for.
    """

    clicked = Signal(object)
    moved = Signal(int, int)
    stepped = Signal(int)

    def __init__(self, viewer: ViewerModel, parent: QObject, *, keys: bool = True) -> None:
        super().__init__(parent)
        self._viewer, self._keys = viewer, keys
        self._replaced: dict[str, Callable[..., Any] | None] | None = None

    def set_on(self, on: bool) -> None:
        """Take over, or give back."""
        if on and self._replaced is None:
            self._viewer.mouse_drag_callbacks.append(self._on_press)
            self._replaced = {
                key: self._viewer.bind_key(key, act, overwrite=True)
                for key, act in self._actions().items()
            }
        elif not on and self._replaced is not None:
            self._viewer.mouse_drag_callbacks.remove(self._on_press)
            for key, before in self._replaced.items():
                self._viewer.bind_key(key, before, overwrite=True)
            self._replaced = None

    def _actions(self) -> dict[str, Callable[[Any], None]]:
        if not self._keys:
            return {}

        def move(down: int, right: int) -> Callable[[Any], None]:
            return lambda _viewer: self.moved.emit(down, right)

        def step(frames: int) -> Callable[[Any], None]:
            return lambda _viewer: self.stepped.emit(frames)

        moves = {key: move(*steps) for key, steps in STEPS.items()}
        return moves | {key: step(frames) for key, frames in _FRAMES.items()}

    def _on_press(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        """Tell a click from a drag, which moves the view."""
        active = viewer.layers.selection.active
        busy = active is not None and str(active.mode) != "pan_zoom"  # it draws or is transformed
        if busy or event.button != _LEFT_BUTTON or viewer.dims.ndisplay != 2:
            return
        pressed, still = event.pos, True
        yield
        while event.type == "mouse_move":
            still &= max(abs(event.pos - pressed)) <= _CLICK_RADIUS
            yield
        if still:
            self.clicked.emit(event.position)
