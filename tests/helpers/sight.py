"""What tabs and folds hide, shown."""

from qtpy.QtWidgets import QTabWidget
from superqt import QCollapsible


def bring_into_sight(part):
    """Open the tabs and folds that a widget is in."""
    while part is not None:
        if isinstance(part, QCollapsible):
            part.expand(animate=False)
        stack = part.parentWidget()
        tabs = None if stack is None else stack.parentWidget()
        if isinstance(tabs, QTabWidget) and tabs.indexOf(part) >= 0:
            tabs.setCurrentWidget(part)
        part = stack
