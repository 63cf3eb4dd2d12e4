"""What tabs, folds and scroll bars hide, shown."""

from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QScrollArea, QTabWidget
from superqt import QCollapsible


def bring_into_sight(target):
    """Open the tabs and folds that a widget is in, and scroll to it."""
    part, areas = target, []
    while part is not None:
        if isinstance(part, QCollapsible):
            part.expand(animate=False)
        if isinstance(part, QScrollArea):
            areas.append(part)
        stack = part.parentWidget()
        tabs = None if stack is None else stack.parentWidget()
        if isinstance(tabs, QTabWidget) and tabs.indexOf(part) >= 0:
            tabs.setCurrentWidget(part)
        part = stack
    QTest.qWait(50)  # until all is laid out
    for area in areas:
        area.ensureWidgetVisible(target)


def is_in_sight(target):
    """Tell whether a click at the middle of a widget meets it."""
    return QApplication.widgetAt(target.mapToGlobal(target.rect().center())) == target
