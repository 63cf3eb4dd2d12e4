"""The box that tells what an analysis will be, and which window suits the movie."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QFormLayout, QGroupBox, QLabel, QPushButton

from napari_lattice_symmetry.analysis import movie_period
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.plugin.analyze.summary import Summary
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.spectrum.period import Period


class SummaryBox(Releasing, QGroupBox):
    """Tells of the windows, the time and the problem of an analysis before it is run.

    Signals
    -------
    window_suggested(int)
        When the button that sets the suggested window is pressed.
    measured()
        When the lattice period is known that was asked for.
    """

    window_suggested = Signal(int)
    measured = Signal()

    def __init__(self) -> None:
        super().__init__("This analysis")
        self.period: Period | None = None
        self.window_text, self.grid_text, self.time_text = QLabel(), QLabel(), QLabel()
        self.distortion_text, self.problem_text = QLabel(), QLabel()
        self.window_button = QPushButton()
        self.window_button.clicked.connect(self._on_button_clicked)
        self._better_window: int | None = None
        self._measuring = self.keep(LatestRequest(_measure, self))
        self._measuring.done.connect(self._on_measured)

        form = QFormLayout(self)
        form.setVerticalSpacing(2)
        for title, label in (
            ("Window", self.window_text),
            ("Windows", self.grid_text),
            ("Time", self.time_text),
            ("Distortion", self.distortion_text),
        ):
            label.setWordWrap(True)
            form.addRow(title, label)
        form.insertRow(1, self.window_button)
        self._form = form
        self.problem_text.setWordWrap(True)
        form.addRow(self.problem_text)
        self.show_summary(Summary())

    def measure(self, movie: Movie | None) -> None:
        """Forget the lattice period, and measure that of another movie in the background."""
        self.period = None
        if movie is None:
            self._measuring.drop()
        else:
            self._measuring.ask(movie)

    def show_summary(self, summary: Summary) -> None:
        """Show what is known of an analysis."""
        self.window_text.setText(summary.window)
        self.window_text.setToolTip("" if self.period is None else f"By {self.period}.")
        self.grid_text.setText(summary.grid)
        self.time_text.setText(summary.time)
        self.distortion_text.setText(summary.distortion)
        self._form.setRowVisible(self.distortion_text, bool(summary.distortion))
        self.problem_text.setText(summary.problem)
        self.problem_text.setVisible(bool(summary.problem))
        self._better_window = summary.better_window
        if summary.better_window is not None and self.period is not None:
            n_periods = summary.better_window / self.period.length
            self.window_button.setText(f"Use {summary.better_window} px, {n_periods:.0f} periods")
        self.window_button.setVisible(summary.better_window is not None)

    def _on_measured(self, period: Period | None) -> None:
        self.period = period
        self.measured.emit()

    def _on_button_clicked(self) -> None:
        if self._better_window is not None:
            self.window_suggested.emit(self._better_window)


def _measure(movie: Movie, _should_stop: Callable[[], bool]) -> Period | None:
    return movie_period(movie)
