"""What the docks of this plugin have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from qtpy.QtCore import QEvent, QSize, Qt, QTimer
from qtpy.QtWidgets import (  # type: ignore[attr-defined]
    QDockWidget,
    QHBoxLayout,
    QMainWindow,
    QShortcut,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_lattice_symmetry.plugin.forms.wheel import guard_wheel
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.widgets.help import HelpButton

_WIDTH = 250  # pixels: more than half of a screen of 1280 is left to the image


class Dock(Releasing, QWidget):
    """A widget that lets go of the viewer when its dock is closed, and shares a place.

    Two docks one above the other do not fit on a small screen, so those of this plugin are tabs.

    Attributes
    ----------
    page : str
        The page of the documentation that tells how it is used.
    column : QVBoxLayout
        What the dock shows, one below the other.
    foot : QHBoxLayout
        What stands below, beside the button that helps.
    is_seen : bool
        Whether it is in front of the others; Qt calls those behind it visible, too.
    """

    page: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.is_seen = True
        self._least = 0  # pixels that its parts took at the last look
        self._put_off: list[Callable[[], object]] = []
        self.column = QVBoxLayout()
        self.column.setSpacing(4)
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Preferred, policy.Expanding)  # else napari adds a stretch below
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 5, 2, 2)
        layout.setSpacing(2)
        layout.addLayout(self.column, stretch=1)
        self.foot = QHBoxLayout()
        self.foot.addStretch()
        self.foot.addWidget(HelpButton(self.page))
        layout.addLayout(self.foot)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for little more than the parts need."""
        width = max(self.minimumSizeHint().width(), _WIDTH)
        return QSize(width, super().sizeHint().height())

    def event(self, event: QEvent | None) -> bool:
        """Notice when parts come and go: Qt keeps a dock as wide as it once had to be."""
        dock = self.parent()
        is_new = event is not None and event.type() == QEvent.Type.LayoutRequest
        if is_new and isinstance(dock, QDockWidget):
            dock.setMinimumWidth(0)
            had_to_be, self._least = self._least, self.minimumSizeHint().width()
            if self._least < had_to_be == dock.width():  # else somebody has made it as wide
                QTimer.singleShot(0, self._become_narrow)
        return super().event(event)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Notice when napari puts the widget into a dock, or takes it out to close that."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is None:
                self.release()
            else:
                if isinstance(dock := self.parent(), QDockWidget):
                    dock.visibilityChanged.connect(self._on_seen)
                guard_wheel(self)
                QTimer.singleShot(0, self._become_a_tab)
        super().changeEvent(event)

    def when_seen(self, act: Callable[[], object]) -> None:
        """Call at once if the dock is in front, else once it is, however often this is asked."""
        if self.is_seen:
            act()
        elif act not in self._put_off:
            self._put_off.append(act)

    def _on_seen(self, is_seen: bool) -> None:
        self.is_seen = is_seen
        for shortcut in self.findChildren(QShortcut):
            shortcut.setEnabled(is_seen)  # keys that two docks have would do nothing
        while self.is_seen and self._put_off:
            self._put_off.pop(0)()

    def _become_a_tab(self) -> None:
        dock = self.parent()
        window = self.window()
        if not isinstance(dock, QDockWidget) or not isinstance(window, QMainWindow):
            return
        area = window.dockWidgetArea(dock)
        for other in window.findChildren(QDockWidget):
            if other is dock or other.isFloating() or not isinstance(other.widget(), Dock):
                continue
            if window.dockWidgetArea(other) == area:
                if other not in window.tabifiedDockWidgets(dock):
                    window.tabifyDockWidget(other, dock)
                QTimer.singleShot(0, dock.raise_)  # once the tabs are laid out
                return
        QTimer.singleShot(0, self._become_narrow)

    def _become_narrow(self) -> None:
        dock, window = self.parent(), self.window()
        if isinstance(dock, QDockWidget) and isinstance(window, QMainWindow):
            left = [
                each
                for each in window.findChildren(QDockWidget)
                if each.isVisible()
                and window.dockWidgetArea(each) == Qt.DockWidgetArea.LeftDockWidgetArea
            ]  # which keep their width: the room is the image's
            widths = [self.sizeHint().width(), *(each.width() for each in left)]
            window.resizeDocks([dock, *left], widths, Qt.Orientation.Horizontal)
