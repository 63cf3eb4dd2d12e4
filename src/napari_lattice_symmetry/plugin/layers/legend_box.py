"""The legend on the canvas: what the colors mean of all maps that are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_lattice_symmetry.plugin.layers.legend import Legend, legends_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

_MARGIN = 8  # px from the edges of the canvas
_DELAY = 50  # ms in which changes are gathered
_STYLE = """
QWidget { background: transparent; }
LegendBox { background: rgba(20, 20, 20, 190); border-radius: 4px; }
QLabel { color: white; font-size: 11px; padding: 0; margin: 0; }
"""


class LegendBox(QFrame):
    """Lies in the lower left corner of the canvas, lets the mouse through, and follows the layers.

    What the canvas has no room for is counted.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers are explained.
    canvas : QWidget
        What napari draws on.
    """

    def __init__(self, viewer: ViewerModel, canvas: QWidget) -> None:
        super().__init__(canvas)
        self.shown: list[Legend] = []
        self._viewer = viewer
        self.setStyleSheet(_STYLE)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        layout = self._layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(3)
        self._parts: list[QWidget] = []
        self._more = QLabel()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_DELAY)
        self._soon.timeout.connect(self.refresh)
        canvas.installEventFilter(self)
        viewer.layers.events.connect(self._on_event)
        self.refresh()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Stay in the corner, and within the canvas, when that gets another size."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _on_event(self, event: Any) -> None:
        if event.type in _TELLING:
            self._soon.start()

    def refresh(self) -> None:
        """Show the legends of what is seen now."""
        legends = legends_of(list(self._viewer.layers))
        if legends != self.shown:
            self.shown = legends
            _empty(self._layout)
            self._parts, self._more = [_draw(legend) for legend in legends], QLabel()
            for part in (*self._parts, self._more):
                self._layout.addWidget(part)
        self.setVisible(bool(legends))
        self._place()

    def _place(self) -> None:
        canvas = self.parentWidget()
        if canvas is None:
            return
        height = canvas.height() - 2 * _MARGIN
        for n in range(len(self._parts), 0, -1):
            self._show_first(n)
            if self._layout.sizeHint().height() <= height:
                break
        self.adjustSize()
        self.move(_MARGIN, canvas.height() - self.height() - _MARGIN)

    def _show_first(self, n: int) -> None:
        for k, part in enumerate(self._parts):
            part.setVisible(k < n)
        n_more = len(self._parts) - n
        self._more.setText(f"and {n_more} more")
        self._more.setVisible(n_more > 0)


_TELLING = (
    "inserted",
    "removed",
    "reordered",
    "visible",
    "name",
    "colormap",
    "contrast_limits",
    "gamma",
    "metadata",
)


def show_legends(viewer: ViewerModel) -> None:
    """Put the legend on the canvas of a viewer, if it has a window."""
    window = getattr(viewer, "window", None)
    if window is None:
        return
    LegendBox(viewer, window._qt_viewer.canvas.native)  # napari has no public name for it


def _draw(legend: Legend) -> QWidget:
    box = QWidget()
    layout = QVBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(1)
    title = QLabel(f"<b>{legend.title}</b>")
    layout.addWidget(title)
    for color, meaning in legend.keys:
        layout.addLayout(_row(_patch(color), QLabel(meaning)))
    if legend.limits is not None:
        low, high = legend.limits
        layout.addLayout(_row(QLabel(low), _gradient(legend.ramp), QLabel(high)))
    for part in box.findChildren(QWidget):
        part.show()  # now, or what is not shown yet would have no size
    return box


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(5)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return row


def _patch(color: str) -> QLabel:
    patch = QLabel()
    patch.setFixedSize(11, 11)
    patch.setStyleSheet(f"background: {color}; border: 1px solid #BBBBBB;")
    return patch


def _gradient(colors: tuple[str, ...]) -> QLabel:
    last = len(colors) - 1
    stops = ", ".join(f"stop:{k / last:.4f} {color}" for k, color in enumerate(colors))
    bar = QLabel()
    bar.setFixedSize(90, 11)
    bar.setStyleSheet(
        f"background: qlineargradient(x1:0, y1:0, x2:1, y2:0, {stops}); border: 1px solid #BBBBBB;"
    )
    return bar


def _empty(layout: Any) -> None:
    while layout.count():
        widget = layout.takeAt(0).widget()
        widget.setParent(None)
        widget.deleteLater()
