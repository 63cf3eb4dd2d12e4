"""A Matplotlib figure in a dock, in the colors of napari's theme."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import fill
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_qt import NavigationToolbar2QT
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from napari.utils.theme import get_theme
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_lattice_symmetry.results.plots import drawing

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from napari.components import ViewerModel


_ICON = 16  # px
_TOOLS = ("home", "back", "forward", "pan", "zoom", "save_figure")


class FigureToolbar(NavigationToolbar2QT):
    """Matplotlib's toolbar, small, with icons that are seen on a dark theme too.

    It offers what lasts until the figure is drawn anew, and fits a narrow dock.
    """

    def __init__(self, canvas: FigureCanvasQTAgg) -> None:
        self.toolitems = [item for item in self.toolitems if item[3] in _TOOLS]
        super().__init__(canvas, coordinates=True)
        self.setIconSize(QSize(_ICON, _ICON))
        self.setContentsMargins(0, 0, 0, 0)
        self.locLabel.setMinimumWidth(0)

    @property
    def is_at_work(self) -> bool:
        """Whether a drag in the figure moves or enlarges it."""
        return bool(self.mode)

    def forget_views(self) -> None:
        """Forget what was enlarged, since the axes have been drawn anew."""
        self.update()

    def show_on(self, background: str) -> None:
        """Have icons that are seen on a background: Matplotlib asks the palette for it."""
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Window, QColor(background))
        palette.setColor(QPalette.ColorRole.Button, QColor(background))
        self.setPalette(palette)


class FigureCanvas(FigureCanvasQTAgg):
    """Shows a figure, and draws it anew when the theme changes.

    `pane` is what goes into a layout: the canvas below its toolbar.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme it follows.
    plot : callable
        Called with an empty figure to draw on.
    tooltip : str
        What can be done with it.
    """

    def __init__(
        self, viewer: ViewerModel, plot: Callable[[Figure], object], tooltip: str = ""
    ) -> None:
        super().__init__(Figure(figsize=(4, 4), layout="constrained"))
        self._viewer, self._plot = viewer, plot
        self._moving: list[Artist] = []
        self._still: Any = None
        self._colors = theme_colors(viewer.theme)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip(tooltip)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.pane = QWidget()
        self.navigation = FigureToolbar(self)
        layout = QVBoxLayout(self.pane)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.navigation)
        layout.addWidget(self, stretch=1)
        viewer.events.theme.connect(self.refresh)
        self.refresh()

    def refresh(self, _event: Any = None) -> None:
        """Draw anew, since what is to be drawn or the theme has changed."""
        self._colors = theme_colors(self._viewer.theme)
        with drawing(self._colors):
            self.figure.clear()
            self.figure.set_facecolor(self._colors["figure.facecolor"])
            self._plot(self.figure)
        self.navigation.show_on(self._colors["figure.facecolor"])
        self.navigation.forget_views()
        self.draw_idle()

    @property
    def is_drawn(self) -> bool:
        """Whether all that was asked for is drawn."""
        return self._still is not None

    def draw(self) -> None:
        """Draw in the colors of the theme: ticks are made as late as here."""
        with drawing(self._colors):
            super().draw()
        self._moving = self.figure.findobj(lambda artist: artist.get_animated())
        self._still = self.copy_from_bbox(self.figure.bbox)
        self._draw_moving()

    def draw_idle(self) -> None:
        """Draw all of it when there is time."""
        self._still = None
        super().draw_idle()

    def draw_changes(self) -> None:
        """Draw anew what is animated, over what is not: that takes a fraction of the time."""
        if not self.is_drawn:
            return  # all of it will be
        self.restore_region(self._still)
        self._draw_moving()
        self.blit(self.figure.bbox)

    def _draw_moving(self) -> None:
        for artist in sorted(self._moving, key=lambda artist: artist.get_zorder()):
            self.figure.draw_artist(artist)

    def release(self) -> None:
        """Follow the theme no longer."""
        self._viewer.events.theme.disconnect(self.refresh)


def write_hint(figure: Figure, text: str) -> None:
    """Say what a figure is for, while there is nothing to draw."""
    words = fill(text, 36)
    figure.text(0.5, 0.5, words, ha="center", va="center", fontsize="small", parse_math=False)


def theme_colors(theme: str) -> dict[Any, str]:
    """Return Matplotlib's settings for a figure in the colors of a theme of napari."""
    colors = get_theme(theme)
    text, background = colors.text.as_hex("long"), colors.background.as_hex("long")
    of_text = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    of_background = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
    return {**dict.fromkeys(of_text, text), **dict.fromkeys(of_background, background)}
