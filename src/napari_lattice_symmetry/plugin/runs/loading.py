"""Loading of a network beside the screen, before a run needs it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

import numpy as np
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lattice_symmetry import bravais
from napari_lattice_symmetry.bravais.classifier import BLOCK, Classifier
from napari_lattice_symmetry.errors import LatticeSymmetryError, ModelError, guard
from napari_lattice_symmetry.plugin.layers.result_layers import compile_class_map
from napari_lattice_symmetry.plugin.memory import recall_seconds, stored
from napari_lattice_symmetry.spectrum.fitting import fit_lattices

_LIBRARIES = {"onnx": "onnxruntime", "tensorflow": "keras"}
"""What an engine imports first."""

PREPARING = "Preparing the network…"
"""What is told until it is loaded."""

_UNDER_WAY: list[NetworkLoading] = []
"""What Qt has still to hear the end of: a thread must not be the last to know a QObject."""


class NetworkLoading(QObject):
    """Loads a network in a thread that nobody uses again, as TensorFlow asks for where it runs it.

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
    _ended = Signal(tuple, str)

    def __init__(self) -> None:
        super().__init__()
        self.is_busy, self.problem = False, ""
        self._wanted = "", ""
        self._ends_at = 0.0
        self._ended.connect(self._on_ended)

    @property
    def seconds_left(self) -> float:
        """How long it will still take, by the last time that was measured; 0 if not known."""
        return max(self._ends_at - time.perf_counter(), 0.0) if self.is_busy else 0.0

    def begin(self, network: str, engine: str) -> None:
        """Load a network, unless it is the last one that was asked for and did not fail."""
        wanted = network, engine
        if wanted == self._wanted and not self.problem:
            return
        self._wanted, self.is_busy, self.problem = wanted, True, ""
        is_first = _LIBRARIES[engine] not in sys.modules  # it takes far longer than a network
        self._ends_at = time.perf_counter() + (last_loading(engine) if is_first else 0.0)
        _UNDER_WAY.append(self)
        Thread(target=self._load, args=(bravais.load_model, wanted, is_first)).start()
        self.changed.emit()

    def _load(
        self, load: Callable[[str, str], Classifier], wanted: tuple[str, str], is_first: bool
    ) -> None:
        problem, started = "", time.perf_counter()
        try:
            with guard(f"The network {wanted[0]!r} cannot be loaded", ModelError):
                network = load(*wanted)
        except LatticeSymmetryError as error:
            problem = str(error)
        else:
            if is_first:
                remember_loading(wanted[1], time.perf_counter() - started)
        self._ended.emit(wanted, problem)
        compile_class_map()
        if not problem:
            rehearse(network)

    def _on_ended(self, wanted: tuple[str, str], problem: str) -> None:
        _UNDER_WAY.remove(self)
        if wanted == self._wanted:  # else another one was asked for meanwhile
            self.is_busy, self.problem = False, problem
            self.changed.emit()


def rehearse(network: Classifier) -> None:
    """Do once what every run begins with, so that what is made the first time is there by then."""
    windows = np.random.default_rng(0).normal(size=(BLOCK, 32, 32))
    with suppress(Exception):  # of a network that is broken, anything; a run will tell what
        network.classify(windows)
        fit_lattices(windows)


def remember_loading(engine: str, seconds: float) -> None:
    """Keep for later sessions how long the first network of a session took to load."""
    stored("speed").setValue(f"loading {engine}", seconds)


def last_loading(engine: str) -> float:
    """Recall how many seconds the first network took to load; 0 if that was never measured."""
    return recall_seconds(f"loading {engine}") or 0.0
