"""The tab that finds atoms: scale, frames, and the button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from napari_lattice_symmetry.analysis.reading import read_frame
from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop, Steps
from napari_lattice_symmetry.atoms import FindParameters
from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.plugin.atoms.search import (
    Finder,
    SearchAnswer,
    SearchRequest,
    find_in_frames,
)
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.background.task_bar import Task, TaskBar
from napari_lattice_symmetry.plugin.forms.calibration import Calibration
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.selection.selection import Selection
from napari_lattice_symmetry.plugin.selection.source import Source
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow
from napari_lattice_symmetry.spectrum.period import dominant_period

if TYPE_CHECKING:
    import napari.viewer

_ONE, _ALL = "this frame", "all frames"


@dataclass(frozen=True, eq=False)
class _Proposal:
    source: Source
    period: float | None


class FindTab(Releasing, QWidget):
    """Finds atoms in the selected image.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose frame is meant.
    selection : Selection
        Whose image is meant.
    finder : callable
        What finds atoms in a frame.

    Signals
    -------
    found(SearchAnswer)
        What was found.
    """

    found = Signal(object)

    def __init__(self, viewer: napari.viewer.Viewer, selection: Selection, finder: Finder) -> None:
        super().__init__()
        self._viewer, self._selection, self._finder = viewer, selection, finder
        self.form = ModelForm(
            FindParameters(), ("spacing", "confidence", "samples"), remembered_as="atoms"
        )
        self._add_rows()
        self.bar = self.keep(
            TaskBar("&Find atoms", "Find the atoms of the selected image.", self._prepare)
        )
        self.bar.done.connect(self._on_done)
        self._measuring = self.keep(LatestRequest(_measure, self))
        self._measuring.done.connect(self._on_measured)
        self._measuring.failed.connect(lambda _error: self._tell_period(None))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)  # to be narrow
        layout.addWidget(self.form.native)
        layout.addWidget(self.bar)
        layout.addStretch(1)
        for event in (selection.changed, selection.image_edited):
            self.listen(event, self._on_selection)
        self._on_selection()

    @property
    def is_busy(self) -> bool:
        """Whether atoms are being found, or the period is measured."""
        return self.bar.is_running or self._measuring.is_busy

    def _add_rows(self) -> None:
        rows = self.form.pages[""]
        self.frames = QComboBox()
        self.frames.addItems([_ONE, _ALL])
        self.frames.setToolTip("Look at the frame that is shown, or at all frames of the movie.")
        keep_narrow(self.frames)
        self.calibration = Calibration(rows, self._viewer.reset_view)
        rows.setRowVisible(self.calibration.frame_time, False)
        self.period = QLabel()
        self.period.setToolTip("Of the lattice in the image, from which the spacing is measured.")
        rows.insertRow(0, "Period", self.period)
        rows.addRow("Of", self.frames)
        self._tell_period(None)

    # ------------------------------------------------------------------ the scale

    def _on_selection(self) -> None:
        """Measure the period of the image, which is what the spacing is unless it is set."""
        try:
            source = self._selection.take_source(0)
        except LatticeSymmetryError:
            self._measuring.drop()
            self.calibration.show(self._selection.image, None)
            self._tell_period(None)
            return
        self.calibration.show(self._selection.image, source.geometry)
        self._measuring.ask((source, self._frame_shown(source)))

    def _on_measured(self, proposal: _Proposal) -> None:
        self._tell_period(proposal.period)

    def _tell_period(self, period: float | None) -> None:
        self.period.setText("none found" if period is None else f"{period:.3g} px")

    def _frame_shown(self, source: Source) -> int:
        return source.geometry.frame_at(self._viewer.dims.point, len(source.movie))

    # ------------------------------------------------------------------ finding

    def request(self) -> SearchRequest:
        """Say what is meant now.

        Raises
        ------
        InputError
            If there is no image.
        """
        source = self._selection.take_source()
        is_one = self.frames.currentText() == _ONE
        frames = [self._frame_shown(source)] if is_one else range(len(source.movie))
        return SearchRequest(source, frames, self.form.values())

    def _prepare(self) -> Task:
        request, finder = self.request(), self._finder

        def task(progress: Progress, should_stop: ShouldStop) -> SearchAnswer:
            return find_in_frames(
                request, finder, Steps(len(request.frames), progress, should_stop)
            )

        return task

    def _on_done(self, answer: SearchAnswer) -> None:
        self.bar.status.setText(answer.describe())
        self.found.emit(answer)


def _measure(request: Any, _should_stop: Callable[[], bool]) -> _Proposal:
    source, frame = request
    return _Proposal(source, dominant_period(read_frame(source.movie, frame)))
