"""The tab that names the columns of a focal series: foci, pixels, network, and the button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop, Steps
from napari_lattice_symmetry.atoms import (
    Atoms,
    ColumnParameters,
    Microscope,
    iter_name_series,
    vacancy_density,
)
from napari_lattice_symmetry.atoms.focal.columns import propose_pixel_size
from napari_lattice_symmetry.atoms.focal.namer import SHIPPED
from napari_lattice_symmetry.atoms.table import join
from napari_lattice_symmetry.errors import InputError, LatticeSymmetryError
from napari_lattice_symmetry.plugin.atoms.focal.series import FocalSource, take_series
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.background.task_bar import Task, TaskBar
from napari_lattice_symmetry.plugin.forms.calibration import Calibration, set_pixel_size
from napari_lattice_symmetry.plugin.forms.fields import ChoiceOrFile
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm, fold
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow

if TYPE_CHECKING:
    import napari.viewer

    from napari_lattice_symmetry.plugin.selection.selection import Selection

_ROWS = ("material", "confidence", "samples", "register_images", "reach", "check")
_LISTED = 3  # series whose density the status tells


@dataclass(frozen=True, eq=False)
class NamedColumns:
    """What was found in focal series.

    Parameters
    ----------
    series : FocalSource
        Where.
    atoms : Atoms
        Of all times.
    maps : ndarray, shape (t, classes, y, x), float32
        Probability of each class.
    remark : str
        What is to be minded of the first series of which there is something; else empty.
    """

    series: FocalSource
    atoms: Atoms
    maps: NDArray[np.float32]
    remark: str = ""

    @property
    def names(self) -> list[str]:
        """Of the classes."""
        return [name.removeprefix("p ") for name in self.atoms.more]

    def describe(self) -> str:
        """Say how many columns there are of each class, and how dense vacancies are."""
        times = len(self.series.images)
        found = [(int((self.atoms.label == name).sum()), name) for name in self.names]
        counts = ", ".join(f"{count:,} {name}" for count, name in found)
        density = vacancy_density(self.atoms, self.series.images.shape, series=times)
        told = "; ".join(density.describe(i) for i in range(min(times, _LISTED)))
        more = f"; and {times - _LISTED} more series" if times > _LISTED else ""
        return f"{counts}. {told}{more}. {self.remark}".rstrip()


class FocalTab(Releasing, QWidget):
    """Names the columns of a focal series.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers these are.
    selection : Selection
        Whose image is meant, unless several are selected.

    Signals
    -------
    found(NamedColumns)
        What was found.
    """

    found = Signal(object)

    def __init__(self, viewer: napari.viewer.Viewer, selection: Selection) -> None:
        super().__init__()
        self._viewer, self._selection = viewer, selection
        self.form = ModelForm(ColumnParameters(), _ROWS, remembered_as="columns")
        self.microscope = ModelForm(Microscope(), remembered_as="microscope")
        self._add_rows()
        lenses = fold("Microscope", self.microscope.native)
        self.bar = self.keep(
            TaskBar(
                "&Name columns",
                "Name the columns of the focal series in the selected layer, or layers.",
                self._prepare,
                has_keys=False,
            )
        )
        self.bar.done.connect(self._on_done)
        self._measuring = self.keep(LatestRequest(_measure, self))
        self._measuring.done.connect(self._on_measured)
        self._measuring.failed.connect(lambda _error: self._propose(None))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        for each in (self.form.native, lenses, self.bar):
            layout.addWidget(each)
        layout.addStretch(1)
        for event in (selection.changed, selection.image_edited):
            self.listen(event, self._on_selection)
        self.form["material"].changed.connect(self._on_selection)
        self._on_selection()

    @property
    def is_busy(self) -> bool:
        """Whether columns are being named, or the lattice is measured."""
        return self.bar.is_running or self._measuring.is_busy

    def _add_rows(self) -> None:
        rows = self.form.pages[""]
        self.series = QLabel()
        self.series.setWordWrap(True)
        self.defoci = QLineEdit()
        self.defoci.setPlaceholderText("such as -3, 2, 7")
        self.defoci.setAccessibleName("Defoci")
        self.defoci.setToolTip(
            "Of each image in nm, in their order; positive is underfocus. Read from the file "
            "where it says them."
        )
        self.network = ChoiceOrFile(list(SHIPPED), "Keras networks (*.keras)")
        self.network.setToolTip("What names the columns, or a .keras file of your own.")
        keep_narrow(self.network)
        rows.insertRow(0, "Series", self.series)
        rows.insertRow(1, "Network", self.network)
        rows.insertRow(3, "Defoci (nm)", self.defoci)
        self.calibration = Calibration(rows, self._viewer.reset_view)
        for box in (self.calibration.pixel_height, self.calibration.frame_time):
            rows.setRowVisible(box, False)
        self.proposal = QPushButton()
        self.proposal.setToolTip(
            "With this pixel size the lattice in the images is that of the material; take it "
            "where none is known."
        )
        self.proposal.clicked.connect(self._take_proposal)
        holder = QWidget()
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.proposal)
        rows.addRow("", holder)
        self._proposed: float | None = None
        self._propose(None)

    # ------------------------------------------------------------------ what is meant

    def _on_selection(self, _value: Any = None) -> None:
        """Tell what is meant, and measure its lattice."""
        self._propose(None)
        try:
            series = take_series(self._selection.chosen)
        except LatticeSymmetryError as error:
            self._measuring.drop()
            self.series.setText(str(error))
            self.calibration.show(self._selection.image, None)
            return
        times, images, *_ = series.images.shape
        text = f"{images} images" if times == 1 else f"{times} times {images} images"
        self.series.setText(f"{text} of {series.source.movie.name}")
        self.calibration.show(self._selection.chosen[0], series.source.geometry)
        if series.defoci is not None and not self.defoci.isModified():
            self.defoci.setText(", ".join(f"{each:g}" for each in series.defoci))
        self._measuring.ask((series, self.form["material"].value))

    def _on_measured(self, side: float | None) -> None:
        self._propose(side)

    def _propose(self, side: float | None) -> None:
        self._proposed = side
        self.proposal.setEnabled(side is not None)
        self.proposal.setText(
            "no lattice found" if side is None else f"{side:.4f} nm, by the lattice"
        )

    def _take_proposal(self) -> None:
        side, layers = self._proposed, list(self._selection.chosen)
        if side is None:
            return
        for layer in layers:
            set_pixel_size(layer, side, side)
        self._viewer.reset_view()
        self._on_selection()

    # ------------------------------------------------------------------ naming

    def _foci(self) -> list[float]:
        text = self.defoci.text().replace(";", ",")
        try:
            foci = [float(part) for part in text.split(",") if part.strip()]
        except ValueError:
            foci = []
        if not foci:
            raise InputError(
                f"The defoci {text!r} are no numbers; give one in nm for each image, such as "
                "-3, 2, 7."
            )
        return foci

    def _prepare(self) -> Task:
        series, defoci = take_series(self._selection.chosen), self._foci()
        side = series.pixel_size
        if side is None:
            raise InputError(
                "The pixel size is not known; type it under Pixel x, or take that of the lattice."
            )
        given = self.form.values().model_dump()
        lenses, network = self.microscope.values(), self.network.value()

        def task(progress: Progress, should_stop: ShouldStop) -> NamedColumns:
            steps = Steps(len(series.images), progress, should_stop)
            tables, maps, remarks = [], [], []
            for named in iter_name_series(
                series.images, defoci, side, network=network, microscope=lenses, **given
            ):
                tables.append(named.atoms)
                maps.append(named.maps[1:])
                remarks.append(named.remark)
                steps.advance()
            atoms = replace(join(tables), name=series.source.movie.name)
            remark = next(filter(None, remarks), "")
            return NamedColumns(series, atoms, np.stack(maps), remark)

        return task

    def _on_done(self, answer: NamedColumns) -> None:
        self.bar.status.setText(answer.describe())
        self.found.emit(answer)


def _measure(request: Any, _should_stop: Callable[[], bool]) -> float | None:
    series, material = request
    return propose_pixel_size(np.asarray(series.images[0], dtype=np.float64), material)
