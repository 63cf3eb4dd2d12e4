"""Loading of a network beside the screen, before a run needs it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from threading import Thread

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lattice_symmetry import bravais
from napari_lattice_symmetry.errors import LatticeSymmetryError, ModelError, guard
from napari_lattice_symmetry.plugin.memory import recall_seconds, stored

_UNDER_WAY: list[NetworkLoading] = []
"""What Qt has still to hear the end of: a thread must not be the last to know a QObject."""


class NetworkLoading(QObject):
    """Loads a network in a thread that nobody uses again, as TensorFlow asks for.

    A loaded network is shared by all that ask for it, and who asks meanwhile waits for it.

    Attributes
    ----------
    is_busy : bool
        Whether a network is being loaded.
    problem : str
        Why the last one could not be; empty if it could.

    Signals
    -------
    changed()
        It has begun, or ended.
    """

    changed = Signal()
    _ended = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.is_busy, self.problem = False, ""
        self._network = ""
        self._ends_at = 0.0
        self._ended.connect(self._on_ended)

    @property
    def seconds_left(self) -> float:
        """How long it will still take, by the last time that was measured; 0 if not known."""
        return max(self._ends_at - time.perf_counter(), 0.0) if self.is_busy else 0.0

    def begin(self, network: str) -> None:
        """Load a network, unless it is the last one that was asked for and did not fail."""
        if network == self._network and not self.problem:
            return
        self._network, self.is_busy, self.problem = network, True, ""
        is_first = "keras" not in sys.modules  # TensorFlow takes far longer than a network
        self._ends_at = time.perf_counter() + (last_loading() if is_first else 0.0)
        _UNDER_WAY.append(self)
        Thread(target=self._load, args=(bravais.load_model, network, is_first)).start()
        self.changed.emit()

    def _load(self, load: Callable[[str], object], network: str, is_first: bool) -> None:
        problem, started = "", time.perf_counter()
        try:
            with guard(f"The network {network!r} cannot be loaded", ModelError):
                load(network)
        except LatticeSymmetryError as error:
            problem = str(error)
        else:
            if is_first:
                remember_loading(time.perf_counter() - started)
        self._ended.emit(network, problem)

    def _on_ended(self, network: str, problem: str) -> None:
        _UNDER_WAY.remove(self)
        if network == self._network:  # else another one was asked for meanwhile
            self.is_busy, self.problem = False, problem
            self.changed.emit()


def remember_loading(seconds: float) -> None:
    """Keep for later sessions how long the first network of a session took to load."""
    stored("speed").setValue("loading", seconds)


def last_loading() -> float:
    """Recall how many seconds the first network took to load; 0 if that was never measured."""
    return recall_seconds("loading") or 0.0
