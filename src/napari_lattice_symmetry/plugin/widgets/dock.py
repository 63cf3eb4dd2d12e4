"""What the docks of this plugin have in common."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from napari_lattice_symmetry.plugin.forms.wheel import guard_wheel


class Dock(QWidget):
    """A widget that lets go of the viewer when its dock is closed, and shares a place.

    Two docks one above the other do not fit on a small screen, so those of this plugin are tabs.
    """

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Notice when napari puts the widget into a dock, or takes it out to close that."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is None:
                self.release()
            else:
                guard_wheel(self)
                QTimer.singleShot(0, self._become_a_tab)
        super().changeEvent(event)

    def release(self) -> None:
        """Let go of the viewer: napari may keep a closed widget alive."""

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
