"""The row that lets the evolution be drawn along a column of a table instead of time."""

from __future__ import annotations

from pathlib import Path

from napari.utils.notifications import show_error
from qtpy.QtCore import QSignalBlocker, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QPushButton, QWidget

from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow
from napari_lattice_symmetry.results.column import Column, list_columns, read_column

_TIME = "time"


class AlongRow(QWidget):
    """Chooses time, or a column of a table that was recorded beside the movie.

    Signals
    -------
    changed()
        Another axis was chosen.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.column: Column | None = None
        self._path: Path | None = None
        self.chooser = QComboBox()
        self.chooser.setToolTip("What curves are drawn along.")
        keep_narrow(self.chooser, letters=5)
        self.chooser.addItem(_TIME, None)
        self.chooser.currentIndexChanged.connect(self._on_chosen)
        self.button = QPushButton("Table…")
        self.button.setToolTip(
            "Open a table (CSV) of what was recorded beside the movie, such as the temperature. "
            "Its rows are frames, or what its column frame or time (s) says."
        )
        self.button.clicked.connect(self._ask)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.chooser, stretch=1)
        layout.addWidget(self.button)

    def open(self, path: Path) -> None:
        """Offer the columns of a table, and take the first.

        Raises
        ------
        InputError
            If it cannot be read as one.
        """
        names = list_columns(path)
        self._path = path
        with QSignalBlocker(self.chooser):
            self.chooser.clear()
            self.chooser.addItem(_TIME, None)
            for name in names:
                self.chooser.addItem(name, name)
        self.chooser.setCurrentIndex(1)

    def _ask(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, "A table recorded beside the movie", "", "Tables (*.csv *.tsv *.txt)"
        )
        if chosen:
            try:
                self.open(Path(chosen))
            except LatticeSymmetryError as error:
                show_error(str(error))

    def _on_chosen(self, _index: int) -> None:
        name, path = self.chooser.currentData(), self._path
        try:
            self.column = None if name is None or path is None else read_column(path, name)
        except LatticeSymmetryError as error:
            show_error(str(error))
            self.chooser.setCurrentIndex(0)
            return
        self.changed.emit()
