"""Where a run writes its result, and which cluster analyzes: two rows of a form."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QFormLayout, QHBoxLayout, QLineEdit, QToolButton, QWidget


class ResultPath:
    """The row "Save to", which may stay empty.

    Parameters
    ----------
    form : QFormLayout
        Where the row goes.
    parent : QWidget
        Owner of the file dialog.
    tooltip : str
        What is written there, and what is continued.
    """

    def __init__(self, form: QFormLayout, parent: QWidget, tooltip: str) -> None:
        self._parent = parent
        self.path = QLineEdit()
        self.path.setPlaceholderText("in memory only")
        self.path.setToolTip(tooltip)
        self.browse = QToolButton()
        self.browse.setText("…")
        self.browse.setToolTip("Choose the name of a .zarr folder.")
        self.browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.path)
        row.addWidget(self.browse)
        form.addRow("Save to", row)

    @property
    def value(self) -> Path | None:
        """The folder, whose name ends in .zarr; None if the result is to stay in memory."""
        text = self.path.text().strip()
        if not text:
            return None
        return Path(text if text.endswith(".zarr") else f"{text}.zarr").expanduser()

    def _browse(self) -> None:
        # An existing result is chosen to be continued, so there is nothing to confirm.
        path, _ = QFileDialog.getSaveFileName(
            self._parent,
            "Save to",
            self.path.text(),
            "Results (*.zarr)",
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if path:
            self.path.setText(path)


class Destination(ResultPath):
    """The rows "Save to" and "Dask scheduler"; both may stay empty.

    Parameters
    ----------
    form : QFormLayout
        Where the rows go.
    parent : QWidget
        Owner of the file dialog.
    """

    def __init__(self, form: QFormLayout, parent: QWidget) -> None:
        super().__init__(
            form,
            parent,
            "A .zarr folder that every frame is written to when it is finished; an unfinished "
            "result of the same movie and settings is continued.",
        )
        self.scheduler = QLineEdit()
        self.scheduler.setPlaceholderText("none: this computer")
        self.scheduler.setToolTip(
            "Address of a Dask scheduler whose workers analyze the frames, such as "
            "tcp://scheduler:8786."
        )
        form.addRow("Dask scheduler", self.scheduler)

    @property
    def address(self) -> str | None:
        """The address; None if this computer analyzes."""
        return self.scheduler.text().strip() or None
