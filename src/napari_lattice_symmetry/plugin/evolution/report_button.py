"""The button that writes a report on the result a dock works on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import QFileDialog, QPushButton

from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution.growth import GrowthFit
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.evolution.follower import ResultFollower
from napari_lattice_symmetry.results import MovieResult


@dataclass(frozen=True, eq=False)
class _Request:
    result: MovieResult
    path: Path
    movie: Movie | None
    growth: Sequence[GrowthFit]


class ReportButton(QPushButton):
    """Asks for a file, and writes the report there in the background.

    Parameters
    ----------
    follower : ResultFollower
        Knows the result and its movie.
    growth : callable
        Gives the growth laws that are fitted to the result now.
    """

    def __init__(self, follower: ResultFollower, growth: Callable[[], Sequence[GrowthFit]]) -> None:
        super().__init__("Report…")
        self.setToolTip(
            "Write figures, tables, settings and origin of the result to one HTML file; with the "
            "growth law, if the kinetics are shown."
        )
        self._follower, self._growth = follower, growth
        self._request = LatestRequest(_write, self)
        self._request.done.connect(self._on_written)
        self._request.failed.connect(self._on_failure)
        self.clicked.connect(self._ask)

    @property
    def is_busy(self) -> bool:
        """Whether a report is being written."""
        return self._request.is_busy

    def _ask(self) -> None:
        try:
            result, _ = self._follower.selection.require_result()
        except InputError as error:
            show_error(str(error))
            return
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Write a report", f"{result.name}_report.html", "Web page (*.html)"
        )
        if not chosen:
            return
        path = Path(chosen if chosen.lower().endswith((".html", ".htm")) else f"{chosen}.html")
        try:
            movie = self._follower.movie()
        except InputError:  # the report is of the maps alone then
            movie = None
        self.setEnabled(False)
        self.setText("Writing…")
        self._request.ask(_Request(result, path, movie, self._growth()))

    def _on_written(self, path: Path) -> None:
        self._reset()
        show_info(f"Wrote {path}.")

    def _on_failure(self, error: Exception) -> None:
        self._reset()
        show_error(str(error))

    def _reset(self) -> None:
        self.setEnabled(True)
        self.setText("Report…")


def _write(request: _Request, _should_stop: Callable[[], bool]) -> Path:
    from napari_lattice_symmetry.report.page import write_report

    return write_report(request.result, request.path, request.movie, growth=request.growth)
