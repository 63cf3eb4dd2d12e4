"""How long an analysis will take: what the last one took, remembered between sessions."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.plugin.memory import recall_seconds, stored


@dataclass(frozen=True)
class Speed:
    """Seconds that a window took, and under which settings.

    Parameters
    ----------
    seconds_per_window : float
        Without the time that loading the network took.
    network, window, samples, answer
        As in `AnalysisParameters`.
    """

    seconds_per_window: float
    network: str
    window: int
    samples: int
    answer: str = "network"

    def fits(self, parameters: AnalysisParameters) -> bool:
        """Return whether it was measured with these settings."""
        return (self.network, self.window, self.samples, self.answer) == (
            parameters.network,
            parameters.window,
            parameters.samples,
            parameters.answerable().answer,
        )

    def remember(self) -> None:
        """Keep this for later sessions."""
        settings = stored("speed")
        for key, value in asdict(self).items():
            settings.setValue(key, value)


def last_speed() -> Speed | None:
    """Recall the last measurement; None if there was none."""
    settings, seconds = stored("speed"), recall_seconds("seconds_per_window")
    if seconds is None:
        return None
    try:
        return Speed(
            seconds,
            str(settings.value("network")),
            int(settings.value("window")),
            int(settings.value("samples")),
            str(settings.value("answer", "network")),
        )
    except (TypeError, ValueError):  # nothing there, or not ours
        return None


class Stopwatch:
    """Measures the time a window takes while windows come in by the block."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        self._last: tuple[float, int] = (0.0, 0)

    def tick(self, now: float, done: int) -> None:
        """Note that `done` windows were done at the time `now` in seconds."""
        self._last = (now, done)
        # The first block is slow: it compiles the network.
        self._first = self._first or self._last

    @property
    def seconds_per_window(self) -> float | None:
        """Mean so far; None before the second block."""
        if self._first is None or self._last[1] <= self._first[1]:
            return None
        return (self._last[0] - self._first[0]) / (self._last[1] - self._first[1])
