"""What a person does to the points by hand: undone, counted, and scored anew."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_lattice_symmetry.atoms.table import nearest_neighbors
from napari_lattice_symmetry.plugin.atoms.current import CurrentAtoms
from napari_lattice_symmetry.plugin.atoms.layers import (
    ADDED,
    FOUND,
    MOVED,
    ORIGIN,
    UNNUMBERED,
    atoms_in,
    found_in,
    frames_and_places,
    unknown_of,
)
from napari_lattice_symmetry.plugin.atoms.scoring import Rescored, Touched, rescore
from napari_lattice_symmetry.plugin.atoms.search import Finder
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.releasing import Releasing

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Points

    from napari_lattice_symmetry.atoms import Atoms

_QUIET = 150  # ms without a move before a drag counts as done
_STEPS = 50  # that can be undone
_ABOUT_TO, _DONE = ("adding", "removing"), ("added", "removed", "changed")


@dataclass(frozen=True, eq=False)
class _State:
    """The points of a layer at a time."""

    data: NDArray[np.float64]
    features: pd.DataFrame

    @classmethod
    def of(cls, layer: Points) -> _State:
        return cls(np.array(layer.data), layer.features.copy())


class Edits(Releasing, QObject):
    """Follows what is done to the points of the layer that is meant.

    Parameters
    ----------
    current : CurrentAtoms
        Which layer is meant.
    finder : callable
        What finds atoms in a frame.
    parent : QObject
        What this belongs to.

    Attributes
    ----------
    refines : bool
        Whether touched points go where the finder sees their atom.

    Signals
    -------
    edited()
        Points are others, or other things are known of them.
    failed(error)
        Why touched points could not be scored anew.
    """

    edited = Signal()
    failed = Signal(object)

    def __init__(self, current: CurrentAtoms, finder: Finder, parent: QObject) -> None:
        super().__init__(parent)
        self._current = current
        self.refines = False
        self._layer: Points | None = None
        self._last: _State | None = None
        self._before: deque[_State] = deque(maxlen=_STEPS)
        self._is_ours = False
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.setInterval(_QUIET)
        self._quiet.timeout.connect(self._take)
        self._scoring = LatestRequest(partial(_rescore, finder), self)
        self._scoring.done.connect(self._on_scored)
        self._scoring.failed.connect(self.failed)
        self._waiting: set[tuple[float, ...]] = set()  # places of touched points
        self.listen(current.changed, self._on_layer)
        self._on_layer()

    def release(self) -> None:
        """Let go of the layer."""
        super().release()
        self._watch(None)

    @property
    def is_busy(self) -> bool:
        """Whether a move goes on, or points are being scored."""
        return self._quiet.isActive() or self._scoring.is_busy

    @property
    def can_undo(self) -> bool:
        """Whether there is something to be undone."""
        return bool(self._before) or self._quiet.isActive()

    def describe(self) -> str:
        """Say how the layer differs from what was found."""
        if self._layer is None or self._last is None:
            return ""
        origins = self._last.features[ORIGIN].tolist()
        counts = {name: origins.count(name) for name in (ADDED, MOVED, FOUND)}
        found = found_in(self._layer)
        gone = 0 if found is None else len(found.atoms) - counts[MOVED] - counts[FOUND]
        told = {"added": counts[ADDED], "moved": counts[MOVED], "deleted": max(gone, 0)}
        texts = [f"{count} {what}" for what, count in told.items() if count]
        return f"By hand: {', '.join(texts)}." if texts else "As found, nothing edited."

    def undo(self) -> None:
        """Take back the last edit."""
        self._take()
        if self._layer is None or not self._before:
            return
        state = self._before.pop()
        self._scoring.drop()
        self._waiting.clear()
        with self._ours():
            self._layer.selected_data = set()
            self._layer.data = state.data.copy()
            self._layer.features = state.features
        self.settle()

    def take_columns(self, atoms: Atoms) -> None:
        """Take over what was measured of the atoms of the layer, which are the same."""
        layer = self._layer
        if layer is None:
            return
        features = layer.features.copy()
        for name, values in ({"label": atoms.label} | dict(atoms.more)).items():
            features[name] = values
        with self._ours():
            layer.features = features
            layer.feature_defaults = unknown_of({k: v.to_numpy() for k, v in features.items()})
        self._last = _State.of(layer)
        self.edited.emit()

    def set_label(self, label: str) -> int:
        """Classify the points that are selected, which can be undone; return how many."""
        self._take()
        layer = self._layer
        if layer is None or self._last is None or not layer.selected_data:
            return 0
        self._before.append(self._last)
        features = layer.features.copy()
        features.loc[sorted(layer.selected_data), "label"] = label
        with self._ours():
            layer.features = features
        self.settle()
        return len(layer.selected_data)

    # ------------------------------------------------------------------ following

    def _on_layer(self) -> None:
        self._watch(self._current.layer)
        self.edited.emit()

    def _watch(self, layer: Points | None) -> None:
        if self._layer is not None:
            self._layer.events.data.disconnect(self._on_data)
        self._quiet.stop()
        self._scoring.drop()
        self._waiting.clear()
        self._before.clear()
        self._layer, self._last = layer, None if layer is None else _State.of(layer)
        if layer is not None:
            layer.events.data.connect(self._on_data)

    def _on_data(self, event: Any) -> None:
        if self._is_ours:
            return
        action = str(getattr(event.action, "value", event.action))
        if action == "changed" and self._layer is not None and self._has_as_many(self._layer):
            self._quiet.start()  # a drag moves at every step of the mouse
        elif action in _DONE:
            QTimer.singleShot(0, self._take)  # once napari has brought all columns to one length
        elif action in _ABOUT_TO and self._quiet.isActive():
            self._take()

    def _has_as_many(self, layer: Points) -> bool:
        return self._last is not None and len(layer.data) == len(self._last.data)

    def _take(self) -> None:
        """Take what was done since the last time as one edit."""
        self._quiet.stop()
        layer, last = self._layer, self._last
        if layer is None or last is None:
            return
        data = np.asarray(layer.data)
        n = min(len(data), len(last.data))
        is_same = len(data) == len(last.data) and np.array_equal(data, last.data)
        if is_same:
            return
        self._before.append(last)
        touched = np.zeros(len(data), bool)
        if len(data) >= len(last.data):
            touched[:n] = (data[:n] != last.data[:n]).any(axis=1)
            touched[n:] = True
        self._forget(layer, touched, n)
        self.settle()
        self._waiting |= {tuple(place) for place in data[touched].tolist()}
        self._ask()

    def _forget(self, layer: Points, touched: NDArray[np.bool_], n: int) -> None:
        """Know no more of touched points than who set them."""
        features = layer.features.copy()
        for name, values in features.items():
            if values.dtype.kind in "fi":
                features.loc[touched, name] = np.nan if values.dtype.kind == "f" else UNNUMBERED
        was_found = (features[ORIGIN] != ADDED).to_numpy()
        features.loc[touched & was_found, ORIGIN] = MOVED
        features.loc[np.arange(len(features)) >= n, ORIGIN] = ADDED
        with self._ours():
            layer.features = features

    def settle(self) -> None:
        """Measure distances, color, and tell, after points or their image have changed."""
        layer = self._layer
        if layer is None:
            return
        found = found_in(layer)
        assert found is not None, "it is a layer of atoms"
        frame, y, x = frames_and_places(layer.data, found.source.geometry.time_axis)
        features = layer.features.copy()
        features["neighbor"] = nearest_neighbors(y, x, frame)
        if found.atoms.pixel_size is not None:
            height, width = found.atoms.pixel_size
            features["neighbor_nm"] = nearest_neighbors(y * height, x * width, frame)
        with self._ours():
            layer.features = features
        self._current.repaint()
        self._last = _State.of(layer)
        self.edited.emit()

    # ------------------------------------------------------------------ scoring anew

    def _ask(self) -> None:
        layer = self._layer
        found = found_in(layer)
        if layer is None or found is None:
            return
        rows = [i for i, place in enumerate(layer.data.tolist()) if tuple(place) in self._waiting]
        if rows:
            self._scoring.ask(Touched(found, atoms_in(layer), np.array(rows, dtype=np.intp)))

    def _on_scored(self, scored: Rescored | None) -> None:
        layer = self._layer
        if layer is None or scored is None or scored.touched.found is not found_in(layer):
            return
        self._waiting.clear()
        atoms, data, features = atoms_in(layer), np.array(layer.data), layer.features.copy()
        asked = scored.touched.atoms[scored.touched.rows]
        columns = scored.seen.columns()
        for k in range(len(asked)):
            is_here = (atoms.y == asked.y[k]) & (atoms.x == asked.x[k])
            for row in np.flatnonzero(is_here & (atoms.frame == asked.frame[k])).tolist()[:1]:
                for name in columns.keys() & set(features.columns) - {ORIGIN}:
                    features.loc[row, name] = columns[name][k]
                if self.refines and scored.matched[k]:
                    data[row, -2:] = columns["y"][k], columns["x"][k]
        with self._ours():
            layer.data = data
            layer.features = features
        self.settle()

    @contextmanager
    def _ours(self) -> Iterator[None]:
        """Let what is done to the layer be no edit of a person's."""
        self._is_ours = True
        try:
            yield
        finally:
            self._is_ours = False


def _rescore(finder: Finder, touched: Touched, should_stop: Any) -> Rescored | None:
    return rescore(touched, finder, should_stop)
