"""The pages of the documentation, which come with the package, in a window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QImage, QKeySequence, QTextCharFormat, QTextCursor, QTextDocument
from qtpy.QtWidgets import (  # type: ignore[attr-defined]
    QPushButton,
    QShortcut,
    QTextBrowser,
    QWidget,
)

_PACKAGE = Path(__file__).parents[2]
DOCS = next(place for place in (_PACKAGE / "docs", _PACKAGE.parents[1] / "docs") if place.is_dir())
"""Where the pages are: in the package, or beside the source that it is run from."""

_MARGIN = 40  # pixels beside images, with the scroll bar


class HelpButton(QPushButton):
    """Shows a page; F1 does the same.

    Parameters
    ----------
    page : str
        Name of the file.
    """

    def __init__(self, page: str) -> None:
        super().__init__("Help")
        self.page = page
        self.setFlat(True)
        self.setToolTip("How this dock is used, with its shortcuts. F1")
        QShortcut(QKeySequence(Qt.Key.Key_F1), self).activated.connect(self._show)
        self.clicked.connect(self._show)

    def _show(self) -> None:
        window = HelpWindow(self.page, self)
        window.show()


class HelpWindow(QTextBrowser):
    """A page, and what its links lead to."""

    def __init__(self, page: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowFlag(Qt.WindowType.Window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Lattice symmetry")
        self.setOpenExternalLinks(True)
        self.resize(760, 680)
        self.sourceChanged.connect(self._color_links)
        self.setSource(QUrl.fromLocalFile(str(DOCS / page)))

    def _color_links(self) -> None:
        """Write links, which are underlined, in the theme's color of text: Qt's blue drowns."""
        self.ensurePolished()  # or the colors are not yet those of the theme
        color = QTextCharFormat()
        color.setForeground(self.palette().text())
        cursor, keep = self.textCursor(), QTextCursor.MoveMode.KeepAnchor
        cursor.movePosition(QTextCursor.MoveOperation.Start)
        block = cursor.block()
        while block.isValid():
            for part in block.textFormats():
                if part.format.isAnchor():
                    cursor.setPosition(block.position() + part.start)
                    cursor.setPosition(cursor.position() + part.length, keep)
                    cursor.mergeCharFormat(color)
            block = block.next()

    def loadResource(self, kind: int, name: QUrl) -> Any:  # noqa: N802
        """Load a page or an image, the latter as wide as the window at most."""
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return super().loadResource(kind, name)
        image = QImage(self.source().resolved(name).toLocalFile())
        width = self.width() - _MARGIN
        smooth = Qt.TransformationMode.SmoothTransformation
        return image.scaledToWidth(width, smooth) if image.width() > width else image
