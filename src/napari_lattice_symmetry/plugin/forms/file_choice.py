"""Which dataset and which channel of a file: rows of a form that are there when they are needed."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QFormLayout

from napari_lattice_symmetry.errors import ChoiceError
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow

_ROWS = {
    "dataset": "Which of the images in each file is analyzed.",
    "channel": "Which channel of the images is analyzed.",
}


class FileChoice:
    """The rows "Dataset" and "Channel", hidden until a file asks for a choice.

    Parameters
    ----------
    form : QFormLayout
        Where the rows go.
    """

    def __init__(self, form: QFormLayout) -> None:
        self._form = form
        self.boxes = {keyword: QComboBox() for keyword in _ROWS}
        for keyword, tooltip in _ROWS.items():
            self.boxes[keyword].setToolTip(tooltip)
            keep_narrow(self.boxes[keyword])
            form.addRow(keyword.capitalize(), self.boxes[keyword])
        self.forget()

    def chosen(self, keyword: str) -> str | None:
        """Return the dataset or the channel; None where nothing is chosen, or need be."""
        name: str | None = self.boxes[keyword].currentData()
        return name

    def ask(self, error: ChoiceError) -> None:
        """Let the user choose from what a file turned out to hold."""
        box = self.boxes[error.keyword]
        box.clear()
        box.addItem("choose…", None)
        for name in error.choices:
            box.addItem(name, name)
        self._form.setRowVisible(box, True)
        box.setFocus()

    def forget(self) -> None:
        """Go back to where nothing is to be chosen."""
        for box in self.boxes.values():
            box.clear()
            self._form.setRowVisible(box, False)
