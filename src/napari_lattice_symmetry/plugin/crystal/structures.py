"""The list of crystals in the dock: structure files and tabulated ones."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_lattice_symmetry.crystals import Crystal, prototype, prototypes, read_structure
from napari_lattice_symmetry.crystals.reading import FORMATS, VASP_NAMES

_ROWS = 3  # of the list that are seen
_FILES = " ".join((*(f"*{ending}" for ending in FORMATS), *(f"{name}*" for name in VASP_NAMES)))
_SOURCE = Qt.ItemDataRole.UserRole

Source = tuple[str, bool]
"""Path of a file, or the name of a tabulated crystal and True."""


class StructureList(QWidget):
    """Lists crystals; they are read when they are needed.

    Signals
    -------
    changed()
        Another crystal is meant: added, removed or selected.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.crystals = QListWidget()
        self.crystals.setToolTip(
            "The crystals that the image may show. Family and symmetry are of the selected one."
        )
        self.crystals.setAccessibleName("Crystals")
        self.crystals.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.crystals.setMinimumWidth(120)
        self.crystals.setFixedHeight(_ROWS * self.fontMetrics().lineSpacing() + 14)
        self.crystals.itemSelectionChanged.connect(self.changed)
        self.add_button = QPushButton("Files…")
        self.add_button.setToolTip("Add structure files: CIF, POSCAR, xyz or FHI-aims.")
        self.add_button.clicked.connect(self._ask_for_files)
        self.listed_button = QPushButton("Listed…")
        self.listed_button.setToolTip("Add one of the crystals that are tabulated here.")
        self.listed_button.clicked.connect(self._ask_for_listed)
        self.remove_button = QPushButton("Remove")
        self.remove_button.setToolTip("Remove the selected crystals, or all if none is selected.")
        self.remove_button.clicked.connect(self._remove)
        buttons = QHBoxLayout()
        for button in (self.add_button, self.listed_button, self.remove_button):
            button.setMinimumWidth(40)
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.crystals)
        layout.addLayout(buttons)

    @property
    def sources(self) -> list[Source]:
        """All that are listed, in order."""
        rows = [self.crystals.item(row) for row in range(self.crystals.count())]
        return [item.data(_SOURCE) for item in rows if item is not None]

    @property
    def chosen(self) -> Source | None:
        """The one that is selected, else the last that was added; None if there is none."""
        selected = self.crystals.selectedItems()
        if selected:
            source: Source = selected[0].data(_SOURCE)
            return source
        return self.sources[-1] if self.sources else None

    def add_files(self, paths: list[str]) -> None:
        """List structure files, each once; they are read when they are needed."""
        for path in paths:
            self._add(Path(path).name, (path, False))
        self.changed.emit()

    def add_listed(self, name: str) -> None:
        """List a tabulated crystal."""
        self._add(name, (name, True))
        self.changed.emit()

    def _add(self, title: str, source: Source) -> None:
        if source in self.sources:
            return
        item = QListWidgetItem(title)
        item.setToolTip("tabulated" if source[1] else source[0])
        item.setData(_SOURCE, source)
        self.crystals.addItem(item)
        self.crystals.scrollToItem(item)

    def _ask_for_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Structures", "", f"Structures ({_FILES})")
        self.add_files(paths)

    def _ask_for_listed(self) -> None:
        names = list(prototypes())
        name, chosen = QInputDialog.getItem(self, "Crystals", "Add", names, 0, False)
        if chosen:
            self.add_listed(name)

    def _remove(self) -> None:
        selected = self.crystals.selectedItems()
        for item in selected:
            self.crystals.takeItem(self.crystals.row(item))
        if not selected:
            self.crystals.clear()
        self.changed.emit()


def load_structure(source: Source) -> Crystal:
    """Return the crystal of a source; a file is read again when it has changed.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    name, listed = source
    if listed:
        return prototype(name)
    path = Path(name)
    return _read(name, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=64)
def _read(path: str, _changed: int) -> Crystal:
    return read_structure(path)
