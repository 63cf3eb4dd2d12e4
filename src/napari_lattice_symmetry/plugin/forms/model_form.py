"""A form that is made from a model of settings."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic

from magicgui.widgets import Container
from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QWidget
from superqt import QCollapsible

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.forms.fields import make_field
from napari_lattice_symmetry.plugin.memory import forget, recall, remember
from napari_lattice_symmetry.settings import Settings, parse_settings

if TYPE_CHECKING:
    from pydantic import BaseModel

_UNLIMITED = 2**24 - 1  # pixels; Qt has no wider widgets


class ModelForm(Container, Generic[Settings]):
    """One row for each setting; those with a heading are folded under it.

    ``form["window"]`` is the widget of the setting `window`.

    Parameters
    ----------
    defaults : pydantic.BaseModel
        What it begins with. Titles, tooltips, ranges, choices and headings come from the fields
        of its class.
    names : sequence of str, optional
        Which fields; all if not given.
    remembered_as : str, optional
        Under which name the settings are kept between sessions; not kept if not given.

    Attributes
    ----------
    pages : dict of str to QFormLayout
        The rows under each heading, "" being none; more can be added.
    reset_button : QPushButton
        Sets all to their defaults, and forgets what was remembered.

    Signals
    -------
    changed
        Whenever a setting changes; once, if `set_values` changes several.
    """

    def __init__(
        self,
        defaults: Settings,
        names: Sequence[str] | None = None,
        remembered_as: str | None = None,
    ) -> None:
        model = type(defaults)
        schemas = model.model_json_schema()["properties"]
        names = tuple(names or schemas)
        super().__init__(
            widgets=[
                make_field(name, schemas[name], model.model_fields[name].annotation)
                for name in names
            ],
            labels=False,
        )
        self.margins = (0, 0, 0, 0)
        self.defaults, self._remembered_as = defaults, remembered_as
        self.pages: dict[str, QFormLayout] = {}
        self._kept = [name for name in names if not schemas[name].get("of_one_image")]
        for widget in self:
            self._add_row(widget, schemas[widget.name].get("group", ""))
        self._add_reset_button()
        self.set_values(defaults)
        if remembered_as is not None:
            self.update(recall(remembered_as, model, self._kept))
            self.changed.connect(self._remember)

    def values(self) -> Settings:
        """Return the settings.

        Raises
        ------
        InputError
            If a value is out of its range.
        """
        return parse_settings(type(self.defaults), **self.asdict())

    def set_values(self, settings: BaseModel) -> None:
        """Show the settings that a model has."""
        self.update({widget.name: getattr(settings, widget.name) for widget in self})

    def reset(self) -> None:
        """Show the defaults, and forget what was remembered."""
        self.set_values(self.defaults)
        if self._remembered_as is not None:
            forget(self._remembered_as)

    def set_enabled(self, enabled: bool) -> None:
        """Let what is on the pages be changed, or not; they can be unfolded in any case."""
        for rows in self.pages.values():
            page: Any = rows.parentWidget()
            page.setEnabled(enabled)
        self.reset_button.setEnabled(enabled)

    def offer(self, name: str, choices: Sequence[str | tuple[str, str]]) -> None:
        """Let a list offer other choices, or pairs of a text and a choice; nobody is told.

        What is chosen stays, if it is among them; else it is the first.
        """
        box: Any = self[name]
        before = box.value
        with self.changed.blocked(), box.changed.blocked():
            box.choices = ()  # else those that stay come before the others
            box.choices = lambda _: choices  # magicgui forgets others in another window
            if before in box.choices:
                box.value = before

    def show_rows(self, names: Sequence[str], shown: bool) -> None:
        """Show some rows, or hide them."""
        for name in names:
            self._rows_of(name).setRowVisible(self[name].native, shown)

    def put_beside(self, name: str, button: QWidget) -> int:
        """Put a button at the end of a row; return on which line of its page that is."""
        native, rows = self[name].native, self._rows_of(name)
        line, _ = rows.getWidgetPosition(native)
        holder = QWidget()
        rows.replaceWidget(native, holder)
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(native, stretch=1)
        layout.addWidget(button)
        return line

    def shorten_reset(self) -> QPushButton:
        """Let the button be a sign, and return it: it is to stand where there is little height."""
        self.reset_button.setText("↺")
        self.reset_button.setAccessibleName("Reset to defaults")
        return self.reset_button

    def join(self, name: str, other: str) -> None:
        """Put another setting at the end of a row, without its title."""
        self._take_row(other)
        self.put_beside(name, self[other].native)

    def widen(self, name: str) -> None:
        """Let a setting have a whole row, without its title."""
        rows, line = self._take_row(name)
        rows.insertRow(line, self[name].native)

    def _take_row(self, name: str) -> tuple[QFormLayout, int]:
        rows: Any = self._rows_of(name)
        native = self[name].native
        line, _ = rows.getWidgetPosition(native)
        rows.labelForField(native).deleteLater()
        rows.takeRow(native)
        return rows, line

    def _rows_of(self, name: str) -> QFormLayout:
        native = self[name].native
        return next(rows for rows in self.pages.values() if rows.indexOf(native) >= 0)

    def place_page(self, heading: str, page: QWidget) -> None:
        """Give a page its place in the form."""
        self.native.layout().addWidget(fold(heading, page) if heading else page)

    def _add_row(self, widget: Any, heading: str) -> None:
        if heading not in self.pages:
            page = QWidget()
            rows = self.pages[heading] = QFormLayout(page)
            rows.setContentsMargins(0, 0, 0, 0)
            rows.setVerticalSpacing(4)
            self.place_page(heading, page)
        native = widget.native
        native.setObjectName(widget.name)
        for part in (native, *native.findChildren(QWidget)):
            part.setToolTip(widget.tooltip)
            part.setAccessibleName(widget.label)
        title = QLabel(widget.label)
        title.setToolTip(widget.tooltip)
        title.setBuddy(native)
        self.pages[heading].addRow(title, native)

    def _add_reset_button(self) -> None:
        self.reset_button = QPushButton("Reset to defaults")
        tooltip = "Set all of these to their defaults"
        if self._remembered_as is not None:
            tooltip += ", and forget what they were set to in earlier sessions"
        self.reset_button.setToolTip(f"{tooltip}.")
        self.reset_button.clicked.connect(self.reset)
        self.native.layout().addWidget(self.reset_button, alignment=Qt.AlignmentFlag.AlignRight)
        self.native.layout().addStretch()

    def _remember(self) -> None:
        if self._remembered_as is not None:
            with suppress(InputError):
                remember(self._remembered_as, self.values(), self._kept)


def fold(heading: str, page: QWidget) -> QCollapsible:
    """Return a page that is folded away under a heading."""
    folded: Any = QCollapsible(heading, expandedIcon="▾", collapsedIcon="▸")
    folded.setDuration(0)
    folded.layout().setContentsMargins(0, 0, 0, 0)
    folded.setContent(page)

    def on_toggled(unfolded: bool) -> None:
        page.setVisible(unfolded)  # else the keyboard gets to what nobody sees
        page.setMaximumHeight(_UNLIMITED)  # else rows that come later have no room

    folded.toggled.connect(on_toggled)
    folded.collapse(animate=False)
    return folded


class FormArea(QScrollArea):
    """A form that may be higher than the screen has room for, and is as wide as it has to be.

    Parameters
    ----------
    form : ModelForm
        What is scrolled.
    """

    def __init__(self, form: ModelForm) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setWidget(form.native)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Leave room for the rows as they are now, and for a scroll bar beside them."""
        hint, form, bar = super().minimumSizeHint(), self.widget(), self.verticalScrollBar()
        if form is not None and bar is not None:
            hint.setWidth(form.minimumSizeHint().width() + bar.sizeHint().width())
        return hint

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Notice when rows come and go."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)
